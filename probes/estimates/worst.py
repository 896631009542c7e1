"""Estimate how far the worst of several parts moved from one model to another."""

from __future__ import annotations

import numpy as np

from ..contract import Estimate, Metric, Parts
from .differences import paired_difference
from .forms import NOTHING_OBSERVED, estimated, unmeasured
from .tally import Tally, check_level


def difference_of_worst(
    metric: Metric,
    base: Parts,
    variant: Parts,
    level: float,
    *,
    ends: tuple[float, float] | None = None,
) -> Estimate:
    """The variant's figure less the base's, where a figure is the largest of its parts' means.

    `high` is the largest of the parts' own upper limits (see paired_difference), `low` the smallest of their lower
    ones: min_p d_p <= max_p v_p - max_p b_p <= max_p d_p, so a limit misses only if that of the one part with the
    smallest, or the largest, true difference does, and none is corrected. One part is exactly paired_difference.
    Parts without any term are left out; one with terms on one side only leaves the difference unmeasured.
    """
    check_level(level)
    held = [{name for name, terms in side.items() if terms} for side in (base, variant)]
    if held[0] != held[1]:
        odd = ", ".join(repr(name) for name in sorted(held[0] ^ held[1]))
        return unmeasured(metric, level, f"only one side holds terms of {odd}")
    names = sorted(held[0])
    if not names:
        return unmeasured(metric, level, NOTHING_OBSERVED)
    own = [paired_difference(metric, base[name], variant[name], level, ends=ends) for name in names]
    if len(own) == 1:
        return own[0]
    before, after = (_largest({name: side[name] for name in names}) for side in (base, variant))
    value = reason = None
    if before is not None and after is not None:
        value, reason = after[1] - before[1], f"largest of {len(own)} parts: {before[0]} before, {after[0]} after"
    lows, highs = [one.low for one in own if one.low is not None], [one.high for one in own if one.high is not None]
    limits = (min(lows), max(highs)) if len(lows) == len(highs) == len(own) else None
    seen = Tally.counts(
        clusters=len({term.cluster for side in (base, variant) for name in names for term in side[name]}),
        mean=value,
        n=sum(one.n for one in own),
        missing=sum(one.missing for one in own),
    )
    method = f"smallest lower and largest upper limit of {len(own)} parts; {own[0].method}"
    return estimated(metric, seen, level, limits, method, reason=reason or "")


def _largest(parts: Parts) -> tuple[str, float] | None:
    """The part with the largest mean of what was judged, and that mean."""
    judged = {name: [term.value for term in terms if term.value is not None] for name, terms in parts.items()}
    means = {name: float(np.mean(values)) for name, values in judged.items() if values}
    top = max(means, key=lambda name: means[name], default=None)
    return None if top is None else (top, means[top])
