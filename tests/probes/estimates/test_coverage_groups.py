"""Simulations of the worst of groups and of ranges between them, sharing clusters and not."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from slm_audit.probes.contract import Estimate, Metric
from slm_audit.probes.estimates import paired_range, range_of_groups, worst_of_groups

pytestmark = pytest.mark.coverage
METRIC = Metric(name="figure", meaning="")
Array = NDArray[np.float64]
Check = Callable[[list[tuple[float, float]], float], None]
Events = Callable[[Array, float, float, int], Array]
Samples = list[dict[str, tuple[list[float | None], list[str]]]]
CELLS = [(*shape, p, icc) for shape in ((20, 25), (50, 10)) for p in (0.02, 0.05) for icc in (0.0, 0.1, 0.3, 0.6)]


def bounds(estimate: Estimate) -> tuple[float, float]:
    assert estimate.low is not None and estimate.high is not None
    return estimate.low, estimate.high


def samples(events: Events, shares: dict[str, float], clusters: int, size: int, icc: float, runs: int) -> Samples:
    sizes = np.full(clusters, float(size))
    drawn = {name: events(sizes, p, icc, runs) for name, p in shares.items()}
    names = {name: [f"{name}{at}" for at in range(clusters) for _ in range(size)] for name in shares}
    values = {name: (np.arange(size) < totals[..., None]).astype(float) for name, totals in drawn.items()}
    return [{name: (list(values[name][run].ravel()), names[name]) for name in shares} for run in range(runs)]


@pytest.mark.parametrize(("clusters", "size", "p", "icc"), CELLS)
def test_worst_of_groups(clusters: int, size: int, p: float, icc: float, events: Events, check: Check) -> None:
    # Three groups share the worst rate, the hardest case for the lower limit.
    drawn = samples(events, {"a": p, "b": p, "c": p, "d": p / 2}, clusters, size, icc, 500)
    check([bounds(worst_of_groups(METRIC, one, 0.95)) for one in drawn], p)


@pytest.mark.parametrize(("clusters", "size", "p", "icc"), CELLS)
@pytest.mark.parametrize("gap", [0.0, 0.05])
def test_range_of_groups(
    clusters: int, size: int, p: float, icc: float, gap: float, events: Events, check: Check
) -> None:
    drawn = samples(events, {"a": p, "b": p, "c": p + gap}, clusters, size, icc, 400)
    check([bounds(range_of_groups(METRIC, one, 0.95)) for one in drawn], gap)


@pytest.mark.parametrize(("clusters", "p", "gap"), [(60, 0.3, 0.2), (300, 0.3, 0.1), (100, 0.1, 0.3)])
def test_range_of_groups_of_single_items(clusters: int, p: float, gap: float, events: Events, check: Check) -> None:
    drawn = samples(events, {"a": p, "b": p + gap}, clusters, 1, 0.0, 2000)
    check([bounds(range_of_groups(METRIC, one, 0.95)) for one in drawn], gap)


@pytest.mark.parametrize("gaps", [(0.0, 0.0, 0.0), (0.0, 0.05, 0.2), (0.0, 0.0, 0.02)])
@pytest.mark.parametrize("base", [0.02, 0.3])
def test_paired_range(gaps: tuple[float, ...], base: float, check: Check, rng: np.random.Generator) -> None:
    found = []
    for merit in rng.random((500, 120)):
        drawn = rng.random((120, len(gaps))) < base + base * merit[:, None] + np.array(gaps)
        table = {str(at): dict(zip("abc", map(float, row), strict=True)) for at, row in enumerate(drawn)}
        found.append(bounds(paired_range(METRIC, table, 0.95)))
    check(found, max(gaps))
