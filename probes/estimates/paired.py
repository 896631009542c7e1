"""Estimate differences within items, and the range of several groups' rates, from paired answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from ..contract import Estimate, Metric
from .forms import NOTHING_OBSERVED, unmeasured
from .paired_tally import PairedTally, tally_differences, tally_pairs
from .tally import as_array, check_level, filled


def paired_mean(
    metric: Metric,
    pairs: Sequence[tuple[float | None, float | None]],
    clusters: Sequence[str],
    level: float,
) -> Estimate:
    """The mean of first minus second within items; metric.range is that of the difference, such as (-1, 1).

    A pair with a None on either side is missing. Pairing takes out what the items have in common (Miller 2024,
    section 4.2). Few pairs that differ are counted (see PairedTally.limits). Everything else as in mean.
    """
    check_level(level)
    if len(pairs) != len(clusters):
        raise ValueError(f"{metric.name}: {len(pairs)} pairs do not go with {len(clusters)} clusters")
    gaps = [None if first is None or second is None else first - second for first, second in pairs]
    known = as_array(gaps, metric.range, metric.name)
    if not len(known):
        return unmeasured(metric, level, NOTHING_OBSERVED)
    low, high = (filled(known, end) for end in metric.range)
    return tally_differences(low, high, clusters, known[~np.isnan(known)], metric.range[1]).estimate(metric, level)


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
    pairs = {(a, b): tally_pairs(columns[a], columns[b], list(table), (0.0, 1.0)) for a, b in combinations(names, 2)}
    signed = replace(metric, range=(-1.0, 1.0))
    joint = 1.0 - (1.0 - level) / (2 * len(pairs))
    own = [_limits(signed, pair, level) for pair in pairs.values()]
    shared = [_limits(signed, pair, joint) for pair in pairs.values()]
    gaps = {both: abs(pair.seen.mean) for both, pair in pairs.items() if pair.seen.mean is not None}
    widest = max(gaps, key=lambda both: gaps[both], default=None)
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


def _limits(metric: Metric, pair: PairedTally, level: float) -> tuple[float, float, str]:
    limits, method, reason = pair.limits(metric, level)
    if limits is None:
        raise ValueError(f"{metric.name}: {reason}")
    return *limits, method
