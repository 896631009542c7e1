"""Simulations: each limit of each interval misses the truth at most as often as it says, on its own side."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from slm_audit.probes.contract import Estimate, Metric
from slm_audit.probes.estimates import Card, Share, paired_mean, paired_range, rogan_gladen, worst_of_groups
from slm_audit.probes.estimates.means import mean_limits
from slm_audit.probes.estimates.rates import rate_limits
from slm_audit.probes.estimates.tally import Tally

pytestmark = pytest.mark.coverage
LEVEL = 0.95
METRIC = Metric(name="figure", meaning="")
SIGNED = Metric(name="difference", meaning="", range=(-1.0, 1.0))
Array = NDArray[np.float64]
Limits = list[tuple[float, float]]


def check(limits: Limits, truth: float) -> None:
    """Misses below and above apart, each within 2.5 % and three standard errors of the simulation."""
    low, high = np.array(limits).T
    most = 0.025 + 3 * math.sqrt(0.025 * 0.975 / len(limits))
    missed = {"below": float((high < truth - 1e-12).mean()), "above": float((low > truth + 1e-12).mean())}
    assert max(missed.values()) <= most, f"truth {truth}: {missed}, at most {most:.4f}"


def bounds(estimate: Estimate) -> tuple[float, float]:
    assert estimate.low is not None and estimate.high is not None
    return estimate.low, estimate.high


def counts(rng: np.random.Generator, sizes: Array, p: float, icc: float, runs: int) -> Array:
    """Beta-binomial events by cluster, shape (runs, clusters)."""
    shape = (runs, len(sizes))
    if icc == 0 or p in (0.0, 1.0):
        shares: Array | float = p
    elif icc == 1:
        shares = (rng.random(shape) < p).astype(float)
    else:
        spread = 1 / icc - 1
        shares = rng.beta(p * spread, (1 - p) * spread, shape)
    return rng.binomial(sizes.astype(int), shares, size=shape).astype(float)


def tallied(sizes: Array, totals: Array) -> Tally:
    n = int(sizes.sum())
    return Tally(sizes=sizes, low=totals, high=totals, mean=float(totals.sum() / n), n=n, missing=0)


def rows(totals: Array, size: int) -> tuple[list[float | None], list[str]]:
    values: list[float | None] = [float(at < total) for total in totals for at in range(size)]
    return values, [str(at // size) for at in range(len(values))]


@pytest.mark.parametrize("icc", [0.0, 0.1, 0.3, 0.6])
@pytest.mark.parametrize("p", [0.02, 0.05, 0.1])
@pytest.mark.parametrize(("clusters", "size"), [(20, 25), (50, 10)])
def test_rate(clusters: int, size: int, p: float, icc: float) -> None:
    sizes = np.full(clusters, float(size))
    drawn = counts(np.random.default_rng(round(1000 * (p + icc)) + clusters), sizes, p, icc, 6000)
    check([rate_limits(tallied(sizes, totals), LEVEL)[:2] for totals in drawn], p)


@pytest.mark.parametrize(
    ("sizes", "p", "icc"),
    [
        # Cells where t_{G-1} and ten clusters with an event miss on one side 3 to 13 % of the time.
        (np.full(50, 40.0), 0.05, 0.1),
        (np.full(100, 25.0), 0.05, 0.3),
        (np.array([100.0] * 3 + [5.0] * 100), 0.3, 1.0),
        (np.array([200.0] + [10.0] * 59), 0.05, 1.0),
        (np.ceil(np.exp(np.linspace(-0.5, 4.0, 60))), 0.1, 0.3),
    ],
    ids=["large clusters", "many clusters", "three large ones", "one large one", "uneven"],
)
def test_rate_where_clusters_are_hard(sizes: Array, p: float, icc: float) -> None:
    drawn = counts(np.random.default_rng(len(sizes)), sizes, p, icc, 6000)
    check([rate_limits(tallied(sizes, totals), LEVEL)[:2] for totals in drawn], p)


SHAPES = {
    "even": (lambda rng, shape: rng.beta(2, 2, shape), 0.5),
    "long tail": (lambda rng, shape: rng.beta(1, 9, shape), 0.1),
    "longer tail": (lambda rng, shape: rng.beta(0.2, 2, shape), 0.2 / 2.2),
    "rare losses": (lambda rng, shape: 0.5 + 0.5 * (rng.random(shape) < 0.1) - 0.5 * (rng.random(shape) < 0.05), 0.525),
}


@pytest.mark.parametrize("clusters", [12, 60, 150])
@pytest.mark.parametrize("shape", SHAPES)
def test_mean(shape: str, clusters: int) -> None:
    draw, truth = SHAPES[shape]
    rng = np.random.default_rng(clusters)
    sizes = np.ones(clusters)
    found = [mean_limits(METRIC, tallied(sizes, np.asarray(y)), LEVEL)[0] for y in draw(rng, (1500, clusters))]
    check([one for one in found if one is not None], truth)


def test_mean_over_items_when_large_clusters_differ() -> None:
    # Clusters of 1 with mean 0.2 and of 9 with mean 0.6: over items (0.2 + 9 x 0.6)/10 = 0.56.
    rng = np.random.default_rng(5)
    found = []
    for _ in range(1500):
        sizes = np.where(rng.random(30) < 0.5, 1.0, 9.0)
        totals = sizes * np.where(sizes > 1, rng.beta(3, 2, 30), rng.beta(1, 4, 30))
        limits = mean_limits(METRIC, tallied(sizes, totals), LEVEL)[0]
        assert limits is not None
        found.append(limits)
    check(found, 0.56)


def test_worst_of_groups() -> None:
    rng = np.random.default_rng(6)
    truths = {"a": 0.10, "b": 0.10, "c": 0.10, "d": 0.03}
    sizes = np.full(40, 5.0)
    drawn = {name: counts(rng, sizes, p, 0.2, 600) for name, p in truths.items()}
    found = [
        worst_of_groups(METRIC, {name: rows(totals[run], 5) for name, totals in drawn.items()}, LEVEL)
        for run in range(600)
    ]
    check([bounds(one) for one in found], 0.10)


@pytest.mark.parametrize("gain", [0.0, 0.1])
def test_paired_mean(gain: float) -> None:
    rng = np.random.default_rng(7)
    clusters = [str(at // 3) for at in range(180)]
    found = []
    for _ in range(800):
        hard = np.repeat(rng.beta(2, 2, 60), 3)
        shared = rng.random(180)
        first = shared < hard * (1 - gain) + gain
        second = np.where(rng.random(180) < 0.8, shared, rng.random(180)) < hard
        pairs = [(float(a), float(b)) for a, b in zip(first, second, strict=True)]
        found.append(bounds(paired_mean(SIGNED, pairs, clusters, LEVEL)))
    # E[hard] = 1/2, so the first side is right gain/2 more often.
    check(found, gain / 2)


@pytest.mark.parametrize("gaps", [(0.0, 0.0, 0.0), (0.0, 0.05, 0.2)])
def test_paired_range(gaps: tuple[float, ...]) -> None:
    rng = np.random.default_rng(8)
    found = []
    for _ in range(500):
        merit = rng.random(120)
        table = {
            str(at): {str(group): float(rng.random() < 0.3 + 0.3 * merit[at] + gap) for group, gap in enumerate(gaps)}
            for at in range(120)
        }
        found.append(bounds(paired_range(METRIC, table, LEVEL)))
    check(found, max(gaps))


@pytest.mark.parametrize(
    ("p", "q1", "q0", "labelled"),
    [
        (0.02, 0.6, 0.995, (300, 2000)),
        (0.02, 0.3, 0.995, (100, 1000)),
        (0.1, 0.9, 0.9, (50, 200)),
        (0.0, 0.9, 0.9, (100, 1000)),
        (0.3, 0.3, 0.95, (100, 500)),
        (0.1, 0.98, 0.99, (50, 5000)),
    ],
)
def test_rogan_gladen(p: float, q1: float, q0: float, labelled: tuple[int, int]) -> None:
    rng = np.random.default_rng(9)
    sizes = np.full(100, 5.0)
    traits = counts(rng, sizes, p, 0.2, 1500)
    flagged = rng.binomial(traits.astype(int), q1) + rng.binomial((sizes - traits).astype(int), 1 - q0)
    found = []
    for totals in flagged:
        n1, n0 = labelled
        card = Card(
            detector="d",
            version="1",
            threshold=0.5,
            sensitivity=Share.counted(int(rng.binomial(n1, q1)), n1, LEVEL),
            specificity=Share.counted(int(rng.binomial(n0, q0)), n0, LEVEL),
            level=LEVEL,
            source="simulated",
        )
        estimate = rogan_gladen(METRIC, *rows(totals, 5), LEVEL, card)
        # A card that is near chance by bad luck corrects nothing, and says so.
        if estimate.correction == "rogan-gladen":
            found.append(bounds(estimate))
    assert len(found) > 0.9 * len(flagged)
    check(found, p)
