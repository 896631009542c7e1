"""Correct a detector's mean by a few human labels, using the detector only as far as it helps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..contract import Estimate, Groups, Metric
from .forms import NOTHING_OBSERVED, estimated, unmeasured
from .groups import share_or_mean
from .tally import Array, as_array, check_level, tally

Label = tuple[float, float]
"""What the detector and what a human says of one text."""


def ppi(
    metric: Metric,
    judged: Sequence[float | None],
    clusters: Sequence[str],
    labelled: Sequence[Label],
    level: float,
    *,
    groups: Groups = (),
) -> Estimate:
    """The mean that humans would give, from `judged` values of a detector and (detector, human) pairs of some texts.

    theta = k mean(judged) + mean(human - k detector), with the k in [0, 1] that makes the error smallest (PPI++,
    Angelopoulos, Duchi and Zrnic 2023): k = cov / ((1 + n/N) var), so a useless detector has no say and a good one
    most. The labelled texts are drawn by chance from the same population, independent of each other and not
    among the judged. Both means have honest limits (see share_or_mean), whose distances are added as squares
    (MOVER, Zou and Donner 2008), so that few labels, or labels all alike, give no short interval.

    None counts as missing and is held at the ends of the range. Without a labelled text nothing is measured. NaN, a
    value outside the range, a level outside (0, 1), or lengths that differ raise ValueError.
    """
    check_level(level)
    seen = tally(metric, judged, clusters)
    if seen.n == 0 or not labelled:
        return unmeasured(metric, level, "no text was labelled" if seen.n else NOTHING_OBSERVED, groups=groups)
    machine, human = (as_array([pair[side] for pair in labelled], metric.range, metric.name) for side in (0, 1))
    trust = _trust(machine, human, as_array(judged, metric.range, metric.name))
    bottom, top = metric.range
    mean = share_or_mean(metric, judged, clusters, level)
    gap = share_or_mean(
        replace(metric, range=(bottom - trust * top, top - trust * bottom)),
        list(human - trust * machine),
        [str(at) for at in range(len(labelled))],
        level,
    )
    assert gap.value is not None
    limits = None
    if mean.low is not None and mean.high is not None and gap.low is not None and gap.high is not None:
        low, high = trust * seen.mean_low(), trust * seen.mean_high()
        limits = (
            low + gap.value - math.hypot(low - trust * mean.low, gap.value - gap.low),
            high + gap.value + math.hypot(trust * mean.high - high, gap.high - gap.value),
        )
    value = None if seen.mean is None else min(top, max(bottom, trust * seen.mean + gap.value))
    method = f"PPI++ with {len(labelled)} labels and weight {trust:.2f} (MOVER); {gap.method}"
    reason = mean.reason if limits is None else ""
    return estimated(metric, seen, level, limits, method, value=value, correction="ppi++", groups=groups, reason=reason)


def _trust(machine: Array, human: Array, judged: Array) -> float:
    """How much the detector is listened to: the weight with the smallest error, none where it says always the same."""
    told = judged[~np.isnan(judged)]
    everything = np.concatenate([machine, told])
    if len(machine) < 2 or not len(told) or np.ptp(everything) == 0.0:
        return 0.0
    covariance = float(np.cov(machine, human)[0, 1])
    return min(1.0, max(0.0, covariance / ((1.0 + len(machine) / len(told)) * float(everything.var(ddof=1)))))
