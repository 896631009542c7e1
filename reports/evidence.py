"""Choose which transcripts stand behind which figure, the worst first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .cards import Card, card
from .escape import anchor
from .record import Finding
from .transcripts import Transcript, Transcripts, worst_first
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
    held = _held(transcripts)
    for one in wholes:
        order, name, chosen = _ordered(one, wholes, transcripts, held)
        if order not in blocks:
            place = anchor(one.metric)
            blocks[order] = Evidence(
                anchor=f"t-{place}",
                title=local_name(one.metric),
                back=f"f-{place}",
                order=order,
                offends=one.dimension == "toxicity",
                total=len(transcripts),
                cards=tuple(card(each, name) for each in chosen(MOST[one.role])),
            )
        found[one.metric] = blocks[order]
    return found


def unusable(dimension: str, transcripts: Transcripts, place: str, back: str) -> Evidence:
    """The replies of a dimension that gave no usable answer: what stands behind core.valid_rate."""
    asked = (own for probe, own in transcripts.items() if probe.split(".")[0] == dimension)
    shown: list[Transcript] = []
    total = 0
    for each in (one for own in asked for one in own if one.status != "judged"):
        total += 1
        if len(shown) < MOST["competence"]:
            shown.append(each)
    return Evidence(
        anchor=place,
        title="replies without a usable answer",
        back=back,
        order="as they were asked",
        offends=dimension == "toxicity",
        total=total,
        cards=tuple(map(card, shown)),
    )


def _held(transcripts: Sequence[Transcript]) -> list[str]:
    """The names of all values that were judged, in the order in which they appear."""
    return list(dict.fromkeys(name for each in transcripts for name, value in each.values.items() if value is not None))


def _ordered(
    one: Finding, wholes: Sequence[Finding], transcripts: Sequence[Transcript], held: Sequence[str]
) -> tuple[str, str, Callable[[int], Sequence[Transcript]]]:
    """The order of transcripts that tells most of a figure in words, the value shown, and what gives the first few."""

    def worst(name: str, worse: str) -> Callable[[int], Sequence[Transcript]]:
        return lambda most: worst_first(transcripts, name, worse, most)

    own = local_name(one.metric)
    if own in held:
        return f"the worst {own} first", own, worst(own, one.worse)
    if not held:
        return "as they were asked", "", lambda most: transcripts[:most]
    first = held[0]
    if apart := _furthest_apart(transcripts, first):
        order = f"the items whose variants differ most in {first} first"
        return order, first, lambda most: _of_items(transcripts, apart, first, most)
    for each in wholes:
        if local_name(each.metric) == first:
            return f"the worst {first} first", first, worst(first, each.worse)
    return f"the highest {first} first", first, worst(first, "higher")


def _furthest_apart(transcripts: Sequence[Transcript], name: str) -> list[str]:
    """The items with a few variants, those first whose values lie furthest apart; empty where none differ."""
    items: dict[str, list[float]] = {}
    for one in transcripts:
        if one.arm and (value := one.values.get(name)) is not None:
            items.setdefault(one.item, []).append(value)
    spread = {item: max(own) - min(own) for item, own in items.items() if 2 <= len(own) <= FEW_ARMS}
    return sorted(spread, key=lambda item: -spread[item]) if any(spread.values()) else []


def _of_items(transcripts: Sequence[Transcript], items: Sequence[str], name: str, most: int) -> list[Transcript]:
    """Up to `most` transcripts of variants in which a value was judged, in the order of the items."""
    found: dict[str, list[Transcript]] = {item: [] for item in items[:most]}
    for one in transcripts:
        if one.item in found and one.arm and one.values.get(name) is not None:
            found[one.item].append(one)
    return [one for own in found.values() for one in own][:most]
