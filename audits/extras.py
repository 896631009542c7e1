"""The libraries that come with an extra of this package, and what is said where one is missing."""

from __future__ import annotations

from importlib.util import find_spec

from .errors import UserError
from .model_file import Quantised

EXTRAS = {"torchao": "quantised", "bitsandbytes": "bitsandbytes", "peft": "adapters", "ray": "cluster"}


def library_of(how: Quantised) -> str:
    """The library that rounds weights so."""
    return "bitsandbytes" if how.startswith("bitsandbytes") else "torchao"


def need(library: str, who: str) -> None:
    """UserError unless a library is installed; `who` says what asks for it."""
    if find_spec(library) is None:
        raise UserError(f"{who} needs {library}, which is not installed; pip install 'slm-audit[{EXTRAS[library]}]'")
