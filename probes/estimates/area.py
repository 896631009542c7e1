"""Estimate how well a score tells members from others, over all thresholds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..contract import Estimate, Metric
from .effective import effective_clusters, t_quantile
from .forms import NOTHING_OBSERVED, estimated, unmeasured
from .groups import Sample
from .influences import influences, variance
from .judged import normal_quantile
from .rates import clopper_pearson
from .student import degrees_of_freedom, too_few
from .tally import Array, Codes, Tally, as_array, check_level, encode, filled


def auc(metric: Metric, members: Sample, others: Sample, level: float) -> Estimate:
    """The chance that a member scores above another, ties counting half, from both sides' scores and clusters.

    Mann and Whitney's share of pairs. Its error comes from the clusters' influences: each score's placement among the
    other side (DeLong et al. 1988), summed by cluster, also where a cluster holds both (Obuchowski 1997). The limits
    are Clopper and Pearson's on the number of independent pairs that have this error, as effective_size does for
    a rate. It is never below the number that can be formed without using a cluster twice, for the error is at most
    theirs (Birnbaum and Klose 1957); those are counted where few clusters carry the figure on a side (see too_few), and
    so also where all members score above all others.

    None counts as missing and lies below all of the other side for `low`, above for `high`. NaN, an infinite score,
    a metric of another range than 0 to 1, a level outside (0, 1), or lengths that differ raise ValueError; without
    members or without others nothing is measured.
    """
    check_level(level)
    inside, outside = scores(metric, members, others)
    if not len(inside) or not len(outside):
        return unmeasured(metric, level, NOTHING_OBSERVED)
    names, codes = encode([*members[1], *others[1]])
    places = (codes[: len(inside)], codes[len(inside) :])
    worst = _area(filled(inside, -math.inf), filled(outside, math.inf), places, level)
    best = _area(filled(inside, math.inf), filled(outside, -math.inf), places, level)
    pairs = min(worst[1], best[1])
    limits = clopper_pearson(worst[0], pairs, level)[0], clopper_pearson(best[0], pairs, level)[1]
    judged = inside[~np.isnan(inside)], outside[~np.isnan(outside)]
    seen = Tally.counts(
        clusters=len(names),
        mean=float(_placements(*judged)[0].mean()) if all(map(len, judged)) else None,
        n=len(codes),
        missing=len(codes) - sum(map(len, judged)),
    )
    method = f"Mann-Whitney; Clopper-Pearson on {pairs:.1f} independent pairs (DeLong, Obuchowski)"
    return estimated(metric, seen, level, limits, method)


def scores(metric: Metric, members: Sample, others: Sample) -> tuple[Array, Array]:
    """Both sides' scores with NaN for None; NaN, an infinity, or lengths that differ raise ValueError."""
    if tuple(metric.range) != (0.0, 1.0):
        raise ValueError(f"{metric.name} lies between 0 and 1, but the metric's range is {metric.range}")
    for values, clusters in (members, others):
        if len(values) != len(clusters):
            raise ValueError(f"{metric.name}: {len(values)} scores do not go with {len(clusters)} clusters")
    inside, outside = (as_array(values, (-math.inf, math.inf), metric.name) for values, _ in (members, others))
    return inside, outside


def _area(inside: Array, outside: Array, places: Sequence[Codes], level: float) -> tuple[float, float]:
    """The area, and how many independent pairs it is worth; `places` say in which cluster each score lies."""
    wins = _placements(inside, outside)
    area = float(wins[0].mean())
    clusters = 1 + max(int(at.max()) for at in places)
    samples = [np.bincount(at, minlength=clusters).astype(np.float64) for at in places]
    won = [
        np.bincount(at, weights=some, minlength=clusters).astype(np.float64)
        for at, some in zip(places, wins, strict=True)
    ]
    parts = [influences(*pair) for pair in zip(samples, won, strict=True)]
    shares = [sizes / sizes.sum() for sizes in samples]
    apart = min(*map(effective_clusters, samples), effective_clusters(shares[0] + shares[1]) / 2.0)
    if too_few(parts, samples):
        return area, apart
    moves = parts[0] + parts[1]
    df = degrees_of_freedom(moves, samples)
    worth = area * (1.0 - area) / variance(moves, samples) * (normal_quantile(level) / t_quantile(df, level)) ** 2
    return area, max(apart, worth)


def _placements(inside: Array, outside: Array) -> tuple[Array, Array]:
    """For each member the share of others below it, and for each other the share of members above; ties are halves."""
    below = [np.searchsorted(np.sort(outside), inside, side) for side in ("left", "right")]
    above = [len(inside) - np.searchsorted(np.sort(inside), outside, side) for side in ("left", "right")]
    return (below[0] + below[1]) / (2.0 * len(outside)), (above[0] + above[1]) / (2.0 * len(inside))
