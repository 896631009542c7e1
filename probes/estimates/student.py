"""Bound a smooth figure by Student's t, with an error from the spread between clusters."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .effective import (
    FEWEST,
    clusters_either_side,
    effective_clusters,
    kurtosis_df,
    satterthwaite_df,
    skewness_of_sum,
    t_quantile,
)
from .influences import variance
from .tally import Array

FEW_CLUSTERS = 40
"""Below this many clusters no figure is taken for normal."""


def too_few(moves: Sequence[Array], samples: Sequence[Array]) -> bool:
    """Whether so few clusters carry a figure that its error cannot be told from their spread.

    `moves` are the clusters' influences through each sample, `samples` the clusters' sizes in it. Few are less than 40
    clusters, or less than 10 effective ones, in a sample, or less than 10 effective ones that pull the figure one
    way, through a sample or on the whole: a large sample does not make up for a small one.
    """
    if any(np.count_nonzero(sizes) < FEW_CLUSTERS or effective_clusters(sizes) < FEWEST for sizes in samples):
        return True
    return any(clusters_either_side(some) < FEWEST for some in [*moves, np.sum(moves, axis=0)])


def degrees_of_freedom(moves: Array, samples: Sequence[Array]) -> float:
    """Those of a CR2 error: Satterthwaite's (Pustejovsky and Tipton 2018), or kurtosis_df where that is smaller.

    Of two samples it is the one with fewer that counts, for Welch's are never fewer than those of both.
    """
    return min(kurtosis_df(moves), *(satterthwaite_df(sizes[sizes > 0.0]) for sizes in samples))


def t_reach(moves: Array, samples: Sequence[Array], level: float) -> tuple[float, float, float]:
    """How far the limits lie below and above a figure, and the degrees of freedom.

    `moves` are the clusters' influences on it, `samples` the clusters' sizes in each sample that it is made of.
    Student's quantile times the CR2 error. On the side of the longer tail the limit is moved out by Johnson's (1978)
    term, se x skewness (1 + 2 t^2)/6; it is never moved in.
    """
    df = degrees_of_freedom(moves, samples)
    t = t_quantile(df, level)
    error = math.sqrt(variance(moves, samples))
    skew = skewness_of_sum(moves) * (1.0 + 2.0 * t**2) / 6.0
    return error * (t - min(0.0, skew)), error * (t + max(0.0, skew)), df
