"""Estimate how far a figure moved from one model to another, term by term."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..contract import Estimate, Metric, Term
from .forms import NOTHING_OBSERVED, estimated, unmeasured
from .groups import Sample, share_or_mean
from .influences import influences
from .paired_tally import tally_pairs
from .student import t_reach, too_few
from .tally import Array, Tally, as_array, check_level, encode, tally

Ends = tuple[float, float]
Terms = Mapping[tuple[str, str], Term]


def paired_difference(
    metric: Metric,
    base: Sequence[Term],
    variant: Sequence[Term],
    level: float,
    *,
    ends: Ends | None = None,
) -> Estimate:
    """The variant's mean less the base's; `metric` is the difference's, with a range such as (-1, 1).

    `ends` are the smallest and the largest value of a term, by default 0 and the width of the range. Terms of equal
    (item, arm) belong together. Where both sides hold the same terms, their differences are a clustered mean (see
    mean; Miller 2024, section 4.2), and one unjudged side leaves its difference half known.

    Where the terms differ, as for a rate over those items that went well before, it is a difference of two means with
    other denominators: Student's t on the clusters' influences on it (see t_reach; Woodruff 1971), the unjudged
    held at both ends. With fewer than 40 clusters, or fewer than 10 effective ones that pull one way, each side's own
    limits at half the miss rate are put together (Bonferroni).

    A term that stands twice on a side, one whose cluster differs between the sides, a range that is not symmetric, a
    value outside `ends`, or NaN raises ValueError. A side without terms leaves the difference unmeasured.
    """
    check_level(level)
    ends = _ends(metric, ends)
    before, after = _by_key(metric, base), _by_key(metric, variant)
    if not before or not after:
        return unmeasured(metric, level, "one side holds no term" if before or after else NOTHING_OBSERVED)
    for key in before.keys() & after.keys():
        if before[key].cluster != after[key].cluster:
            raise ValueError(f"{metric.name}: {_name(key)} is in {before[key].cluster!r} and in {after[key].cluster!r}")
    if before.keys() == after.keys():
        old, new = (as_array([side[key].value for key in before], ends, metric.name) for side in (before, after))
        return tally_pairs(new, old, [one.cluster for one in before.values()], ends).estimate(metric, level)
    return _of_other_terms(metric, before, after, level, ends)


def _of_other_terms(metric: Metric, before: Terms, after: Terms, level: float, ends: Ends) -> Estimate:
    own = replace(metric, range=ends)
    names = encode([one.cluster for side in (before, after) for one in side.values()])[0]
    old, new = _aligned(own, before, names), _aligned(own, after, names)
    keys = before.keys() | after.keys()
    known = sum(all(side[key].value is not None for side in (before, after) if key in side) for key in keys)
    seen = Tally(
        sizes=old.sizes + new.sizes,
        low=new.low - old.high,
        high=new.high - old.low,
        mean=None if old.mean is None or new.mean is None else new.mean - old.mean,
        n=len(keys),
        missing=len(keys) - known,
    )
    limits, method, reason = _apart(own, old, new, before, after, level)
    return estimated(metric, seen, level, limits, f"difference of means over different terms, {method}", reason=reason)


def _apart(
    own: Metric, old: Tally, new: Tally, before: Terms, after: Terms, level: float
) -> tuple[tuple[float, float] | None, str, str]:
    """Limits of a difference of means over different terms, the method in words, and the reason for none."""
    if old.missing + new.missing and not all(map(math.isfinite, own.range)):
        return None, "of the judged values", "the range has no ends, so nothing bounds the unjudged"
    samples = (new.sizes, old.sizes)
    fillings = [(new.low, old.high), (new.high, old.low)]
    # As in Tally.completions: besides all down and all up, the filling that sets the clusters furthest apart.
    up = _moves(new, old, (new.low + new.high) / 2.0, (old.low + old.high) / 2.0) > 0.0
    fillings.append((np.where(up, new.high, new.low), np.where(up, old.low, old.high)))
    moves = [_moves(new, old, *totals) for totals in fillings]
    if any(too_few(one, samples) for one in moves):
        return _by_sides(own, before, after, level)
    reaches = [t_reach(one, samples, level) for one in moves]
    low = new.mean_low() - old.mean_high() - max(below for below, _, _ in reaches)
    high = new.mean_high() - old.mean_low() + max(above for _, above, _ in reaches)
    return (low, high), f"linearised, clustered CR2 with {min(df for _, _, df in reaches):.1f} df", ""


def _moves(new: Tally, old: Tally, later: Array, earlier: Array) -> Array:
    return influences(new.sizes, later) - influences(old.sizes, earlier)


def _by_sides(own: Metric, before: Terms, after: Terms, level: float) -> tuple[tuple[float, float] | None, str, str]:
    """Each side's own limits at half the miss rate: one of the two that make up a limit must miss for it to miss."""
    half = (1.0 + level) / 2.0
    old, new = (share_or_mean(own, *_sample(side), half) for side in (before, after))
    method = f"each side by itself at half the miss rate; {new.method}"
    if old.low is None or old.high is None or new.low is None or new.high is None:
        return None, method, old.reason or new.reason
    return (new.low - old.high, new.high - old.low), method, ""


def _sample(side: Terms) -> Sample:
    return [one.value for one in side.values()], [one.cluster for one in side.values()]


def _aligned(own: Metric, side: Terms, names: Sequence[str]) -> Tally:
    """The side's sums with an empty place for each cluster that only the other side has."""
    values, clusters = _sample(side)
    seen = tally(own, values, clusters)
    present = np.isin(np.array(names), np.array(clusters))
    sizes, low, high = (np.zeros(len(names)) for _ in range(3))
    sizes[present], low[present], high[present] = seen.sizes, seen.low, seen.high
    return replace(seen, sizes=sizes, low=low, high=high)


def _by_key(metric: Metric, terms: Sequence[Term]) -> Terms:
    found: dict[tuple[str, str], Term] = {}
    for term in terms:
        if found.setdefault((term.item, term.arm), term) is not term:
            raise ValueError(f"{metric.name}: {_name((term.item, term.arm))} stands twice on one side")
    return found


def _name(key: tuple[str, str]) -> str:
    return f"{key[0]!r} ({key[1]})" if key[1] else repr(key[0])


def _ends(metric: Metric, ends: Ends | None) -> Ends:
    bottom, top = metric.range
    if bottom != -top:
        raise ValueError(f"{metric.name}: a difference ranges from -w to w, not over {metric.range}")
    if ends is None:
        return (0.0, top) if math.isfinite(top) else (bottom, top)
    if math.isfinite(top) and not math.isclose(ends[1] - ends[0], top):
        raise ValueError(f"{metric.name}: values between {ends[0]:g} and {ends[1]:g} do not differ over {metric.range}")
    return ends
