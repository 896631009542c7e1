"""Estimate every metric that is named as a value of observations: what a probe gets that measures nothing itself."""

from __future__ import annotations

from collections.abc import Sequence

from ..contract import Estimate, Metric, Observation
from .forms import NOTHING_OBSERVED, unmeasured
from .groups import share_or_mean
from .tally import check_level


def of_values(metrics: Sequence[Metric], seen: Sequence[Observation], level: float) -> list[Estimate]:
    """One estimate for each metric, in their order: a rate where all judged values are 0 or 1, else a mean.

    The values are those under the metric's name in the observations' `values`; None counts as missing, and an
    observation without the name was not asked. A metric that no observation names is unmeasured. So is one
    whose items were drawn with unequal probability, which would need weights.
    """
    check_level(level)
    return [_of_metric(metric, seen, level) for metric in metrics]


def _of_metric(metric: Metric, seen: Sequence[Observation], level: float) -> Estimate:
    values: list[float | None] = []
    clusters: list[str] = []
    probabilities = set()
    for one in seen:
        if metric.name in one.values:
            values.append(one.values[metric.name])
            clusters.append(one.cluster)
            probabilities.add(one.probability)
    if not values:
        return unmeasured(metric, level, NOTHING_OBSERVED)
    if len(probabilities) > 1:
        return unmeasured(metric, level, "items were drawn with unequal probability, which this estimate cannot weigh")
    return share_or_mean(metric, values, clusters, level)
