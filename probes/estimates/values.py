"""Turn what was observed into one estimate for each metric."""

from __future__ import annotations

from collections.abc import Sequence

from ..contract import Estimate, Groups, Metric, Observation
from .forms import NOTHING_OBSERVED, unmeasured
from .means import mean
from .rates import rate
from .tally import check_level


def of_values(metrics: Sequence[Metric], seen: Sequence[Observation], level: float) -> list[Estimate]:
    """One estimate for each metric whose name is a key of some observation's `values`, in the metrics' order.

    A value of None counts as missing; an observation without the key was not asked for that metric. When no
    metric is named at all, each is unmeasured. Items drawn with unequal probability would need weights: their
    metrics are unmeasured and say so.
    """
    check_level(level)
    named = {name for one in seen for name in one.values}
    if not any(metric.name in named for metric in metrics):
        return [unmeasured(metric, level, NOTHING_OBSERVED) for metric in metrics]
    return [_of_metric(metric, seen, level) for metric in metrics if metric.name in named]


def _of_metric(metric: Metric, seen: Sequence[Observation], level: float) -> Estimate:
    asked = [one for one in seen if metric.name in one.values]
    if len({one.probability for one in asked}) > 1:
        return unmeasured(metric, level, "items were drawn with unequal probability, which this estimate cannot weigh")
    return figure(metric, [one.values[metric.name] for one in asked], [one.cluster for one in asked], level)


def figure(
    metric: Metric,
    values: Sequence[float | None],
    clusters: Sequence[str],
    level: float,
    *,
    groups: Groups = (),
) -> Estimate:
    """A rate when the metric's range is (0, 1) and every judged value is 0 or 1, else a mean."""
    binary = tuple(metric.range) == (0.0, 1.0) and all(value is None or value in (0, 1) for value in values)
    estimate = rate if binary else mean
    return estimate(metric, values, clusters, level, groups=groups)
