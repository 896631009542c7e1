"""Estimate every metric that is named as a value of observations: what a probe gets that measures nothing itself."""

from __future__ import annotations

from collections.abc import Sequence

from ..contract import Estimate, Metric, Observation
from .forms import NOTHING_OBSERVED, unmeasured
from .groups import share_or_mean


def of_values(metrics: Sequence[Metric], seen: Sequence[Observation], level: float) -> list[Estimate]:
    """One estimate for each metric: a rate where all judged values are 0 or 1, else a mean."""
    found = []
    for metric in metrics:
        own = [one for one in seen if metric.name in one.values]
        if own:
            values = [one.values[metric.name] for one in own]
            found.append(share_or_mean(metric, values, [one.cluster for one in own], level))
        else:
            found.append(unmeasured(metric, level, NOTHING_OBSERVED))
    return found
