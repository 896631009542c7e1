"""Estimate the share of items on which something happened."""

from __future__ import annotations

from collections.abc import Sequence

from scipy import special

from ..contract import Estimate, Groups, Metric
from .betting import betting_limits
from .effective import effective_size
from .forms import NOTHING_OBSERVED, estimated, unmeasured
from .tally import Tally, check_level, tally


def rate(
    metric: Metric,
    values: Sequence[float | None],
    clusters: Sequence[str],
    level: float,
    *,
    groups: Groups = (),
) -> Estimate:
    """The share of 1 among 0/1 `values`, with an interval that knows of the clusters.

    Clopper and Pearson's limits on the effective sample size (Korn and Graubard 1998; see effective_size).
    None counts as missing and is held at 0 for `low` and at 1 for `high`. NaN, another value than 0 or 1,
    a level outside (0, 1), or lengths that differ raise ValueError; an empty sample is unmeasured.
    """
    check_level(level)
    seen = tally_rate(metric, values, clusters)
    if seen.n == 0:
        return unmeasured(metric, level, NOTHING_OBSERVED, groups=groups)
    low, high, method = rate_limits(seen, level)
    return estimated(metric, seen, level, (low, high), method, groups=groups)


def tally_rate(metric: Metric, values: Sequence[float | None], clusters: Sequence[str]) -> Tally:
    """Sum 0/1 values by cluster; any other value, or a metric of another range, raises ValueError."""
    if tuple(metric.range) != (0.0, 1.0):
        raise ValueError(f"{metric.name}: a rate lies between 0 and 1, but the metric's range is {metric.range}")
    for value in values:
        if value is not None and value != 0 and value != 1:
            raise ValueError(f"{metric.name}: a rate is made of 0 and 1, not of {value}")
    return tally(metric, values, clusters)


def rate_limits(seen: Tally, level: float, noise: tuple[float, float] = (0.0, 0.0)) -> tuple[float, float, str]:
    """Lower and upper limit, and the method in words. The smallest effective size of all completions is taken.

    Where clusters are counted and they are so unequal that a few of them decide, the binomial is no model of
    their sum: the limits are then at least as wide as betting_limits. `noise`: see effective_size.
    """
    size, rule = min(effective_size(seen.sizes, totals, level, noise) for totals in seen.completions())
    low = clopper_pearson(seen.mean_low(), size, level)[0]
    high = clopper_pearson(seen.mean_high(), size, level)[1]
    if rule == "Korn-Graubard":
        return low, high, f"Clopper-Pearson on n_eff {size:.1f} (Korn-Graubard)"
    method = f"Clopper-Pearson on n_eff {size:.1f} (the clusters: fewer than 10 hold an event, or a non-event)"
    if size < seen.clusters / 2.0:
        bet = betting_limits(seen.sizes, seen.low, seen.high, level)
        return min(low, bet[0]), max(high, bet[1]), f"{method}, or wider: betting on the cluster means"
    return low, high, method


def clopper_pearson(share: float, size: float, level: float) -> tuple[float, float]:
    """The exact binomial limits (Clopper and Pearson 1934), also for a `size` that is no whole number."""
    miss = (1.0 - level) / 2.0
    events = share * size
    others = size - events
    low = 0.0 if events <= 0.0 else float(special.betaincinv(events, others + 1.0, miss))
    high = 1.0 if others <= 0.0 else float(special.betaincinv(events + 1.0, others, 1.0 - miss))
    return low, high
