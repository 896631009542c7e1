"""Say how many independent items, and how many degrees of freedom, a clustered sample is worth."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from .influences import influences, variance
from .tally import Array

FEWEST = 10.0
"""Below this many effective clusters with an event (or without) no variance between clusters can be trusted."""


def effective_clusters(sizes: Array) -> float:
    """(sum of sizes)^2 / sum of squared sizes: G for G equal clusters, less the more unequal they are (Kish 1965)."""
    largest = float(sizes.max(initial=0.0))
    if largest <= 0.0:
        return 0.0
    shares = sizes / largest
    return float(shares.sum() ** 2 / (shares**2).sum())


def t_quantile(df: float, level: float) -> float:
    """Student's two-sided quantile at `level` with `df` degrees of freedom."""
    return float(special.stdtrit(df, (1.0 + level) / 2.0))


def satterthwaite_df(sizes: Array) -> float:
    """Degrees of freedom of the CR2 variance of a mean: G - 1 for equal clusters, fewer for unequal ones.

    The smaller of the figures under two working models, independent items and clusters that are all alike
    within (Pustejovsky and Tipton 2018, eq. 9).
    """
    n = sizes.sum()
    share = sizes / n
    weight = 1.0 / (1.0 - share)
    pair = share * sizes * weight
    independent = n**2 / ((sizes**2).sum() + pair.sum() ** 2 - (pair**2).sum())
    # The same ratio for totally correlated clusters; the double sum over pairs of clusters is multiplied out.
    square = weight * sizes**2
    q = (share**2).sum()
    s0, s1, s2 = square.sum(), (square * share).sum(), (square * share**2).sum()
    norm = q**2 * s0**2 - 4 * q * s0 * s1 + 2 * s0 * s2 + 2 * s1**2
    norm += (square**2 * (1.0 + 2.0 * (q - 2.0 * share))).sum()
    alike = (square * (1.0 - 2.0 * share + q)).sum() ** 2 / norm
    return float(max(1.0, min(independent, alike)))


def kurtosis_df(moves: Array) -> float:
    """Degrees of freedom of the variance between clusters when a few clusters carry most of it.

    A variance estimated from G influences of kurtosis K has 2G/(K - 1) = G / (1 + excess/2) degrees of freedom
    (Box 1953; O'Neill 2014). The excess counts twice here, because a sample of clusters shows it too small;
    simulation (tests/probes/estimates) asked for it.
    """
    square = float((moves**2).mean())
    if square <= 0.0:
        return len(moves) - 1.0
    excess = float((moves**4).mean()) / square**2 - 3.0
    return max(1.0, (len(moves) - 1.0) / (1.0 + max(0.0, excess)))


def effective_size(
    sizes: Array, totals: Array, level: float, noise: tuple[float, float] = (0.0, 0.0)
) -> tuple[float, str]:
    """How many independent 0/1 items a clustered sample of them is worth, and by which rule.

    n_eff = n/deff x (t_{n-1}/t_df)^2 with deff >= 1 (Korn and Graubard 1998). Their df is G - 1; here it is
    satterthwaite_df, the same for equal clusters, and kurtosis_df where that is smaller, which by itself never
    takes n_eff below the effective number of clusters. With fewer than 10 effective clusters that hold an
    event, or a non-event, deff cannot be estimated and the clusters are counted instead. `totals` are the
    clusters' numbers of events. `noise` are the shares of items that show an event, and a non-event, by mere error:
    only what a cluster has beyond them says that it holds one. Without it nothing tells a background that all clusters
    have from events, and a few bad clusters among less than about 50 can stay unseen behind it.
    """
    clusters = effective_clusters(sizes)
    events = np.maximum(totals - noise[0] * sizes, 0.0)
    others = np.maximum(sizes - totals - noise[1] * sizes, 0.0)
    if min(effective_clusters(events), effective_clusters(others)) < FEWEST:
        return clusters, "clusters"
    n = float(sizes.sum())
    p = float(totals.sum()) / n
    moves = influences(sizes, totals)
    design_effect = max(1.0, variance(moves, (sizes,)) * (n - 1.0) / (p * (1.0 - p)))
    top = t_quantile(n - 1.0, level)
    published = n / design_effect * (top / t_quantile(satterthwaite_df(sizes), level)) ** 2
    heavy = n / design_effect * (top / t_quantile(kurtosis_df(moves), level)) ** 2
    return min(published, max(heavy, clusters)), "Korn-Graubard"


def skewness_of_sum(moves: Array) -> float:
    """The skewness of a figure, from the third moments of the clusters' influences on it."""
    square = float((moves**2).sum())
    return 0.0 if square <= 0.0 else float((moves**3).sum()) / math.sqrt(square) ** 3


def clusters_either_side(moves: Array) -> float:
    """The effective number of clusters that pull a figure up, or of those that pull it down: the smaller."""
    return min(effective_clusters(np.maximum(moves, 0.0)), effective_clusters(np.maximum(-moves, 0.0)))
