"""Bound the mean of bounded values by betting against it: valid for any distribution and any number of clusters."""

from __future__ import annotations

import math

import numpy as np

from .tally import Array

STAKES: Array = 0.6 ** np.arange(10.0)
"""The shares of the largest safe stake that are bet side by side, each with a tenth of the wealth."""

_STEPS = 44


def betting_limits(
    sizes: Array, low: Array, high: Array, level: float, largest: float | None = None
) -> tuple[float, float]:
    """Two-sided limits of a mean over items in [0, 1]; each side misses with probability (1 - level)/2 at most.

    `low` and `high` are the clusters' sums with the unjudged at 0 and at 1. Hedged capital of Waudby-Smith and
    Ramdas (2023), section 4.4, with diversified fixed stakes (their dKelly): the wealth against a mean m is the
    average over stakes c of the product over clusters of 1 + c/m x w_g (y_g - m), with y_g the cluster's mean
    and w_g = n_g / largest. Its expectation is at most 1 when m is the true mean over items (E[n_g (y_g - m)] = 0,
    also when large clusters differ from small ones), so Markov's inequality gives the level. It does not
    depend on the order of the clusters, and larger values never lower a limit. `largest` is the size of the largest
    cluster there is, or of the largest there can be: known before the first cluster, it makes the wealth a
    martingale as clusters are added, and the limits then hold whenever one looks (see confidence_sequence).
    """
    miss = (1.0 - level) / 2.0
    scale = float(sizes.max()) if largest is None else largest
    return _lower(sizes, low, miss, scale), 1.0 - _lower(sizes, sizes - high, miss, scale)


def _lower(sizes: Array, totals: Array, miss: float, largest: float) -> float:
    """The largest mean that the wealth refutes; the wealth falls as the mean rises, so halving finds it."""
    below, above = 0.0, float(totals.sum() / sizes.sum())
    if above <= 0.0:
        return 0.0
    staked = STAKES[:, None] * (sizes / largest)
    kept, won = 1.0 - staked, staked * (totals / sizes)
    needed = math.log(len(STAKES) / miss)
    with np.errstate(divide="ignore"):
        for _ in range(_STEPS):
            mean = (below + above) / 2.0
            wealth = np.log(kept + won / mean).sum(axis=1)
            if np.logaddexp.reduce(wealth) >= needed:
                below = mean
            else:
                above = mean
    return below
