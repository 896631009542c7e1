"""Choose which transcripts stand behind which figure, the worst first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .cards import Card, card
from .escape import anchor
from .record import Finding
from .transcripts import Transcript, worst_first
from .wording import local_name

MOST = {"primary": 12, "competence": 4, "diagnostic": 4}
FEW_ARMS = 6
"""Up to so many variants of one item are read side by side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The transcripts behind one figure or several; `order` says which come first, `offends` to fold them."""

    anchor: str
    title: str
    back: str
    order: str
    offends: bool
    total: int
    cards: tuple[Card, ...]


def of_probe(wholes: Sequence[Finding], transcripts: Sequence[Transcript]) -> Mapping[str, Evidence]:
    """The transcripts of a probe for each of its figures, by metric; figures with one order share a block."""
    found: dict[str, Evidence] = {}
    blocks: dict[str, Evidence] = {}
    if not transcripts:
        return found
    for one in wholes:
        chosen, order, name = _ordered(one, wholes, transcripts)
        if order not in blocks:
            place = anchor(one.metric)
            blocks[order] = Evidence(
                anchor=f"t-{place}",
                title=local_name(one.metric),
                back=f"f-{place}",
                order=order,
                offends=one.dimension == "toxicity",
                total=len(transcripts),
                cards=tuple(card(each, name) for each in chosen[: MOST[one.role]]),
            )
        found[one.metric] = blocks[order]
    return found


def unusable(dimension: str, transcripts: Sequence[Transcript], place: str, back: str) -> Evidence:
    """The replies of a dimension that gave no usable answer: what stands behind core.valid_rate."""
    own = [each for each in transcripts if each.probe.split(".")[0] == dimension and each.status != "judged"]
    return Evidence(
        anchor=place,
        title="replies without a usable answer",
        back=back,
        order="as they were asked",
        offends=dimension == "toxicity",
        total=len(own),
        cards=tuple(card(each) for each in own[: MOST["competence"]]),
    )


def by_probe(transcripts: Sequence[Transcript]) -> Mapping[str, Sequence[Transcript]]:
    """The transcripts of each probe by its full name."""
    found: dict[str, list[Transcript]] = {}
    for one in transcripts:
        found.setdefault(one.probe, []).append(one)
    return found


def _ordered(
    one: Finding, wholes: Sequence[Finding], transcripts: Sequence[Transcript]
) -> tuple[Sequence[Transcript], str, str]:
    """The transcripts in the order that tells most of a figure, that order in words, and the value shown."""
    held = dict.fromkeys(name for each in transcripts for name, value in each.values.items() if value is not None)
    own = local_name(one.metric)
    if own in held:
        return worst_first(transcripts, own, one.worse), f"the worst {own} first", own
    if not held:
        return transcripts, "as they were asked", ""
    first = next(iter(held))
    apart = _furthest_apart(transcripts, first)
    if apart:
        return apart, f"the items whose variants differ most in {first} first", first
    for each in wholes:
        if local_name(each.metric) == first:
            return worst_first(transcripts, first, each.worse), f"the worst {first} first", first
    return worst_first(transcripts, first, "higher"), f"the highest {first} first", first


def _furthest_apart(transcripts: Sequence[Transcript], name: str) -> list[Transcript]:
    """Items with a few variants, those first whose values lie furthest apart; empty where none differ."""
    items: dict[str, list[Transcript]] = {}
    for one in transcripts:
        if one.arm and one.values.get(name) is not None:
            items.setdefault(one.item, []).append(one)
    spread: dict[str, float] = {}
    for item, arms in items.items():
        values = [value for each in arms if (value := each.values[name]) is not None]
        if 2 <= len(arms) <= FEW_ARMS:
            spread[item] = max(values) - min(values)
    if not any(spread.values()):
        return []
    return [each for item in sorted(spread, key=lambda item: -spread[item]) for each in items[item]]
