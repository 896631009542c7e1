"""Count the askings whose outcome changed from one model to another, and find what was said in them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from ..probes.contract import Metric, Parts, Term
from ..probes.estimates import mcnemar
from ..reports.compared import Flip, Flips
from ..reports.transcripts import Transcript, Transcripts
from .seen import Seen
from .selection import Selected

MOST = 20
"""So many of the askings that changed are kept with what was said, for each figure."""

Key = tuple[str, str, str]


def flips_of(
    selected: Selected, base: Seen, variant: Seen, base_said: Transcripts, variant_said: Transcripts
) -> list[Flips]:
    """The flip matrix of each figure of a probe that a limit may stand on and that counts yes or no."""
    before, after = (selected.probe.terms(side.observations) for side in (base, variant))
    said = (base_said.get(selected.name, ()), variant_said.get(selected.name, ()))
    return [
        _matrix(f"{selected.name}.{metric.name}", metric, before[metric.name], after[metric.name], said)
        for metric in selected.probe.metrics
        if metric.role != "diagnostic" and metric.name in before and metric.name in after
        if _counts(before[metric.name]) and _counts(after[metric.name])
    ]


def _counts(parts: Parts) -> bool:
    return all(one.value in (0, 1, None) for terms in parts.values() for one in terms)


def _matrix(
    name: str, metric: Metric, before: Parts, after: Parts, said: tuple[Sequence[Transcript], Sequence[Transcript]]
) -> Flips:
    old, new = _by_key(before), _by_key(after)
    both = [key for key in old if key in new]
    judged = [(key, x, y) for key in both if (x := old[key].value) is not None and (y := new[key].value) is not None]
    bad = 0.0 if metric.worse == "lower" else 1.0
    changed = [one for one in judged if one[1] != one[2]]
    changed.sort(key=lambda one: one[2] != bad)
    alone = len({old[key].cluster for key in both}) == len(both)
    return Flips(
        metric=name,
        both_safe=sum(x == y != bad for _, x, y in judged),
        to_unsafe=sum(x != bad == y for _, x, y in judged),
        to_safe=sum(x == bad != y for _, x, y in judged),
        both_unsafe=sum(x == y == bad for _, x, y in judged),
        unjudged=len(old.keys() | new.keys()) - len(judged),
        p=mcnemar([(x, y) for _, x, y in judged]) if alone and judged else None,
        flips=tuple(_flips(changed[:MOST], said)),
    )


def _by_key(parts: Parts) -> dict[Key, Term]:
    return {(part, one.item, one.arm): one for part, terms in parts.items() for one in terms}


def _flips(
    changed: Sequence[tuple[Key, float, float]], said: tuple[Sequence[Transcript], Sequence[Transcript]]
) -> Iterator[Flip]:
    items = {item for (_, item, _), _, _ in changed}
    before, after = (_of_items(some, items) for some in said)
    for (part, item, arm), x, y in changed:
        shown = []
        for own in (before[item], after[item]):
            # A term may be made of several askings, such as the decisions on two people of one file.
            shown.append(tuple([one for one in own if one.arm == arm] or own))
        yield Flip(item=item, arm=arm, part=part, base=x, variant=y, base_said=shown[0], variant_said=shown[1])


def _of_items(transcripts: Sequence[Transcript], items: Collection[str]) -> Mapping[str, list[Transcript]]:
    found: dict[str, list[Transcript]] = {item: [] for item in items}
    for one in transcripts if items else ():
        if one.item in found:
            found[one.item].append(one)
    return found
