"""Bound a figure that is no mean (an area, a calibration error, an expected maximum) by resampling clusters."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy import special

from ..contract import Estimate, Groups, Metric
from .forms import NOTHING_OBSERVED, estimated, unmeasured
from .tally import Array, Codes, Tally, check_level, encode

FEWEST_CLUSTERS = 10
"""Below this many clusters resampling says nothing of the tails."""

MOST_DEFINED = 0.95
"""The share of resamples on which a figure must be defined; the others are left out."""


def bootstrapped(
    metric: Metric,
    statistic: Callable[[Codes], float],
    clusters_of_rows: Sequence[str],
    level: float,
    *,
    draws: int = 2000,
    seed: int = 0,
    missing: int = 0,
    groups: Groups = (),
) -> Estimate:
    """`statistic` of all rows, with a BCa interval from resampled clusters (Efron 1987; Davison and Hinkley 1997).

    `statistic` takes row numbers (repeated ones too, shape (rows,)) and gives a float. Rows are those that could
    be judged; `missing` further ones could not. The result depends on the arguments alone. The interval is
    approximate. It is withheld, with the reason, for fewer than 10 clusters, a statistic that does not vary or
    is not finite, or missing rows, for which a figure that is no mean has no worst case to compute.
    """
    check_level(level)
    if draws < 1 or missing < 0:
        raise ValueError(f"{metric.name}: {draws} draws with {missing} missing rows is no bootstrap")
    names, codes = encode(clusters_of_rows)
    if not names:
        return unmeasured(metric, level, NOTHING_OBSERVED, groups=groups)
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    value = float(statistic(order))
    seen = Tally.counts(
        clusters=len(names),
        mean=value if math.isfinite(value) else None,
        n=len(codes) + missing,
        missing=missing,
    )
    limits: tuple[float, float] | None = None
    if not math.isfinite(value):
        reason = "the figure is not defined on these rows"
    elif missing:
        reason = "the unjudged have no worst case in a figure that is no mean, so no limits are given"
    elif len(names) < FEWEST_CLUSTERS:
        reason = f"{len(names)} clusters are too few to resample"
    else:
        rows = np.split(order, np.cumsum(sizes)[:-1])
        limits, reason = _bca(statistic, rows, value, level, draws, seed)
    method = f"cluster bootstrap, BCa, {draws} draws" if limits else "computed without an interval"
    return estimated(metric, seen, level, limits, method, groups=groups, reason=reason)


def _bca(
    statistic: Callable[[Codes], float],
    rows: list[Codes],
    value: float,
    level: float,
    draws: int,
    seed: int,
) -> tuple[tuple[float, float] | None, str]:
    """Limits at the quantiles that are corrected for bias and acceleration (Efron 1987, eq. 2.3)."""
    count = len(rows)
    rng = np.random.default_rng(seed)
    picks = (rng.integers(count, size=count) for _ in range(draws))  # one by one: there may be many clusters
    drawn = np.array([statistic(np.concatenate([rows[at] for at in pick])) for pick in picks], dtype=np.float64)
    left_out = np.array(
        [statistic(np.concatenate(rows[:at] + rows[at + 1 :])) for at in range(count)], dtype=np.float64
    )
    drawn = drawn[np.isfinite(drawn)]
    if len(drawn) < MOST_DEFINED * draws or not np.isfinite(left_out).all():
        return None, "the figure is not defined on too many resamples"
    if np.ptp(drawn) == 0.0:
        return None, "the figure is the same on every resample"
    below = float(((drawn < value).sum() + 0.5 * (drawn == value).sum()) / len(drawn))
    if not 0.0 < below < 1.0:
        return None, "the figure lies outside all its resamples"
    bias = float(special.ndtri(below))
    z = float(special.ndtri((1.0 + level) / 2.0))
    places = [_corrected(bias, side, _acceleration(left_out)) for side in (-z, z)]
    low, high = np.quantile(drawn, places)
    return (float(low), float(high)), ""


def _acceleration(left_out: Array) -> float:
    """A sixth of the skewness of the jackknife's deviations, one cluster left out at a time."""
    deviations = left_out.mean() - left_out
    square = float((deviations**2).sum())
    return 0.0 if square == 0.0 else float((deviations**3).sum()) / (6.0 * square**1.5)


def _corrected(bias: float, z: float, acceleration: float) -> float:
    shifted = bias + z
    room = 1.0 - acceleration * shifted
    # Past its pole the correction has no meaning; the far end of the draws is then taken.
    return float(special.ndtr(bias + shifted / room)) if room > 0.0 else (0.0 if z < 0.0 else 1.0)
