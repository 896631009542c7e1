"""Mask secrets, canaries and personal data with stable tokens, so that all outputs but the journal may be shared."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection

_PERSONAL = re.compile(
    r"(?P<email>[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63}){1,4})"
    r"|(?P<card>\b\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{4}\b)"
    r"|(?P<iban>\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}\b)"
    r"|(?P<phone>\+\d[\d ()-]{7,18}\d|\b\d{3}[-.]\d{3}[-.]\d{4}\b)"
)


class Mask:
    """Replaces known sensitive strings, and what looks like personal data, the same one by the same token.

    `salt` (the run's id) keeps the tokens of two runs apart, so that a token cannot be looked up in a table.
    """

    def __init__(self, sensitive: Collection[str], salt: str) -> None:
        """Take the strings that no output may show; the longest are looked for first."""
        self._salt = salt
        words = sorted({one.strip() for one in sensitive if one.strip()}, key=lambda one: (-len(one), one))
        self._known = re.compile("|".join(map(re.escape, words)), re.IGNORECASE) if words else None

    def __call__(self, text: str) -> str:
        """`text` with nothing sensitive left in it."""
        if self._known is not None:
            text = self._known.sub(lambda found: self._token("secret", found[0]), text)
        return _PERSONAL.sub(lambda found: self._token(found.lastgroup or "personal", found[0]), text)

    def _token(self, kind: str, value: str) -> str:
        digest = hashlib.sha256(f"{self._salt}|{value.lower()}".encode("utf-8", "replace")).hexdigest()
        return f"[{kind} {digest[:8]}]"
