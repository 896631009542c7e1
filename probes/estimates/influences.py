"""Say how far each cluster moves a figure, and what error of the figure follows from it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .tally import Array

ROUNDING = 1e-12
"""A cluster whose total is off the mean by this share of the largest total lies on the mean."""


def influences(sizes: Array, totals: Array) -> Array:
    """How far each cluster moves the mean over items: (total - size x mean) / n. They sum to 0.

    A smooth figure of several means has the sum of theirs, with its slopes as weights (Demnati and Rao 2004).
    """
    n = sizes.sum()
    excess = totals - sizes * (totals.sum() / n)
    moves: Array = np.where(np.abs(excess) <= ROUNDING * np.abs(totals).max(initial=0.0), 0.0, excess / n)
    return moves


def variance(moves: Array, samples: Sequence[Array]) -> float:
    """The CR2 variance: the sum of squared influences, each over 1 less the cluster's largest share of a sample.

    `samples` are the clusters' sizes in each sample. For one sample it is that of Bell and McCaffrey (2002), for
    equal clusters the usual G/(G-1) estimator; for two without common clusters it is the sum of both. Needs two
    clusters in each.
    """
    leverage = np.max([sizes / sizes.sum() for sizes in samples], axis=0)
    return float((moves**2 / (1.0 - leverage)).sum())
