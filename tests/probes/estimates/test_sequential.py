"""Limits that hold whenever one stops: closed forms, what they share with those for a fixed number, and refusals."""

import math

import numpy as np
import pytest
from slm_audit.probes.contract import Estimate, Metric
from slm_audit.probes.estimates import confidence_sequence, mean
from slm_audit.probes.estimates.betting import STAKES

SHARE = Metric(name="share", meaning="")


def so_far(values: list[float | None], largest: int = 1) -> Estimate:
    return confidence_sequence(SHARE, values, [str(at // largest) for at in range(len(values))], 0.95, largest=largest)


@pytest.mark.parametrize("clusters", [5, 60, 400])
def test_none_so_far_has_a_closed_form(clusters: int) -> None:
    # Against a mean m each stake c wins 1 + c m/(1 - m) on each of the clusters without an event.
    found = so_far([0.0] * (3 * clusters), largest=3)
    assert (found.value, found.low) == (0.0, 0.0)
    wealth = np.mean((1 + STAKES * found.high / (1 - found.high)) ** clusters)
    assert wealth == pytest.approx(1 / 0.025, rel=1e-6)


def test_all_so_far_is_the_mirror_image() -> None:
    none, every = so_far([0.0] * 60), so_far([1.0] * 60)
    assert (every.value, every.low, every.high) == (1.0, pytest.approx(1 - none.high), 1.0)


def test_clusters_as_large_as_planned_give_the_bets_of_a_fixed_number() -> None:
    rng = np.random.default_rng(1)
    values, clusters = list(rng.random(90)), [str(at // 3) for at in range(90)]
    now = confidence_sequence(SHARE, values, clusters, 0.9, largest=3)
    fixed = mean(SHARE, values, clusters, 0.9)
    assert "betting" in fixed.method and "anytime" in now.method
    assert (now.low, now.high) == (pytest.approx(fixed.low), pytest.approx(fixed.high))


def test_a_cluster_that_may_still_come_costs_width() -> None:
    values = [float(at % 4 == 0) for at in range(80)]
    clusters = [str(at // 2) for at in range(80)]
    widths = []
    for largest in (2, 4, 20):
        found = confidence_sequence(SHARE, values, clusters, 0.95, largest=largest)
        widths.append(found.high - found.low)
    assert widths == sorted(widths) and widths[2] > 2 * widths[0]


def test_another_range_is_a_change_of_units() -> None:
    values = [float(at % 5 == 0) for at in range(70)]
    bits = Metric(name="bits", meaning="", range=(-2.0, 6.0))
    plain = so_far(values)
    scaled = confidence_sequence(bits, [8 * v - 2 for v in values], [str(at) for at in range(70)], 0.95, largest=1)
    for name in ("value", "low", "high"):
        assert getattr(scaled, name) == pytest.approx(8 * getattr(plain, name) - 2)


def test_missing_values_are_held_at_the_ends() -> None:
    values: list[float | None] = [float(at % 4 == 0) for at in range(60)]
    part = so_far([None, *values[1:59], None])
    assert part.missing == 2
    assert part.low == so_far([0.0, *values[1:59], 0.0]).low
    assert part.high == so_far([1.0, *values[1:59], 1.0]).high


def test_edges() -> None:
    assert so_far([]).reason == "nothing was observed"
    one = so_far([1.0, 0.0, 1.0], largest=3)
    assert one.clusters == 1 and one.low < 0.05 and one.high > 0.95
    with pytest.raises(ValueError, match="3 values in a cluster"):
        confidence_sequence(SHARE, [0.0] * 3, ["a"] * 3, 0.95, largest=2)
    with pytest.raises(ValueError, match="at least"):
        confidence_sequence(SHARE, [0.0], ["a"], 0.95, largest=0)
    with pytest.raises(ValueError, match="range"):
        confidence_sequence(Metric(name="free", meaning="", range=(0.0, math.inf)), [0.0], ["a"], 0.95, largest=1)
    with pytest.raises(ValueError, match="level"):
        confidence_sequence(SHARE, [0.0], ["a"], 1.0, largest=1)
    for bad in (math.nan, 1.5):
        with pytest.raises(ValueError, match="share"):
            so_far([bad])
