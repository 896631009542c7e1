"""Say how well confidences match what turned out right, and what is gained by leaving the unsure unanswered."""

from __future__ import annotations


import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from .tally import Array


def brier(probabilities: ArrayLike, outcomes: ArrayLike) -> float:
    """The mean squared distance of probabilities from 0/1 outcomes, both of shape (n,) (Brier 1950); 0 is best."""
    p, y = _matched(probabilities, outcomes, binary=True)
    return float(((p - y) ** 2).mean())


def ece(probabilities: ArrayLike, outcomes: ArrayLike, *, bins: int = 15, debias: bool = True) -> float:
    """The expected calibration error over bins of equal mass: the mean of |share right - mean probability|.

    The plain figure is above 0 even for perfect probabilities, by the noise of each bin's share. With `debias`
    that is taken off, as Kumar, Liang and Ma (2019, section 5 and their library's normal debiasing) do: each
    bin's share is taken as normal with variance y(1 - y)/n_b, and the excess of its expected absolute
    deviation, the mean of a folded normal, is subtracted; never below 0. Ties of probability may fall in
    two bins only by the order of outcomes, so they are sorted together and bins are cut between distinct ones.
    """
    p, y = _matched(probabilities, outcomes, binary=True)
    order = np.argsort(p, kind="stable")
    p, y = p[order], y[order]
    edges = _edges(p, bins)
    counts = np.diff(edges)
    gap = np.add.reduceat(y - p, edges[:-1]) / counts
    plain = float((counts * np.abs(gap)).sum() / len(p))
    if not debias:
        return plain
    share = np.add.reduceat(y, edges[:-1]) / counts
    spread = np.sqrt(share * (1.0 - share) / counts)
    return max(0.0, plain - float((counts * (_folded_mean(gap, spread) - np.abs(gap))).sum() / len(p)))


def risk_coverage(confidences: ArrayLike, losses: ArrayLike) -> tuple[tuple[float, float], ...]:
    """The (coverage, selective risk) points of answering only the surest 1, 2, ... n of n (Geifman and El-Yaniv 2017).

    Equal confidences are answered in random order: their points hold the expected risk, so that the order of
    the rows does not matter.
    """
    c, loss = _matched(confidences, losses, binary=False)
    risk = _selective_risks(c, loss)
    n = len(risk)
    return tuple((float((at + 1) / n), float(one)) for at, one in enumerate(risk))


def aurc(confidences: ArrayLike, losses: ArrayLike) -> float:
    """The area under the risk-coverage curve: the mean selective risk over coverages 1/n to 1 (Geifman et al. 2019)."""
    c, loss = _matched(confidences, losses, binary=False)
    return float(_selective_risks(c, loss).mean())


def _selective_risks(confidences: Array, losses: Array) -> Array:
    _, place = np.unique(-confidences, return_inverse=True)
    expected = (np.bincount(place, weights=losses) / np.bincount(place))[np.sort(place)]
    return np.asarray(np.cumsum(expected) / np.arange(1, len(losses) + 1), dtype=np.float64)


def _edges(sorted_p: Array, bins: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Where bins of about equal mass begin, moved so that equal probabilities share one; the last is n."""
    if bins < 1:
        raise ValueError(f"{bins} bins hold nothing")
    n = len(sorted_p)
    starts = np.searchsorted(sorted_p, sorted_p[(np.arange(bins) * n) // bins], side="left")
    return np.append(np.unique(starts), n).astype(np.intp)


def _folded_mean(mean: Array, spread: Array) -> Array:
    """E|X| of a normal with this mean and standard deviation."""
    safe = np.where(spread > 0.0, spread, 1.0)
    folded = safe * np.sqrt(2.0 / np.pi) * np.exp(-0.5 * (mean / safe) ** 2)
    folded += mean * special.erf(mean / (safe * np.sqrt(2.0)))
    return np.where(spread > 0.0, folded, np.abs(mean))


def _matched(first: ArrayLike, second: ArrayLike, *, binary: bool) -> tuple[Array, Array]:
    """Both as float64 of one length; emptiness, NaN, or what is no probability or outcome raises ValueError."""
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape or not len(a):
        raise ValueError(f"two lists of one length are needed, not of shapes {a.shape} and {b.shape}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("a value is not a finite number")
    if binary and not (((a >= 0.0) & (a <= 1.0)).all() and ((b == 0.0) | (b == 1.0)).all()):
        raise ValueError("probabilities lie between 0 and 1, and outcomes are 0 or 1")
    return a, b
