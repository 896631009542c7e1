"""Estimate how far a figure moved from one model to another, term by term."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from ..contract import Estimate, Metric, Term
from .forms import NOTHING_OBSERVED, unmeasured
from .other_terms import Terms, difference_over_other_terms
from .paired_tally import tally_pairs
from .tally import as_array, check_level

Ends = tuple[float, float]


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
    other denominators: Student's t on the clusters' influences on it (see t_reach). Where few clusters carry it (see
    too_few), the linearised terms are bet on (see betting_limits), or, where the sides have less than half of their
    terms in common, each side's own limits at half the miss rate are put together (Bonferroni). The unjudged are held
    at both ends.

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
    return difference_over_other_terms(metric, replace(metric, range=ends), before, after, level)


def _by_key(metric: Metric, terms: Sequence[Term]) -> Terms:
    found: dict[tuple[str, str], Term] = {}
    for term in terms:
        key = (term.item, term.arm)
        if key in found:
            raise ValueError(f"{metric.name}: {_name(key)} stands twice on one side")
        found[key] = term
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
