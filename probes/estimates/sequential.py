"""Estimate a mean while its clusters come in, with limits that hold whenever one stops."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..contract import Estimate, Metric
from .betting import betting_limits
from .forms import NOTHING_OBSERVED, estimated, unmeasured
from .tally import check_level, tally


def confidence_sequence(
    metric: Metric,
    values: Sequence[float | None],
    clusters: Sequence[str],
    level: float,
    *,
    largest: int,
) -> Estimate:
    """The mean of the values so far, with limits of which each misses at ANY look with (1 - level)/2 at most.

    `values` are those of the whole clusters asked so far, in an order that was fixed by chance before the first;
    `largest` is the number of values that any cluster of the whole plan can have. The wealth of betting_limits is then
    a martingale from cluster to cluster, and Ville's inequality (1939) bounds the chance that it is ever large
    (Waudby-Smith and Ramdas 2023, theorem 1): one may look after each cluster and stop for what one saw. The price
    over the interval for a fixed number of clusters is its width. None counts as missing and is held at the ends of the
    range. A range without ends, a cluster larger than `largest`, NaN, values outside the range, a level outside
    (0, 1), or lengths that differ raise ValueError.
    """
    check_level(level)
    bottom, top = metric.range
    if not (math.isfinite(bottom) and math.isfinite(top) and bottom < top):
        raise ValueError(f"{metric.name}: no bet can be made on a mean whose range is {metric.range}")
    if largest < 1:
        raise ValueError(f"{metric.name}: the largest cluster has 1 value at least, not {largest}")
    seen = tally(metric, values, clusters)
    if seen.n == 0:
        return unmeasured(metric, level, NOTHING_OBSERVED)
    if seen.sizes.max() > largest:
        raise ValueError(f"{metric.name}: {seen.sizes.max():.0f} values in a cluster, where {largest} were the most")
    low, high = betting_limits(seen.sizes, *seen.in_unit(metric.range), level, largest)
    width = top - bottom
    method = f"anytime-valid betting on {seen.clusters} cluster means (Waudby-Smith and Ramdas)"
    return estimated(metric, seen, level, (bottom + width * low, bottom + width * high), method)
