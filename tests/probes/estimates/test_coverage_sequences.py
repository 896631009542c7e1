"""Simulations of optional stopping: who looks after each cluster and stops at will is misled no more often."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from slm_audit.probes.estimates.betting import STAKES, betting_limits

pytestmark = pytest.mark.coverage
Array = NDArray[np.float64]
Check = Callable[[list[tuple[float, float]], float], None]
Events = Callable[[Array, float, float, int], Array]


def most_misleading_look(sizes: Array, totals: Array, truth: float, largest: int) -> tuple[int, int]:
    """After how many clusters a bettor who knows the truth is richest against it from below, and from above."""
    looks = []
    for mean, won in ((truth, totals), (1 - truth, sizes - totals)):
        bets = 1 + STAKES[:, None] / mean * (won - sizes * mean) / largest
        looks.append(1 + int(np.cumprod(bets, axis=1).sum(axis=0).argmax()))
    return looks[0], looks[1]


@pytest.mark.parametrize("p", [0.02, 0.05, 0.5])
@pytest.mark.parametrize("icc", [0.0, 0.3])
@pytest.mark.parametrize("equal", [True, False], ids=["equal clusters", "unequal clusters"])
def test_a_look_after_every_cluster(
    p: float, icc: float, equal: bool, events: Events, check: Check, rng: np.random.Generator
) -> None:
    largest, clusters, runs = 10, 100, 2000
    sizes = np.full(clusters, float(largest)) if equal else np.ceil(np.exp(np.linspace(-0.5, 2.3, clusters)))
    sizes = rng.permutation(sizes)
    found = []
    for totals in events(sizes, p, icc, runs):
        lower, upper = most_misleading_look(sizes, totals, p, largest)
        low = betting_limits(sizes[:lower], totals[:lower], totals[:lower], 0.95, largest)[0]
        high = betting_limits(sizes[:upper], totals[:upper], totals[:upper], 0.95, largest)[1]
        found.append((low, high))
    check(found, p)
