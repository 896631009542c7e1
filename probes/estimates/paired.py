"""Estimate differences within items, and the range of several groups' rates, from paired answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from ..contract import Estimate, Metric
from .forms import NOTHING_OBSERVED, unmeasured
from .means import mean, mean_limits
from .tally import Array, Tally, as_array, check_level, filled, tally_between


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
    """The largest minus the smallest of several groups' means, from values in [0, 1] `table[cluster][group]`.

    Every pair of groups is compared within the clusters; None, or a group that a cluster lacks, is missing.
    `value` is the largest absolute difference of what was judged in both (max minus min where nothing is
    missing). `high` is the largest absolute limit of the pairs' own intervals: it misses only if the truly
    widest pair's does. `low` is the largest distance of an interval from 0 at Bonferroni's level, over both signs
    of every pair (Dunn 1961), for each could by chance stand clear of 0. Another range than (0, 1), or a value
    outside it, raises ValueError.
    """
    check_level(level)
    if tuple(metric.range) != (0.0, 1.0):
        raise ValueError(f"{metric.name}: a range of shares lies between 0 and 1, not in {metric.range}")
    names = sorted({name for row in table.values() for name in row})
    if len(names) < 2:
        return unmeasured(metric, level, "there is one group only" if names else NOTHING_OBSERVED)
    columns = {name: as_array([row.get(name) for row in table.values()], (0.0, 1.0), metric.name) for name in names}
    pairs = {(a, b): difference(columns[a], columns[b], list(table), (0.0, 1.0)) for a, b in combinations(names, 2)}
    signed = replace(metric, range=(-1.0, 1.0))
    joint = 1.0 - (1.0 - level) / (2 * len(pairs))
    own = [_limits(signed, seen, level) for seen in pairs.values()]
    shared = [_limits(signed, seen, joint) for seen in pairs.values()]
    gaps = {pair: abs(seen.mean) for pair, seen in pairs.items() if seen.mean is not None}
    widest = max(gaps, key=lambda pair: gaps[pair], default=None)
    missing = sum(int(np.isnan(column).sum()) for column in columns.values())
    cells = len(names) * len(table)
    reasons = [f"widest between {widest[0]} and {widest[1]}"] if widest else []
    reasons += [f"{missing} of {cells} could not be judged"] if missing else []
    return replace(
        unmeasured(metric, level, "; ".join(reasons)),
        value=gaps[widest] if widest else None,
        low=max(max(0.0, low, -high) for low, high, _ in shared),
        high=min(1.0, max(max(-low, high) for low, high, _ in own)),
        n=cells,
        missing=missing,
        clusters=len(table),
        method=f"widest of {len(pairs)} paired differences, lower limit at Bonferroni's level; {own[0][2]}",
    )


def difference(left: Array, right: Array, clusters: Sequence[str], ends: tuple[float, float]) -> Tally:
    """First minus second by cluster, of values between `ends`; one unjudged side leaves a difference half known."""
    low = filled(left, ends[0]) - filled(right, ends[1])
    high = filled(left, ends[1]) - filled(right, ends[0])
    known = left - right
    return tally_between(low, high, clusters, known[~np.isnan(known)])


def _limits(metric: Metric, seen: Tally, level: float) -> tuple[float, float, str]:
    limits, method, reason = mean_limits(metric, seen, level)
    if limits is None:
        raise ValueError(f"{metric.name}: {reason}")
    return *limits, method
