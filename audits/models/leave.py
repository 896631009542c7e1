"""What the command line allows a model to do that a spec alone may not."""

from __future__ import annotations

from typing import NamedTuple


class Leave(NamedTuple):
    """`key_env` is a variable, of any name, that may be sent to the model's own server as its key.

    `code` lets a model's own code be run, `pickles` lets weights be read that are not safetensors.
    """

    key_env: str = ""
    code: bool = False
    pickles: bool = False


NONE = Leave()
