"""What a model takes on this machine: the most memory that this process, or further ones that load it, have held."""

from __future__ import annotations

import dataclasses
import resource
import sys
from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from ..probes.contract import JSON, Footprint, Load, Model, ModelIdentity

LOADS = 8
"""The median of 8 independent readings lies between the least and the most of them with a probability of 99.2 %."""
MOST_SECONDS = 300.0
"""What all further loads together may take, by the time of the first."""
IMPORT_SECONDS = 4.0
"""Until the process that loads again has imported its libraries."""

BYTES_A_UNIT = 1 if sys.platform == "darwin" else 1024
"""The system tells the peak in bytes on macOS and in kilobytes on Linux."""


@runtime_checkable
class Reloadable(Protocol):
    """A model that can be loaded again, in processes of its own."""

    def loads(self) -> Sequence[Load]:
        """What each further load took; none where it cannot be done."""
        ...


def taken(model: Model) -> Footprint | None:
    """What a model takes, with the memory held so far and what loading it again takes."""
    found = model.footprint
    if found is None or found.peak_bytes is not None:
        return found
    again = tuple(model.loads()) if isinstance(model, Reloadable) else ()
    return dataclasses.replace(found, peak_bytes=peak_bytes(model.identity), loads=again)


def seconds_again(model: Model) -> float:
    """About how long `taken` will spend on loading a model again; 0 where it does not."""
    found = model.footprint
    if found is None or found.load_seconds is None or found.peak_bytes is not None or not isinstance(model, Reloadable):
        return 0.0
    loading = LOADS * found.load_seconds
    return IMPORT_SECONDS + loading if loading <= MOST_SECONDS else 0.0


def held_bytes() -> int:
    """The most memory that this process has held (its resident set) since it began."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * BYTES_A_UNIT


def peak_bytes(identity: ModelIdentity) -> int | None:
    """The same; None for a model that is not in this process's memory."""
    return held_bytes() if _here(identity.kind, identity.settings) else None


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
