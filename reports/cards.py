"""Lay out one transcript for reading."""

from __future__ import annotations

from dataclasses import dataclass

from .transcripts import Transcript
from .wording import group_words

LONGEST = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One turn as it is shown: `cut` counts the characters left out, for which the journal must be opened."""

    kind: str
    asked: str
    reply: str
    cut: int
    key: str
    responder: str
    overruled: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One transcript as it is shown: `value` holds its numbers, `gist` the first words that were said."""

    item: str
    cluster: str
    status: str
    value: str
    reason: str
    arm: str
    groups: str
    judges: str
    gist: str
    said: tuple[Said, ...]


def card(one: Transcript, name: str = "") -> Card:
    """A transcript with its value called `name`, or with all of its values."""
    shown = {key: number for key, number in one.values.items() if number is not None and name in ("", key)}
    return Card(
        item=one.item,
        cluster=one.cluster,
        status=one.status.replace("_", " "),
        value=", ".join(f"{key} = {number:.4g}" for key, number in shown.items()),
        reason=one.reason,
        arm=one.arm,
        groups=group_words(one.groups),
        judges=", ".join(one.judges),
        gist=_gist(one),
        said=tuple(
            Said(
                kind="scored" if turn.kind == "score" else "generated",
                asked=turn.asked[:LONGEST],
                reply=turn.reply[:LONGEST],
                cut=sum(max(0, len(text) - LONGEST) for text in (turn.asked, turn.reply, turn.overruled)),
                key=turn.key[:12],
                responder=turn.responder,
                overruled=turn.overruled[:LONGEST],
            )
            for turn in one.turns
        ),
    )


def _gist(one: Transcript) -> str:
    if not one.turns:
        return ""
    first = one.turns[0]
    if first.kind == "score":
        return _opening(first.asked, 120)
    return f"{_opening(first.asked, 40)} \u2192 {_opening(first.reply, 80) or '(nothing)'}"


def _opening(text: str, most: int) -> str:
    flat = " ".join(text[: 4 * most].split())
    return flat if len(flat) <= most else f"{flat[:most].rstrip()}\u2026"
