"""The masked transcripts behind the figures, as they lie in observations.jsonl, and which of them to show first."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from ..probes.contract import Groups, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What was asked and what came back, masked; `kind` is "generate" or "score", `key` the journal's.

    Of a cascade, `responder` is who answered, and `overruled` what the small model had said where that did not stand.
    """

    kind: str
    asked: str
    reply: str
    key: str = ""
    responder: str = ""
    overruled: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """One observation with all that was said, masked: a line of observations.jsonl."""

    probe: str
    item: str
    cluster: str
    status: Status
    values: Mapping[str, float | None]
    reason: str = ""
    arm: str = ""
    groups: Groups = ()
    judges: tuple[str, ...] = ()
    turns: tuple[Turn, ...] = ()


Transcripts = Mapping[str, Sequence[Transcript]]
"""The transcripts of each probe by its full name. There may be many: they lie on disk, and are read one by one."""


def worst_first(transcripts: Sequence[Transcript], name: str, worse: str, most: int) -> list[Transcript]:
    """Up to `most` transcripts that hold a value called `name`, the worst first; without any such, the first ones."""

    def badness(one: Transcript) -> float:
        value = one.values[name] or 0.0
        return {"higher": -value, "lower": value}.get(worse, -abs(value))

    holding = (one for one in transcripts if one.values.get(name) is not None)
    return heapq.nsmallest(most, holding, key=badness) or list(islice(transcripts, most))
