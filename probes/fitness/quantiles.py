"""A quantile of what was timed, with an interval that needs no shape of the distribution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from scipy.stats import binom

from ..contract import Estimate, Metric
from ..estimates import unmeasured


def quantile(metric: Metric, values: Sequence[float | None], share: float, level: float) -> Estimate:
    """The value that a `share` of independent values lies at or below, between two order statistics.

    The number of values at or below the true quantile is binomial, so the r-th smallest lies above it with a known
    probability (David and Nagaraja 2003, 7.1). Missing values are put at the ends of the range; where there are too
    few values for a bound, it is the end of the range.
    """
    judged = sorted(one for one in values if one is not None)
    n, missing = len(values), len(values) - len(judged)
    if not judged:
        return unmeasured(metric, level, "nothing could be timed" if values else "nothing was observed")
    bottom, top = metric.range
    tail = (1 - level) / 2
    low_rank = int(binom.ppf(tail, n, share))  # the r-th smallest is above the quantile if fewer than r lie below it
    high_rank = int(binom.ppf(1 - tail, n, share)) + 1
    from_below = [bottom] * missing + judged
    from_above = judged + [top] * missing
    low = from_below[low_rank - 1] if low_rank >= 1 else bottom
    high = from_above[high_rank - 1] if high_rank <= n else top
    value = judged[min(len(judged) - 1, int(share * len(judged)))]
    return replace(
        unmeasured(metric, level, f"{missing} of {n} could not be timed" if missing else ""),
        value=value,
        low=min(low, value),
        high=max(high, value),
        n=n,
        missing=missing,
        clusters=n,
        method=f"{share:.0%} quantile between order statistics",
    )


def once(metric: Metric, value: float | None, level: float, reason: str) -> Estimate:
    """A figure that was read once: it has no spread, and is unmeasured where it could not be read."""
    if value is None:
        return unmeasured(metric, level, reason)
    read = unmeasured(metric, level, "")
    return replace(read, value=value, low=value, high=value, n=1, clusters=1, method="read once")
