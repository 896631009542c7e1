"""Estimate how many members a score finds while it accuses few others."""

from __future__ import annotations

import math
from bisect import bisect_left

import numpy as np

from ..contract import Estimate, Metric
from .area import scores
from .forms import NOTHING_OBSERVED, estimated, unmeasured
from .groups import Sample
from .rates import rate
from .tally import Tally, check_level

FALSE_POSITIVES = 10
"""A false positive rate is asked of others enough to expect this many false positives."""


def tpr_at_fpr(metric: Metric, members: Sample, others: Sample, fpr: float, level: float) -> Estimate:
    """The share of members that score above the threshold which a share of `fpr` of all others exceeds.

    The threshold is a quantile of the others, and at low rates less sure than the share. So half of the miss
    rate goes to its limits, the observed scores that surely no less, and surely no more, than `fpr` of the others
    exceed (Woodruff 1952), and half to the members above each. Both are rates with Clopper and Pearson's limits,
    which know of the clusters. All others set the threshold: members and others are different texts, so
    nothing is used twice. Who ties with the threshold is not above it.

    None counts as missing and is held at both ends, on both sides. Fewer than 10 / fpr judged others leave it
    unmeasured. NaN, an infinite score, a metric of another range than 0 to 1, a level or an fpr outside (0, 1), or
    lengths that differ raise ValueError.
    """
    check_level(level)
    if not 0.0 < fpr < 1.0:
        raise ValueError(f"{metric.name}: a false positive rate lies between 0 and 1, not at {fpr}")
    inside, outside = scores(metric, members, others)
    judged = np.sort(outside[~np.isnan(outside)])
    needed = math.ceil(FALSE_POSITIVES / fpr - 1e-9)
    if not len(inside):
        return unmeasured(metric, level, NOTHING_OBSERVED)
    if len(judged) < needed:
        reason = f"a false positive rate of {fpr:g} needs {needed} others, and {len(judged)} were judged"
        return unmeasured(metric, level, reason)
    half = (1.0 + level) / 2.0

    def above(sample: Sample, threshold: float) -> Estimate:
        values, clusters = sample
        return rate(metric, [None if one is None else float(one > threshold) for one in values], clusters, half)

    def too_low(threshold: float) -> bool:
        low = above(others, threshold).low
        return low is not None and low > fpr

    def high_enough(threshold: float) -> bool:
        high = above(others, threshold).high
        return high is not None and high <= fpr

    steps = [-math.inf, *np.unique(judged), math.inf]
    lower = steps[bisect_left(steps, True, key=lambda threshold: not too_low(threshold))]
    upper = steps[bisect_left(steps, True, hi=len(steps) - 1, key=high_enough)]
    found = above(members, float(judged[len(judged) - 1 - int(fpr * len(judged) + 1e-9)]))
    names = {*members[1], *others[1]}
    seen = Tally.counts(
        clusters=len(names),
        mean=found.value,
        n=len(inside) + len(outside),
        missing=found.missing + len(outside) - len(judged),
    )
    low, high = above(members, upper).low, above(members, lower).high
    assert low is not None and high is not None
    return estimated(metric, seen, level, (low, high), f"threshold between {lower:.4g} and {upper:.4g}; {found.method}")
