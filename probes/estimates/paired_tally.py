"""Sum paired differences by cluster, and bound their mean also where few pairs differ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..contract import Estimate, Metric
from .forms import estimated
from .means import mean_limits
from .rates import rate_limits
from .tally import Array, Tally, filled, tally_between


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedTally:
    """Differences summed by cluster; where each is all of the range or nothing, also the rises and falls (1 each)."""

    seen: Tally
    signs: tuple[Tally, Tally] | None

    def limits(self, metric: Metric, level: float) -> tuple[tuple[float, float] | None, str, str]:
        """Those of mean_limits, but few rises and falls are counted (see _limits_of_signs), not bet on.

        A bet on differences must reckon with all of their range; two shares need not.
        """
        if self.signs is None:
            return mean_limits(metric, self.seen, level)
        low, high, method = _limits_of_signs(*self.signs, level)
        width = metric.range[1]
        return mean_limits(metric, self.seen, level, few=(width * low, width * high, method))

    def estimate(self, metric: Metric, level: float) -> Estimate:
        """The mean of the differences."""
        limits, method, reason = self.limits(metric, level)
        return estimated(metric, self.seen, level, limits, f"paired differences, {method}", reason=reason)


def tally_pairs(left: Array, right: Array, clusters: Sequence[str], ends: tuple[float, float]) -> PairedTally:
    """First minus second, of values between `ends`; NaN is unjudged, and on one side leaves a difference half known."""
    low, high = filled(left, ends[0]) - filled(right, ends[1]), filled(left, ends[1]) - filled(right, ends[0])
    known = left - right
    return tally_differences(low, high, clusters, known[~np.isnan(known)], ends[1] - ends[0])


def tally_differences(low: Array, high: Array, clusters: Sequence[str], known: Array, width: float) -> PairedTally:
    """Sum differences between -width and width, of which only the bounds `low` and `high` are known."""
    seen = tally_between(low, high, clusters, known)
    if not math.isfinite(width) or not np.isin([low, high], [-width, 0.0, width]).all():
        return PairedTally(seen=seen, signs=None)
    low, high, known = low / width, high / width, known / width
    rises = tally_between(low.clip(0.0), high.clip(0.0), clusters, known.clip(0.0))
    falls = tally_between((-high).clip(0.0), (-low).clip(0.0), clusters, (-known).clip(0.0))
    return PairedTally(seen=seen, signs=(rises, falls))


def _limits_of_signs(rises: Tally, falls: Tally, level: float) -> tuple[float, float, str]:
    """Limits of the share of rises less that of falls, from the limits of both (MOVER, Zou and Donner 2008).

    The distances are added as squares with the correlation r that the shares of a multinomial have, more rises
    leaving room for fewer falls: -r with r^2 the product of their odds, taken at the upper limits, 1 at most.
    """
    rises_low, rises_high, method = rate_limits(rises, level)
    falls_low, falls_high, _ = rate_limits(falls, level)
    r = 1.0
    if rises_high + falls_high < 1.0:
        r = math.sqrt(rises_high / (1.0 - rises_high) * falls_high / (1.0 - falls_high))
    least, most = rises.mean_low() - falls.mean_high(), rises.mean_high() - falls.mean_low()
    low = least - _added(rises.mean_low() - rises_low, falls_high - falls.mean_high(), r)
    high = most + _added(rises_high - rises.mean_high(), falls.mean_low() - falls_low, r)
    return low, high, f"rises and falls (MOVER) by {method}"


def _added(one: float, other: float, r: float) -> float:
    return math.sqrt(one**2 + other**2 + 2.0 * r * one * other)
