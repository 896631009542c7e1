"""Correct a rate that an imperfect detector counted, carrying the detector's own uncertainty."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from scipy import special

from ..contract import Estimate, Groups, Metric
from .card import Card, Share
from .forms import NOTHING_OBSERVED, estimated, unmeasured
from .rates import rate_limits, tally_rate
from .tally import check_level

LEAST_YOUDEN = 0.1
"""At sensitivity + specificity - 1 up to this a detector hardly tells the two apart, and nothing is corrected."""


def rogan_gladen(
    metric: Metric,
    values: Sequence[float | None],
    clusters: Sequence[str],
    level: float,
    card: Card,
    *,
    groups: Groups = (),
) -> Estimate:
    """The share of items with a trait, from the share that a detector flags (0/1 `values`) and its card.

    theta = (p + q0 - 1) / (q0 + q1 - 1), cut to [0, 1], with sensitivity q1 and specificity q0 (Rogan and
    Gladen 1978). A theta is kept unless the sign of p - theta q1 - (1 - theta)(1 - q0) is sure, which is 0 at the
    true one (Fieller's argument, so that a small denominator widens the interval as it should). The limits of
    that sum come from those of its three parts, added as squares (MOVER, Zou and Donner 2008): p's know of the
    clusters and of the unjudged, the card's are brought to `level`. Held to its level by simulation in
    tests/probes/estimates.
    A detector with q0 + q1 <= 1.1 corrects nothing: the estimate is then the flagged share, marked uncorrected.
    """
    check_level(level)
    seen = tally_rate(metric, values, clusters)
    if seen.n == 0:
        return unmeasured(metric, level, NOTHING_OBSERVED, groups=groups)
    q1, q0 = card.sensitivity.value, card.specificity.value
    if q0 + q1 <= 1.0 + LEAST_YOUDEN:
        reason = f"{card.detector} has sensitivity {q1:.2f} and specificity {q0:.2f}: too near chance to correct with"
        low, high, method = rate_limits(seen, level)
        limits = (low, high)
        return estimated(metric, seen, level, limits, method, correction="uncorrected", groups=groups, reason=reason)
    flagged_low, flagged_high, method = rate_limits(seen, level, noise=(1.0 - q0, 1.0 - q1))
    value = None if seen.mean is None else min(1.0, max(0.0, corrected(seen.mean, q1, q0)))
    scale = normal_quantile(level) / normal_quantile(card.level)
    sensitivity, specificity = at_level(card.sensitivity, scale), at_level(card.specificity, scale)
    low = _low(seen.mean_low(), flagged_low, sensitivity, specificity)
    high = _high(seen.mean_high(), flagged_high, sensitivity, specificity)
    method = f"Rogan-Gladen with the card of {card.detector} {card.version} (Fieller, MOVER); {method}"
    return estimated(metric, seen, level, (low, high), method, value=value, correction="rogan-gladen", groups=groups)


def corrected(flagged: float, sensitivity: float, specificity: float) -> float:
    """Rogan and Gladen's share, not cut to [0, 1]; infinite where the detector tells nothing apart."""
    youden = sensitivity + specificity - 1.0
    return (flagged + specificity - 1.0) / youden if youden > 0.0 else math.inf


def normal_quantile(level: float) -> float:
    """The standard normal's two-sided quantile at `level`: 1.96 at 0.95."""
    return float(special.ndtri((1.0 + level) / 2.0))


def at_level(share: Share, scale: float) -> tuple[float, float, float]:
    """The share with its two distances to the limits, those multiplied by `scale`."""
    return share.value, scale * (share.value - share.low), scale * (share.high - share.value)


def _high(p: float, p_high: float, q1: tuple[float, float, float], q0: tuple[float, float, float]) -> float:
    """The largest share that is not refuted."""

    def refuted(theta: float) -> bool:
        gap = p - theta * q1[0] - (1.0 - theta) * (1.0 - q0[0])
        return gap + math.hypot(p_high - p, theta * q1[1], (1.0 - theta) * q0[2]) < 0.0

    kept = min(1.0, max(0.0, corrected(p, q1[0], q0[0])))
    bound = 1.0 if not refuted(1.0) else boundary(kept, 1.0, refuted)
    # Fewer flags than the card's false alarms refute every share: the flags' own error is then left as the width.
    return max(bound, (p_high - p) / (q1[0] + q0[0] - 1.0))


def _low(p: float, p_low: float, q1: tuple[float, float, float], q0: tuple[float, float, float]) -> float:
    """The smallest share that is not refuted."""

    def refuted(theta: float) -> bool:
        gap = p - theta * q1[0] - (1.0 - theta) * (1.0 - q0[0])
        return gap - math.hypot(p - p_low, theta * q1[2], (1.0 - theta) * q0[1]) > 0.0

    kept = min(1.0, max(0.0, corrected(p, q1[0], q0[0])))
    bound = 0.0 if not refuted(0.0) else boundary(kept, 0.0, refuted)
    return min(bound, 1.0 - (p - p_low) / (q1[0] + q0[0] - 1.0))


def boundary(kept: float, refused: float, refuted: Callable[[float], bool]) -> float:
    """Where refutation begins between a share that is kept and one that is refuted, from the refuted side."""
    for _ in range(50):
        middle = (kept + refused) / 2.0
        kept, refused = (kept, middle) if refuted(middle) else (middle, refused)
    return refused
