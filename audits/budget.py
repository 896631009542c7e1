"""Turn a budget of minutes into numbers of clusters, once, before the first reply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .prospect import Outlook, Prospect
from .settings import Allotment

STEPS = 24


def allot(prospect: Prospect, minutes: float) -> Allotment:
    """How many clusters of each probe so many minutes leave, by the clock or of CPU, whichever is more.

    First the gated probes get what their limits need, or all they have where that decides nothing, each the same share
    of it if there is not time for all; then what is left goes to the gated ones beyond their need, then to the others.
    A probe that cannot be given a single cluster gets none and the reason stands in `lacking`. What it took to find
    all this out is taken from the budget.
    """
    given = {one.selected.name: 0 for one in prospect.outlooks if one.clusters}
    asked = [one for one in prospect.outlooks if one.clusters]
    gated = [one for one in asked if one.needs]
    others = [one for one in asked if not one.needs]
    seconds = 60 * minutes
    for some, wanted in ((gated, _needed), (gated, _all), (others, _all)):
        given |= _filled(prospect, given, some, {one.selected.name: wanted(one) for one in some}, seconds)
    return Allotment(minutes=minutes, clusters=given, lacking=tuple(_lacking(prospect, given, minutes)))


def _needed(outlook: Outlook) -> int:
    """The clusters that decide every limit of a probe that can be decided; all where one cannot."""
    return min(outlook.clusters, max(one.clusters or outlook.clusters for one in outlook.needs))


def _all(outlook: Outlook) -> int:
    return outlook.clusters


def _filled(
    prospect: Prospect, given: Mapping[str, int], some: Sequence[Outlook], wanted: Mapping[str, int], seconds: float
) -> dict[str, int]:
    """As large a share of what is wanted as there is time for, without those that no cluster is left for."""

    def at(share: float) -> dict[str, int]:
        return {name: max(1, given[name], int(share * wanted[name])) for name in left}

    def fits(share: float) -> bool:
        spent = prospect.looking + prospect.total({**given, **at(share)}).spent
        return max(spent.cpu, spent.clock) <= seconds

    left = [one.selected.name for one in some]
    cost = {one.selected.name: one.cost(max(1, given[one.selected.name])).spent.cpu for one in some}
    while left and not fits(0.0):
        left.remove(max(left, key=lambda name: (given[name] == 0, cost[name])))
    if fits(1.0):
        return at(1.0)
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return at(low)


def _lacking(prospect: Prospect, given: Mapping[str, int], minutes: float) -> list[str]:
    """What the budget leaves out, a sentence each."""
    said = []
    for one in prospect.outlooks:
        name, clusters = one.selected.name, given.get(one.selected.name, 0)
        if clusters >= one.clusters:
            continue
        said.append(f"{name}: {minutes:g} minutes leave {clusters} of its {one.clusters} clusters (budget)")
        said += [
            f"{need.metric}: that is too few to decide {need.limit}; about {need.clusters} are needed if the truth is "
            f"{need.truth:.3g}"
            for need in one.needs
            if need.clusters is not None and clusters < need.clusters <= need.available
        ]
    return said
