"""Ask whether the confidence of a model's answers tells the right ones from the wrong ones."""

from __future__ import annotations

import numpy
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[numpy.float64]
Points = tuple[tuple[float, float], ...]

BINS, LEAST_IN_A_BIN = 15, 10


def risk_coverage(confidence: Floats, wrong: Floats) -> tuple[Floats, Floats]:
    """Coverage and the share of wrong answers among the most confident ones, each of shape [n], by falling confidence.

    `wrong` holds 1 for a wrong answer and 0 for a right one. Answers of equal confidence stand in no order, so
    each counts as the mean of its ties. Geifman and El-Yaniv 2017.
    """
    order = numpy.argsort(-confidence, kind="stable")
    _, tie, size = numpy.unique(-confidence[order], return_inverse=True, return_counts=True)
    shared = (numpy.bincount(tie, weights=wrong[order]) / size)[tie]
    kept = numpy.arange(1, len(wrong) + 1)
    return kept / len(wrong), numpy.cumsum(shared) / kept


def aurc(confidence: Floats, wrong: Floats) -> float:
    """The area under the risk-coverage curve: the mean of the risks over all coverages, in [0, 1]."""
    return float(risk_coverage(confidence, wrong)[1].mean())


def ece(confidence: Floats, right: Floats) -> float:
    """The expected calibration error over bins of equal mass, with less of its bias upwards, in [0, 1].

    The plain error of a perfectly calibrated model is above 0 on a finite sample, since each bin's accuracy
    scatters. The excess E|N(d, s)| - |d| that a bin's gap d with standard error s has by chance is taken off
    (the debiasing of Kumar, Liang and Ma 2019, in closed form), and what falls below 0 is 0. Of a gap
    that is chance alone, 2 - sqrt(2) = 59 % is left on average.
    """
    size, said, accuracy = binned(confidence, right)
    gap = numpy.abs(accuracy - said)
    excess = mean_of_folded_normal(gap, numpy.sqrt(accuracy * (1 - accuracy) / size)) - gap
    return float(numpy.clip(size @ (gap - excess) / len(right), 0.0, 1.0))


def reliability(confidence: Floats, right: Floats) -> Points:
    """Mean confidence and accuracy of each bin of equal mass."""
    _, said, accuracy = binned(confidence, right)
    return tuple(zip(said.tolist(), accuracy.tolist(), strict=True))


def binned(confidence: Floats, right: Floats) -> tuple[Floats, Floats, Floats]:
    """Size, mean confidence and accuracy of each of at most 15 bins of equal mass, each of shape [bins].

    Small samples get fewer bins, of at least 10 answers each. By rising confidence.
    """
    order = numpy.argsort(confidence, kind="stable")
    count = min(BINS, max(1, len(confidence) // LEAST_IN_A_BIN))
    starts = numpy.arange(count) * len(confidence) // count
    size = numpy.diff(starts, append=len(confidence)).astype(numpy.float64)
    said, accuracy = (numpy.add.reduceat(some[order], starts) / size for some in (confidence, right))
    return size, said, accuracy


def mean_of_folded_normal(mean: Floats, deviation: Floats) -> Floats:
    """E|X| for normal X, one for each mean and standard deviation; |mean| where the deviation is 0."""
    ratio = mean / numpy.where(deviation > 0, deviation, 1.0)
    spread = deviation * numpy.sqrt(2 / numpy.pi) * numpy.exp(-(ratio**2) / 2)
    folded: Floats = numpy.where(deviation > 0, spread + mean * special.erf(ratio / numpy.sqrt(2)), numpy.abs(mean))
    return folded
