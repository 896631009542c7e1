"""The key of a server: taken from a variable, sent to that server alone, and struck out of all that it says."""

from __future__ import annotations

import functools
import html
import json
import re
from collections.abc import Mapping
from urllib.parse import quote, quote_plus

from ...errors import UserError

PREFIX = "SLM_AUDIT_KEY_"
STRUCK = "[key]"


def key_of(named: str | None, key_env: str, environ: Mapping[str, str]) -> str:
    """The key in the variable that the command line or the spec names, or "" where none is named.

    A spec may name only variables that begin with SLM_AUDIT_KEY_: a spec from elsewhere must not be able to send
    any other secret of this machine to its server.
    """
    name = key_env or named
    if not name:
        return ""
    if not key_env and not name.startswith(PREFIX):
        raise UserError(f"model.key names a variable that does not begin with {PREFIX}; rename it, or give --key-env")
    key = environ.get(name, "").strip()
    if not key:
        raise UserError(f"the variable {name} holds no key; set it to the server's key")
    if not re.fullmatch(r"[\x21-\x7e]+", key):
        raise UserError(f"the variable {name} holds blanks or other characters that no key has; set it anew")
    return key


def struck(said: object, key: str) -> object:
    """A JSON value without the key, which a server may repeat in what it says: as it is, or as JSON, HTML or a URL."""
    if not key:
        return said
    if isinstance(said, str):
        for form in _forms(key):
            said = said.replace(form, STRUCK)
        return said
    if isinstance(said, list):
        return [struck(one, key) for one in said]
    if isinstance(said, dict):
        return {str(struck(name, key)): struck(one, key) for name, one in said.items()}
    return said


@functools.cache
def _forms(key: str) -> tuple[str, ...]:
    """The key as other texts hold it, the longest first."""
    as_json = json.dumps(key)[1:-1]
    forms = {key, as_json, as_json.replace("/", "\\/"), html.escape(key), html.escape(key, quote=False)}
    forms |= {quote(key, safe=""), quote(key), quote_plus(key)}
    return tuple(sorted(forms, key=len, reverse=True))
