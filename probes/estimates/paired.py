"""Estimate differences within items, and the range of several groups' rates, from paired answers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from ..contract import Estimate, Metric
from .forms import NOTHING_OBSERVED, unmeasured
from .means import mean, mean_limits
from .tally import Array, Tally, as_array, check_level, tally_between


def paired_mean(
    metric: Metric,
    pairs: Sequence[tuple[float | None, float | None]],
    clusters: Sequence[str],
    level: float,
) -> Estimate:
    """The mean of first minus second within items; metric.range is that of the difference, such as (-1, 1).

    A pair with a None on either side is missing. Pairing takes out what the items have in common (Miller 2024,
    section 4.2). Everything else as in mean.
    """
    differences = [None if first is None or second is None else first - second for first, second in pairs]
    estimate = mean(metric, differences, clusters, level)
    return replace(estimate, method=f"paired differences, {estimate.method}") if estimate.n else estimate


def paired_range(metric: Metric, table: Mapping[str, Mapping[str, float | None]], level: float) -> Estimate:
    """The largest minus the smallest of several groups' rates, from 0/1 values `table[cluster][group]`.

    Each pair of groups is compared within the clusters that asked both. `value` is the largest absolute
    difference (max minus min where every cluster asked every group). `high` is the largest absolute limit of
    the pairs' own intervals: it misses only if the truly widest pair's does. `low` is the largest distance of an
    interval from 0 at Bonferroni's level, over both signs of every pair (Dunn 1961), for each could by chance
    stand clear of 0. None is missing; anything but 0, 1 and None, or a range other than (0, 1), raises ValueError.
    """
    check_level(level)
    if tuple(metric.range) != (0.0, 1.0):
        raise ValueError(f"{metric.name}: a range of rates lies between 0 and 1, not in {metric.range}")
    _check_binary(metric, table)
    names = sorted({name for row in table.values() for name in row})
    pairs = list(combinations(names, 2))
    seen = {pair: tallied for pair in pairs if (tallied := _tally_pair(table, *pair)) is not None}
    if not seen:
        reason = "no cluster was asked for two groups" if table else NOTHING_OBSERVED
        return unmeasured(metric, level, reason)
    difference = replace(metric, range=(-1.0, 1.0))
    joint = 1.0 - (1.0 - level) / (2 * len(pairs))
    lows, highs = [], []
    for tallied in seen.values():
        low, high = _limits(difference, tallied, level)
        highs.append(max(abs(low), abs(high)))
        low, high = _limits(difference, tallied, joint)
        lows.append(max(0.0, low, -high))
    gaps = {pair: abs(one.mean) for pair, one in seen.items() if one.mean is not None}
    widest = max(gaps, key=lambda pair: gaps[pair], default=None)
    reasons = [f"widest between {widest[0]} and {widest[1]}"] if widest else []
    # A pair that no cluster was asked for could differ by anything.
    if len(seen) < len(pairs):
        highs.append(1.0)
        reasons.append(f"{len(pairs) - len(seen)} of {len(pairs)} pairs of groups were never asked together")
    cells = [value for row in table.values() for value in row.values()]
    missing = sum(value is None for value in cells)
    reasons += [f"{missing} of {len(cells)} could not be judged"] if missing else []
    return replace(
        unmeasured(metric, level, "; ".join(reasons)),
        value=gaps[widest] if widest else None,
        low=max(lows),
        high=min(1.0, max(highs)),
        n=len(cells),
        missing=missing,
        clusters=len(table),
        method=f"paired differences of {len(pairs)} pairs of groups, inner limit at Bonferroni's level",
    )


def _check_binary(metric: Metric, table: Mapping[str, Mapping[str, float | None]]) -> None:
    for row in table.values():
        for value in row.values():
            if value is not None and value not in (0, 1):
                raise ValueError(f"{metric.name}: rates are made of 0 and 1, not of {value}")


def _tally_pair(table: Mapping[str, Mapping[str, float | None]], first: str, second: str) -> Tally | None:
    """The differences of two groups by cluster; one unjudged side leaves a difference half known."""
    rows = {cluster: (row[first], row[second]) for cluster, row in table.items() if first in row and second in row}
    if not rows:
        return None
    left = as_array([pair[0] for pair in rows.values()], (0.0, 1.0), first)
    right = as_array([pair[1] for pair in rows.values()], (0.0, 1.0), second)
    low = _filled(left, 0.0) - _filled(right, 1.0)
    high = _filled(left, 1.0) - _filled(right, 0.0)
    known = left - right
    return tally_between(low, high, list(rows), known[~np.isnan(known)])


def _filled(values: Array, instead: float) -> Array:
    return np.where(np.isnan(values), instead, values)


def _limits(metric: Metric, seen: Tally, level: float) -> tuple[float, float]:
    limits, _, reason = mean_limits(metric, seen, level)
    if limits is None or not all(map(math.isfinite, limits)):
        raise ValueError(f"{metric.name}: {reason}")
    return max(limits[0], -1.0), min(limits[1], 1.0)
