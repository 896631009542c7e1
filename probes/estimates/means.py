"""Estimate the mean of real values over items."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..contract import Estimate, Groups, Metric
from .betting import betting_limits
from .forms import NOTHING_OBSERVED, estimated, unmeasured
from .influences import influences
from .student import FEW_CLUSTERS, t_reach, too_few
from .tally import Array, Tally, check_level, tally

Limits = tuple[float, float, str]
"""A lower and an upper limit, and the method in words."""


def mean(
    metric: Metric,
    values: Sequence[float | None],
    clusters: Sequence[str],
    level: float,
    *,
    groups: Groups = (),
) -> Estimate:
    """The mean of `values` in metric.range over items, with an interval that knows of the clusters.

    From 40 clusters on the CR2 interval (see t_limits). With fewer, or where fewer than 10 effective clusters
    lie on one side of the mean (so also when all values are equal), an interval for bounded means (see
    betting_limits).
    None counts as missing and is held at the ends of the range; with an infinite range the limits are withheld
    then. NaN, values outside the range, a level outside (0, 1), or lengths that differ raise ValueError.
    """
    check_level(level)
    seen = tally(metric, values, clusters)
    if seen.n == 0:
        return unmeasured(metric, level, NOTHING_OBSERVED, groups=groups)
    limits, method, reason = mean_limits(metric, seen, level)
    return estimated(metric, seen, level, limits, method, groups=groups, reason=reason)


def mean_limits(
    metric: Metric, seen: Tally, level: float, few: Limits | None = None
) -> tuple[tuple[float, float] | None, str, str]:
    """The limits, where there can be any, the method in words, and the reason for limits withheld.

    `few` are other limits for few clusters than those of betting, with their method.
    """
    bottom, top = metric.range
    if math.isfinite(bottom) and math.isfinite(top) and bottom < top:
        return (*_bounded(metric, seen, level, few), "")
    if seen.missing:
        return None, "mean of the judged values", "the range has no ends, so nothing bounds the unjudged"
    if not influences(seen.sizes, seen.low).any():
        return None, "mean", "one cluster, or no spread between clusters, bounds no mean whose range has no ends"
    low, high, df = t_limits(seen.sizes, seen.low, level)
    words = "no interval for bounded means: the range has no ends" if seen.clusters < FEW_CLUSTERS else "CR2"
    return (low, high), f"clustered t with {df:.1f} df ({words})", ""


def t_limits(sizes: Array, totals: Array, level: float) -> tuple[float, float, float]:
    """Limits of the mean over items from the spread between clusters, and the degrees of freedom (see t_reach)."""
    below, above, df = t_reach(influences(sizes, totals), (sizes,), level)
    centre = float(totals.sum() / sizes.sum())
    return centre - below, centre + above, df


def _bounded(metric: Metric, seen: Tally, level: float, few: Limits | None) -> tuple[tuple[float, float], str]:
    """Limits that hold whichever completion of the unjudged is the true one."""
    lows, highs, methods = [], [], []
    completions = seen.completions()
    bare = [too_few([influences(seen.sizes, totals)], [seen.sizes]) for totals in completions]
    for totals in (one for one, scant in zip(completions, bare, strict=True) if not scant):
        low, high, df = t_limits(seen.sizes, totals, level)
        centre = float(totals.sum() / seen.n)
        lows.append(seen.mean_low() + low - centre)
        highs.append(seen.mean_high() + high - centre)
        methods = [f"clustered CR2 with {df:.1f} df"]
    if any(bare):
        low, high, method = few or _bet(metric, seen, level)
        lows.append(low)
        highs.append(high)
        methods.append(method)
    return (min(lows), max(highs)), ", or wider: ".join(methods)


def _bet(metric: Metric, seen: Tally, level: float) -> Limits:
    bottom, width = metric.range[0], metric.range[1] - metric.range[0]
    low, high = betting_limits(seen.sizes, *seen.in_unit(metric.range), level)
    method = f"betting on {seen.clusters} cluster means (Waudby-Smith and Ramdas)"
    return bottom + width * low, bottom + width * high, method
