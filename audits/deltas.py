"""Estimate how far each figure of a probe moved from one model to another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ..probes.contract import Estimate, Groups, Metric, Parts
from ..probes.detectors import card_of
from ..probes.estimates import Card, corrected_difference, difference_of_worst, p_value, unmeasured
from .policy import DELTA
from .seen import Seen
from .selection import Selected

NO_MEAN = "it is no mean over items, so its difference has no interval"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """How far one figure moved: the estimate of variant less base, both figures, and the p-value of no move."""

    estimate: Estimate
    base: float | None = None
    variant: float | None = None
    p: float | None = None


def delta_metrics(metrics: Mapping[str, Metric]) -> dict[str, Metric]:
    """The metrics, by full name, that a comparison has for those of an audit; competence may be limited too."""
    return {f"{name}{DELTA}": delta_metric(one) for name, one in metrics.items() if name.count(".") > 1}


def delta_metric(metric: Metric) -> Metric:
    """The difference of a metric: of the variant's figure less the base's."""
    width = metric.range[1] - metric.range[0]
    return replace(
        metric,
        name=f"{metric.name}{DELTA}",
        meaning=f"change from base to variant of: {metric.meaning}",
        role="diagnostic" if metric.role == "diagnostic" else "primary",
        range=(-width, width),
        chance=None,
        terms=None,
    )


def moves_of(selected: Selected, base: Seen, variant: Seen, level: float) -> list[Move]:
    """The moves of a probe's whole figures, and of those of its subgroups that a limit may stand on."""
    terms = [selected.probe.terms(side.observations) for side in (base, variant)]
    moves = []
    for metric in selected.probe.metrics:
        old, new = (_estimate(side, f"{selected.name}.{metric.name}") for side in (base, variant))
        assert old is not None and new is not None
        if old.value is None or new.value is None:
            lacking = unmeasured(delta_metric(metric), level, (old if old.value is None else new).reason)
            moves.append(Move(estimate=lacking, base=old.value, variant=new.value))
        elif not all(metric.name in side for side in terms):
            moves.append(Move(estimate=_bare(metric, old, new), base=old.value, variant=new.value))
        else:
            own = replace(metric, range=old.range)
            # The first judge named is the one whose card corrects a figure; both runs have the same.
            card = card_of(base.observations[0].judges[0]) if old.correction == "rogan-gladen" else None
            for groups, before, after in _split(metric, *(side[metric.name] for side in terms)):
                found = _move(own, before, after, level, card)
                named = [_estimate(side, old.metric, groups) for side in (base, variant)]
                moves.append(
                    replace(
                        found,
                        estimate=replace(found.estimate, groups=groups),
                        base=named[0].value if named[0] else _figure(before),
                        variant=named[1].value if named[1] else _figure(after),
                    )
                )
    return [
        replace(one, estimate=replace(one.estimate, metric=f"{selected.name}.{one.estimate.metric}")) for one in moves
    ]


def _bare(metric: Metric, old: Estimate, new: Estimate) -> Estimate:
    assert old.value is not None and new.value is not None
    lacking = unmeasured(delta_metric(metric), old.level, NO_MEAN)
    return replace(lacking, value=new.value - old.value, n=old.n, clusters=old.clusters, method="difference")


def _move(metric: Metric, before: Parts, after: Parts, level: float, card: Card | None) -> Move:
    ends = metric.terms or metric.range
    delta = delta_metric(metric)
    wide = replace(delta, range=(ends[0] - ends[1], ends[1] - ends[0]))

    def at(some: float) -> Estimate:
        found = difference_of_worst(wide, before, after, some, ends=ends)
        return corrected_difference(found, card) if card else found

    def interval(some: float) -> tuple[float, float]:
        found = at(some)
        assert found.low is not None and found.high is not None
        return found.low, found.high

    estimate = _cut(at(level), delta)
    known = estimate.low is not None and estimate.high is not None
    return Move(estimate=estimate, p=p_value(interval) if known else None)


def _cut(estimate: Estimate, delta: Metric) -> Estimate:
    """Parts may lie further apart than the figures, whose difference is therefore cut to its own range."""
    bottom, top = delta.range
    low, high = (None if one is None else min(max(one, bottom), top) for one in (estimate.low, estimate.high))
    return replace(estimate, range=delta.range, low=low, high=high)


def _figure(parts: Parts) -> float | None:
    judged = [[one.value for one in terms if one.value is not None] for terms in parts.values()]
    return max((sum(values) / len(values) for values in judged if values), default=None)


def _split(metric: Metric, before: Parts, after: Parts) -> Iterator[tuple[Groups, Parts, Parts]]:
    """The whole, and for a figure that a limit may stand on each subgroup of its terms."""
    yield (), before, after
    if metric.role != "primary":
        return
    labels = sorted({label for terms in before.values() for one in terms for label in one.groups})
    for label in labels:
        old, new = (
            {part: [one for one in terms if label in one.groups] for part, terms in side.items()}
            for side in (before, after)
        )
        yield (label,), old, new


def _estimate(seen: Seen, name: str, groups: Groups = ()) -> Estimate | None:
    return next((one for one in seen.estimates if one.metric == name and one.groups == groups), None)
