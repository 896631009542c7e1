"""The most memory that this process has held."""

from __future__ import annotations

import resource
import sys

from ..probes.contract import ModelIdentity

BYTES_A_UNIT = 1 if sys.platform == "darwin" else 1024
"""The system tells the peak in bytes on macOS and in kilobytes on Linux."""


def peak_bytes(identity: ModelIdentity) -> int | None:
    """The peak of the resident set in bytes; None for a model that is not in this process's memory."""
    if identity.kind != "transformers" or identity.settings.get("device") != "cpu":
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * BYTES_A_UNIT
