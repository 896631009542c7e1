"""The masked transcripts behind the figures, as they lie in observations.jsonl, and which of them to show first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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


def worst_first(transcripts: Sequence[Transcript], name: str, worse: str) -> list[Transcript]:
    """The transcripts that hold a value called `name`, the worst first; without any such, all as they came."""
    holding = [one for one in transcripts if one.values.get(name) is not None]
    if not holding:
        return list(transcripts)

    def badness(one: Transcript) -> float:
        value = one.values[name] or 0.0
        return {"higher": -value, "lower": value}.get(worse, -abs(value))

    return sorted(holding, key=badness)
