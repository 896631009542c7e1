"""Bound the difference of two models' means where they are means over different terms."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..contract import Estimate, Metric, Term
from .betting import betting_limits
from .forms import estimated
from .groups import Sample, share_or_mean
from .influences import influences
from .student import t_reach, too_few
from .tally import Array, Tally, encode, tally

Terms = Mapping[tuple[str, str], Term]
"""One side's terms by (item, arm)."""

Limits = tuple[tuple[float, float] | None, str, str]
"""The limits, where there can be any, the method in words, and the reason for limits withheld."""

MOSTLY = 0.5
"""Sides that hold at least this share of all terms in common are compared term by term, also where clusters are few."""


def difference_over_other_terms(metric: Metric, own: Metric, before: Terms, after: Terms, level: float) -> Estimate:
    """The mean of `after` less that of `before` (see paired_difference); `own` is the metric with a term's range."""
    names = encode([one.cluster for side in (before, after) for one in side.values()])[0]
    old, new = _aligned(own, before, names), _aligned(own, after, names)
    keys = {**before, **after}
    known = sum(all(side[key].value is not None for side in (before, after) if key in side) for key in keys)
    seen = Tally.counts(
        clusters=len(names),
        mean=None if old.mean is None or new.mean is None else new.mean - old.mean,
        n=len(keys),
        missing=len(keys) - known,
    )
    if old.missing + new.missing and not all(map(math.isfinite, own.range)):
        found: Limits = None, "of the judged values", "the range has no ends, so nothing bounds the unjudged"
    elif any(too_few(_parts(new, old, *filling), [new.sizes, old.sizes]) for filling in _fillings(new, old)):
        if len(before.keys() & after.keys()) < MOSTLY * len(keys) or not all(map(math.isfinite, own.range)):
            found = _by_sides(own, before, after, level)
        else:
            _, codes = encode([one.cluster for one in keys.values()])
            found = _by_bet(own, old, new, np.bincount(codes).astype(np.float64), level)
    else:
        found = _by_influences(old, new, level)
    limits, method, reason = found
    return estimated(metric, seen, level, limits, f"difference of means over different terms, {method}", reason=reason)


def _by_influences(old: Tally, new: Tally, level: float) -> Limits:
    """Student's t (Woodruff 1971), as far out as the filling in of the unjudged that asks for most."""
    reaches = [t_reach(_moves(new, old, *filling), (new.sizes, old.sizes), level) for filling in _fillings(new, old)]
    low = new.mean_low() - old.mean_high() - max(below for below, _, _ in reaches)
    high = new.mean_high() - old.mean_low() + max(above for _, above, _ in reaches)
    return (low, high), f"linearised, clustered CR2 with {min(df for _, _, df in reaches):.1f} df", ""


def _by_bet(own: Metric, old: Tally, new: Tally, sizes: Array, level: float) -> Limits:
    """Bets on the linearised terms, whose mean is the difference and which are bounded as differences are.

    A term of both sides is about its own difference, a term of one side about its distance from that side's mean.
    `sizes` are the clusters' numbers of terms on either side.
    """
    limits = []
    for at, filling in enumerate(_fillings(new, old)[:2]):
        later, earlier = float(filling[0].sum()) / new.n, float(filling[1].sum()) / old.n
        gap, n = later - earlier, sizes.sum()
        top = gap + n / new.n * (own.range[1] - later) + n / old.n * (earlier - own.range[0])
        bottom = gap - n / new.n * (later - own.range[0]) - n / old.n * (own.range[1] - earlier)
        totals = sizes * gap + n * _moves(new, old, *filling)
        unit = ((totals - bottom * sizes) / (top - bottom)).clip(0.0, sizes)
        limits.append(bottom + (top - bottom) * betting_limits(sizes, unit, unit, level)[at])
    return (limits[0], limits[1]), f"linearised, betting on {len(sizes)} cluster means (Waudby-Smith and Ramdas)", ""


def _by_sides(own: Metric, before: Terms, after: Terms, level: float) -> Limits:
    """Each side's own limits at half the miss rate: for a limit to miss, one of the two that make it up must."""
    half = (1.0 + level) / 2.0
    old, new = (share_or_mean(own, *_sample(side), half) for side in (before, after))
    method = f"each side by itself at half the miss rate; {new.method}"
    if old.low is None or old.high is None or new.low is None or new.high is None:
        return None, method, old.reason or new.reason
    return (new.low - old.high, new.high - old.low), method, ""


def _fillings(new: Tally, old: Tally) -> list[tuple[Array, Array]]:
    """Both sides' sums as in Tally.completions: all down, all up, and the way that sets the clusters furthest apart."""
    up = _moves(new, old, (new.low + new.high) / 2.0, (old.low + old.high) / 2.0) > 0.0
    apart = np.where(up, new.high, new.low), np.where(up, old.low, old.high)
    return [(new.low, old.high), (new.high, old.low), apart]


def _moves(new: Tally, old: Tally, later: Array, earlier: Array) -> Array:
    """The clusters' influences on the difference."""
    through_new, through_old = _parts(new, old, later, earlier)
    return through_new + through_old


def _parts(new: Tally, old: Tally, later: Array, earlier: Array) -> tuple[Array, Array]:
    """The same through each of the two means."""
    return influences(new.sizes, later), -influences(old.sizes, earlier)


def _aligned(own: Metric, side: Terms, names: Sequence[str]) -> Tally:
    """The side's sums with an empty place for each cluster that only the other side has."""
    values, clusters = _sample(side)
    seen = tally(own, values, clusters)
    present = np.isin(np.array(names), np.array(clusters))
    sizes, low, high = (np.zeros(len(names)) for _ in range(3))
    sizes[present], low[present], high[present] = seen.sizes, seen.low, seen.high
    return replace(seen, sizes=sizes, low=low, high=high)


def _sample(side: Terms) -> Sample:
    return [one.value for one in side.values()], [one.cluster for one in side.values()]
