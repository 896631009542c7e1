"""Simulations of figures that a detector counted and that labels correct."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from slm_audit.probes.contract import Estimate, Metric
from slm_audit.probes.estimates import Card, Share, ppi, rogan_gladen

pytestmark = pytest.mark.coverage
METRIC = Metric(name="figure", meaning="")
Array = NDArray[np.float64]
Check = Callable[[list[tuple[float, float]], float], None]
Events = Callable[[Array, float, float, int], Array]


def bounds(estimate: Estimate) -> tuple[float, float]:
    assert estimate.low is not None and estimate.high is not None
    return estimate.low, estimate.high


def flagged(rng: np.random.Generator, traits: Array, size: int, q1: float, q0: float) -> Array:
    """How many texts of each cluster a detector flags."""
    return rng.binomial(traits.astype(int), q1) + rng.binomial(size - traits.astype(int), 1 - q0)


def rows(totals: Array, size: int) -> tuple[list[float | None], list[str]]:
    values: list[float | None] = list(1.0 * (np.arange(size) < totals[:, None]).ravel())
    return values, [str(at // size) for at in range(len(values))]


@pytest.mark.parametrize(("clusters", "size", "icc"), [(20, 25, 0.3), (20, 25, 0.6), (50, 10, 0.0), (50, 10, 0.6)])
@pytest.mark.parametrize(
    ("p", "q1", "q0", "labelled"),
    [
        (0.02, 0.6, 0.995, (300, 2000)),
        (0.02, 0.3, 0.995, (100, 1000)),
        (0.05, 0.8, 0.98, (100, 400)),
        # False alarms in every cluster hide how few of them hold an event.
        (0.1, 0.9, 0.9, (50, 200)),
        (0.05, 0.9, 0.9, (50, 200)),
        (0.0, 0.9, 0.9, (100, 1000)),
        (0.3, 0.3, 0.95, (100, 500)),
        (0.1, 0.98, 0.99, (50, 5000)),
    ],
)
def test_rogan_gladen(
    clusters: int,
    size: int,
    icc: float,
    p: float,
    q1: float,
    q0: float,
    labelled: tuple[int, int],
    events: Events,
    check: Check,
    rng: np.random.Generator,
) -> None:
    traits = events(np.full(clusters, float(size)), p, icc, 800)
    found = []
    for totals in flagged(rng, traits, size, q1, q0):
        n1, n0 = labelled
        card = Card(
            detector="d",
            version="1",
            threshold=0.5,
            sensitivity=Share.counted(int(rng.binomial(n1, q1)), n1, 0.95),
            specificity=Share.counted(int(rng.binomial(n0, q0)), n0, 0.95),
            level=0.95,
            source="simulated",
        )
        estimate = rogan_gladen(METRIC, *rows(totals, size), 0.95, card)
        # A card that is near chance by bad luck corrects nothing, and says so.
        if estimate.correction == "rogan-gladen":
            found.append(bounds(estimate))
    assert len(found) > 0.9 * len(traits)
    check(found, p)


@pytest.mark.parametrize(("clusters", "size", "icc"), [(20, 25, 0.3), (50, 10, 0.0), (50, 10, 0.6), (500, 1, 0.0)])
@pytest.mark.parametrize(
    ("p", "q1", "q0", "labels"),
    [
        (0.02, 0.8, 0.99, 100),
        (0.05, 0.8, 0.98, 100),
        (0.05, 0.9, 0.95, 300),
        (0.3, 0.5, 0.7, 30),
        (0.2, 0.95, 0.97, 100),
        (0.5, 0.9, 0.9, 60),
    ],
)
def test_ppi(
    clusters: int,
    size: int,
    icc: float,
    p: float,
    q1: float,
    q0: float,
    labels: int,
    events: Events,
    check: Check,
    rng: np.random.Generator,
) -> None:
    traits = events(np.full(clusters, float(size)), p, icc, 800)
    found = []
    for totals in flagged(rng, traits, size, q1, q0):
        human = rng.random(labels) < p
        machine = rng.random(labels) < np.where(human, q1, 1 - q0)
        labelled = list(zip(map(float, machine), map(float, human), strict=True))
        found.append(bounds(ppi(METRIC, *rows(totals, size), labelled, 0.95)))
    check(found, p)
