"""Simulations of differences: paired ones with few pairs that differ, ones over different terms, and worst parts."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from slm_audit.probes.contract import Estimate, Metric, Term
from slm_audit.probes.estimates import difference_of_worst, paired_difference, paired_mean
from slm_audit.probes.estimates.paired_tally import PairedTally
from slm_audit.probes.estimates.tally import Tally

pytestmark = pytest.mark.coverage
DELTA = Metric(name="difference", meaning="", range=(-1.0, 1.0))
Array = NDArray[np.float64]
Check = Callable[[list[tuple[float, float]], float], None]
Events = Callable[[Array, float, float, int], Array]


def bounds(estimate: Estimate) -> tuple[float, float]:
    assert estimate.low is not None and estimate.high is not None
    return estimate.low, estimate.high


def tallied(sizes: Array, totals: Array) -> Tally:
    n = int(sizes.sum())
    return Tally(sizes=sizes, low=totals, high=totals, mean=float(totals.sum() / n), n=n, missing=0)


@pytest.mark.parametrize(
    ("clusters", "size", "icc"),
    [(300, 1, 0.0), (50, 10, 0.0), (20, 25, 0.0), (50, 10, 0.3), (20, 25, 0.3), (100, 3, 0.3), (50, 10, 0.6)],
)
@pytest.mark.parametrize("discordant", [0.01, 0.03, 0.1])
@pytest.mark.parametrize("falling", [0.5, 0.8, 1.0])
def test_few_pairs_that_differ(
    clusters: int,
    size: int,
    icc: float,
    discordant: float,
    falling: float,
    events: Events,
    check: Check,
    rng: np.random.Generator,
) -> None:
    # Half of the clusters' pairs go the way of the cluster where there are clusters, else each goes its own.
    sizes = np.full(clusters, float(size))
    differ = events(sizes, discordant, icc, 2000)
    alone = rng.binomial(differ.astype(int), falling).astype(float)
    together = differ * (rng.random(differ.shape) < falling)
    falls = np.where(rng.random(differ.shape) < (0.5 if icc else 0.0), together, alone)
    found = []
    for down, up in zip(falls, differ - falls, strict=True):
        signs = (tallied(sizes, up), tallied(sizes, down))
        limits, _, _ = PairedTally(seen=tallied(sizes, up - down), signs=signs).limits(DELTA, 0.95)
        assert limits is not None
        found.append(limits)
    check(found, discordant * (1 - 2 * falling))


@pytest.mark.parametrize("gain", [0.0, 0.1])
def test_paired_mean(gain: float, check: Check, rng: np.random.Generator) -> None:
    clusters = [str(at // 3) for at in range(180)]
    found = []
    for _ in range(800):
        hard = np.repeat(rng.beta(2, 2, 60), 3)
        shared = rng.random(180)
        first = shared < hard * (1 - gain) + gain
        second = np.where(rng.random(180) < 0.8, shared, rng.random(180)) < hard
        pairs = [(float(a), float(b)) for a, b in zip(first, second, strict=True)]
        found.append(bounds(paired_mean(DELTA, pairs, clusters, 0.95)))
    # E[hard] = 1/2, so the first side is right gain/2 more often.
    check(found, gain / 2)


def taken(terms: list[list[Term]], values: Array) -> list[Term]:
    return [both[int(value)] for both, value in zip(terms, values.flat, strict=True)]


def sides(
    rng: np.random.Generator, clusters: int, size: int, p: float, q: float, icc: float, runs: int
) -> list[tuple[Array, Array]]:
    """Both sides' 0/1 values by cluster and item; a cluster that is bad for the one is bad for the other."""
    most, spread = max(p, q), 1 / icc - 1 if icc else 1e9
    hard = rng.beta(most * spread, (1 - most) * spread, (runs, clusters, 1))
    return [tuple(1.0 * (rng.random((clusters, size)) < one * share / most) for share in (p, q)) for one in hard]


@pytest.mark.parametrize(("clusters", "size"), [(20, 25), (50, 10), (150, 3)])
@pytest.mark.parametrize(("p", "q", "icc"), [(0.02, 0.02, 0.0), (0.05, 0.05, 0.3), (0.3, 0.3, 0.1), (0.5, 0.2, 0.3)])
@pytest.mark.parametrize("same", [0.95, 0.0], ids=["mostly the same terms", "mostly others"])
def test_over_different_terms(
    clusters: int, size: int, p: float, q: float, icc: float, same: float, check: Check, rng: np.random.Generator
) -> None:
    # Each side is asked of half of the items, those that it had right before.
    terms = [
        [Term(item=str(at), cluster=str(at // size), value=v) for v in (0.0, 1.0)] for at in range(clusters * size)
    ]
    found = []
    for before, after in sides(rng, clusters, size, p, q, icc, 300):
        asked = rng.random(len(terms)) < 0.5
        also = np.where(rng.random(len(terms)) < same, asked, rng.random(len(terms)) < 0.5)
        base, variant = (
            [term for term, one in zip(taken(terms, values), chosen, strict=True) if one]
            for values, chosen in ((before, asked), (after, also))
        )
        found.append(bounds(paired_difference(DELTA, base, variant, 0.95)))
    check(found, q - p)


@pytest.mark.parametrize(("p", "q", "icc"), [(0.05, 0.05, 0.0), (0.02, 0.05, 0.3)])
def test_worst_of_parts(p: float, q: float, icc: float, check: Check, rng: np.random.Generator) -> None:
    # Three parts; the base's worst are the first two (p), the variant's the last two (q).
    terms = [[Term(item=str(at), cluster=str(at // 10), value=v) for v in (0.0, 1.0)] for at in range(500)]
    drawn = [sides(rng, 50, 10, one, other, icc, 300) for one, other in ((p, q / 2), (p, q), (p / 2, q))]
    found = []
    for parts in zip(*drawn, strict=True):
        base, variant = ({str(at): taken(terms, part[side]) for at, part in enumerate(parts)} for side in (0, 1))
        found.append(bounds(difference_of_worst(DELTA, base, variant, 0.95)))
    check(found, q - p)
