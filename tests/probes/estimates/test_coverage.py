"""Simulations of rates and means: each limit misses the truth at most as often as it says, on its own side."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from slm_audit.probes.contract import Metric
from slm_audit.probes.estimates.means import mean_limits
from slm_audit.probes.estimates.rates import rate_limits
from slm_audit.probes.estimates.tally import Tally

pytestmark = pytest.mark.coverage
LEVEL = 0.95
METRIC = Metric(name="figure", meaning="")
Array = NDArray[np.float64]
Check = Callable[[list[tuple[float, float]], float], None]
Events = Callable[[Array, float, float, int], Array]


def tallied(sizes: Array, totals: Array) -> Tally:
    n = int(sizes.sum())
    return Tally(sizes=sizes, low=totals, high=totals, mean=float(totals.sum() / n), n=n, missing=0)


def means(sizes: Array, drawn: Array) -> list[tuple[float, float]]:
    found = [mean_limits(METRIC, tallied(sizes, totals), LEVEL)[0] for totals in drawn]
    return [one for one in found if one is not None]


@pytest.mark.parametrize("icc", [0.0, 0.1, 0.3, 0.6])
@pytest.mark.parametrize("p", [0.02, 0.05, 0.1])
@pytest.mark.parametrize(("clusters", "size"), [(20, 25), (50, 10)])
def test_rate(clusters: int, size: int, p: float, icc: float, events: Events, check: Check) -> None:
    sizes = np.full(clusters, float(size))
    check([rate_limits(tallied(sizes, totals), LEVEL)[:2] for totals in events(sizes, p, icc, 6000)], p)


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
def test_rate_where_clusters_are_hard(sizes: Array, p: float, icc: float, events: Events, check: Check) -> None:
    check([rate_limits(tallied(sizes, totals), LEVEL)[:2] for totals in events(sizes, p, icc, 6000)], p)


@pytest.mark.parametrize("icc", [0.0, 0.1, 0.3, 0.6])
@pytest.mark.parametrize("p", [0.02, 0.05])
@pytest.mark.parametrize(("clusters", "size"), [(20, 25), (50, 10)])
def test_mean_of_rare_values(
    clusters: int, size: int, p: float, icc: float, events: Events, check: Check, rng: np.random.Generator
) -> None:
    # What happens with chance 2p is uniform between 0 and 1, so that its mean is p.
    sizes = np.full(clusters, float(size))
    happened = events(sizes, 2 * p, icc, 2000)
    drawn = (rng.random((*happened.shape, size)) * (np.arange(size) < happened[..., None])).sum(-1)
    check(means(sizes, drawn), p)


SHAPES = {
    "even": (lambda rng, shape: rng.beta(2, 2, shape), 0.5),
    "long tail": (lambda rng, shape: rng.beta(1, 9, shape), 0.1),
    "longer tail": (lambda rng, shape: rng.beta(0.2, 2, shape), 0.2 / 2.2),
    "rare losses": (lambda rng, shape: 0.5 + 0.5 * (rng.random(shape) < 0.1) - 0.5 * (rng.random(shape) < 0.05), 0.525),
}


@pytest.mark.parametrize("clusters", [12, 60, 150])
@pytest.mark.parametrize("shape", SHAPES)
def test_mean(shape: str, clusters: int, check: Check, rng: np.random.Generator) -> None:
    draw, truth = SHAPES[shape]
    check(means(np.ones(clusters), draw(rng, (2000, clusters))), truth)


def test_mean_over_items_when_large_clusters_differ(check: Check, rng: np.random.Generator) -> None:
    # Clusters of 1 with mean 0.2 and of 9 with mean 0.6: over items (0.2 + 9 x 0.6)/10 = 0.56.
    found = []
    for _ in range(2000):
        sizes = np.where(rng.random(30) < 0.5, 1.0, 9.0)
        totals = sizes * np.where(sizes > 1, rng.beta(3, 2, 30), rng.beta(1, 4, 30))
        found += means(sizes, totals[None])
    check(found, 0.56)
