"""Simulations of areas under curves and of points on them, for normal scores with effects of clusters."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm
from slm_audit.probes.contract import Estimate, Metric
from slm_audit.probes.estimates import auc, tpr_at_fpr

pytestmark = pytest.mark.coverage
METRIC = Metric(name="figure", meaning="")
Array = NDArray[np.float64]
Check = Callable[[list[tuple[float, float]], float], None]


def bounds(estimate: Estimate) -> tuple[float, float]:
    assert estimate.low is not None and estimate.high is not None
    return estimate.low, estimate.high


def scores(rng: np.random.Generator, effect: Array, size: int, icc: float) -> Array:
    """Standard normal scores, shape (runs, clusters x size), from the clusters' effects (runs, clusters, 1)."""
    runs, clusters, _ = effect.shape
    drawn = np.sqrt(icc) * effect + np.sqrt(1 - icc) * rng.normal(size=(runs, clusters, size))
    return drawn.reshape(runs, clusters * size)


def names(prefix: str, clusters: int, size: int) -> list[str]:
    return [f"{prefix}{at}" for at in range(clusters) for _ in range(size)]


@pytest.mark.parametrize("area", [0.5, 0.8, 0.95, 0.98])
@pytest.mark.parametrize(
    ("clusters", "size", "icc"),
    [(20, 25, 0.0), (20, 25, 0.3), (50, 10, 0.1), (50, 10, 0.3), (50, 10, 0.6), (30, 1, 0.0), (100, 1, 0.0)],
)
def test_auc(clusters: int, size: int, icc: float, area: float, check: Check, rng: np.random.Generator) -> None:
    ahead = np.sqrt(2) * norm.ppf(area)
    inside, outside = (scores(rng, rng.normal(size=(800, clusters, 1)), size, icc) for _ in range(2))
    own = names("m", clusters, size), names("o", clusters, size)
    found = [
        bounds(auc(METRIC, (list(m + ahead), own[0]), (list(o), own[1]), 0.95))
        for m, o in zip(inside, outside, strict=True)
    ]
    check(found, area)


def test_auc_of_few_members_among_many_others(check: Check, rng: np.random.Generator) -> None:
    # Many others do not make up for few members: Student's t on all their influences misses above 8 % of the time.
    ahead = np.sqrt(2) * norm.ppf(0.98)
    own = names("m", 20, 1), names("o", 500, 1)
    found = [
        bounds(auc(METRIC, (list(rng.normal(ahead, 1, 20)), own[0]), (list(rng.normal(size=500)), own[1]), 0.95))
        for _ in range(800)
    ]
    check(found, 0.98)


@pytest.mark.parametrize("area", [0.5, 0.9])
@pytest.mark.parametrize(("clusters", "size", "icc"), [(20, 10, 0.3), (60, 4, 0.6)])
def test_auc_where_clusters_hold_both(
    clusters: int, size: int, icc: float, area: float, check: Check, rng: np.random.Generator
) -> None:
    # Members and others of a cluster share its effect; the truth is still that of two from different clusters.
    effect = rng.normal(size=(800, clusters, 1))
    inside, outside = (scores(rng, effect, size, icc) for _ in range(2))
    own = names("", clusters, size)
    ahead = np.sqrt(2) * norm.ppf(area)
    within = norm.cdf(ahead / np.sqrt(2 * (1 - icc)))
    found = [
        bounds(auc(METRIC, (list(m + ahead), own), (list(o), own), 0.95)) for m, o in zip(inside, outside, strict=True)
    ]
    # One pair in `clusters` comes from the same cluster.
    check(found, area + (within - area) / clusters)


@pytest.mark.parametrize("ties", [4, 10])
def test_auc_of_scores_with_ties(ties: int, check: Check, rng: np.random.Generator) -> None:
    inside, outside = rng.integers(1, ties + 1, (1000, 60)), rng.integers(0, ties, (1000, 60))
    own = names("m", 60, 1), names("o", 60, 1)
    found = [
        bounds(auc(METRIC, (list(map(float, m)), own[0]), (list(map(float, o)), own[1]), 0.95))
        for m, o in zip(inside, outside, strict=True)
    ]
    # Of the k^2 pairs m in 1..k, o in 0..k-1: k(k+1)/2 + k wins less the ties, and k - 1 ties.
    wins = sum(m > o for m in range(1, ties + 1) for o in range(ties))
    check(found, (wins + 0.5 * (ties - 1)) / ties**2)


@pytest.mark.parametrize(
    ("fpr", "members", "others"),
    [(0.05, (100, 1, 0.0), (200, 1, 0.0)), (0.1, (50, 10, 0.3), (50, 10, 0.3)), (0.01, (60, 1, 0.0), (1000, 1, 0.0))],
)
@pytest.mark.parametrize("ahead", [0.0, 1.0, 3.0])
def test_tpr_at_fpr(
    fpr: float,
    ahead: float,
    members: tuple[int, int, float],
    others: tuple[int, int, float],
    check: Check,
    rng: np.random.Generator,
) -> None:
    inside, outside = (scores(rng, rng.normal(size=(200, one[0], 1)), *one[1:]) for one in (members, others))
    own = names("m", *members[:2]), names("o", *others[:2])
    found = [
        bounds(tpr_at_fpr(METRIC, (list(m + ahead), own[0]), (list(o), own[1]), fpr, 0.95))
        for m, o in zip(inside, outside, strict=True)
    ]
    check(found, float(norm.sf(norm.isf(fpr) - ahead)))
