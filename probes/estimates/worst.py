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

    For any part q the move max_p v_p - max_p b_p is at least min_p (v_q - b_p), and at most max_p (v_p - b_q). So `low`
    is the largest over q of the smallest lower limits of v_q - b_p (see paired_difference), and `high` the smallest
    over q of the largest upper ones. For one q such a limit misses only if that of the one part does which is truly
    the largest; for the best of m parts each is at Bonferroni's level, (1 - level)/2 over m on each side (Dunn 1961).
    One part is exactly paired_difference. Parts without any term are left out; one with terms on one side only leaves
    the difference unmeasured.
    """
    check_level(level)
    held = [{name for name, terms in side.items() if terms} for side in (base, variant)]
    if held[0] != held[1]:
        odd = ", ".join(repr(name) for name in sorted(held[0] ^ held[1]))
        return unmeasured(metric, level, f"only one side holds terms of {odd}")
    names = sorted(held[0])
    if not names:
        return unmeasured(metric, level, NOTHING_OBSERVED)
    joint = 1.0 - (1.0 - level) / len(names)
    table = [[paired_difference(metric, base[b], variant[v], joint, ends=ends) for b in names] for v in names]
    own = [table[at][at] for at in range(len(names))]
    if len(own) == 1:
        return own[0]
    before, after = (_largest({name: side[name] for name in names}) for side in (base, variant))
    value = reason = None
    if before is not None and after is not None:
        value, reason = after[1] - before[1], f"largest of {len(own)} parts: {before[0]} before, {after[0]} after"
    lows = np.array([[one.low for one in row] for row in table], dtype=np.float64)
    highs = np.array([[one.high for one in row] for row in table], dtype=np.float64)
    limits = None
    if not np.isnan(lows).any() and not np.isnan(highs).any():
        limits = (float(lows.min(axis=1).max()), float(highs.max(axis=0).min()))
    seen = Tally.counts(
        clusters=len({term.cluster for side in (base, variant) for name in names for term in side[name]}),
        mean=value,
        n=sum(one.n for one in own),
        missing=sum(one.missing for one in own),
    )
    method = f"best limits over {len(own)} parts at Bonferroni's level; {own[0].method}"
    return estimated(metric, seen, level, limits, method, reason=reason or "")


def _largest(parts: Parts) -> tuple[str, float] | None:
    """The part with the largest mean of what was judged, and that mean."""
    judged = {name: [term.value for term in terms if term.value is not None] for name, terms in parts.items()}
    means = {name: float(np.mean(values)) for name, values in judged.items() if values}
    top = max(means, key=lambda name: means[name], default=None)
    return None if top is None else (top, means[top])
