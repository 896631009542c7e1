"""The most memory that this process has held."""

from __future__ import annotations

import resource
import sys
from collections.abc import Mapping

from ..probes.contract import JSON, ModelIdentity

BYTES_A_UNIT = 1 if sys.platform == "darwin" else 1024
"""The system tells the peak in bytes on macOS and in kilobytes on Linux."""


def peak_bytes(identity: ModelIdentity) -> int | None:
    """The peak of the resident set in bytes; None for a model that is not in this process's memory."""
    if not _here(identity.kind, identity.settings):
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * BYTES_A_UNIT


def _here(kind: JSON, settings: Mapping[str, JSON]) -> bool:
    """Whether the model lies in this process's memory; of a cascade its small one, and the large one or a server."""
    if kind == "cascade":
        small, large = settings["small"], settings["large"]
        assert isinstance(small, Mapping) and isinstance(large, Mapping)
        return _part_here(small) and (_part_here(large) or large["kind"] == "endpoint")
    return kind == "transformers" and settings.get("device") == "cpu"


def _part_here(identity: Mapping[str, JSON]) -> bool:
    settings = identity["settings"]
    return isinstance(settings, Mapping) and _here(identity["kind"], settings)
