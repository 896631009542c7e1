"""Ranges of groups that share nothing: closed forms and properties."""

import math
from dataclasses import replace

import pytest
from scipy.stats import binomtest
from slm_audit.probes.contract import Estimate, Metric
from slm_audit.probes.estimates import range_of_groups

GAP = Metric(name="gap", meaning="")


def sample(events: int, n: int, name: str) -> tuple[list[float | None], list[str]]:
    return [1.0] * events + [0.0] * (n - events), [f"{name}{at}" for at in range(n)]


def gap(**counts: tuple[int, int]) -> Estimate:
    return range_of_groups(GAP, {name: sample(*count, name) for name, count in counts.items()}, 0.95)


def test_two_groups_are_newcombes_difference_of_exact_intervals() -> None:
    found = gap(a=(30, 100), b=(45, 80))
    a, b = (binomtest(*count).proportion_ci(0.95, method="exact") for count in ((30, 100), (45, 80)))
    value = 45 / 80 - 0.3
    assert found.value == pytest.approx(value)
    assert found.high == pytest.approx(value + math.hypot(b.high - 45 / 80, 0.3 - a.low))
    # Two signs share the miss rate below.
    a, b = (binomtest(*count).proportion_ci(0.975, method="exact") for count in ((30, 100), (45, 80)))
    assert found.low == pytest.approx(value - math.hypot(45 / 80 - b.low, a.high - 0.3))


def test_beside_a_group_known_to_be_0_it_is_the_other_groups_limit() -> None:
    found = gap(a=(0, 10**5), b=(20, 100))
    assert found.high == pytest.approx(binomtest(20, 100).proportion_ci(0.95, method="exact").high, abs=1e-4)


def test_names_do_not_matter_and_a_group_between_adds_no_width_above() -> None:
    two, turned = gap(a=(10, 100), b=(40, 100)), gap(b=(10, 100), a=(40, 100))
    assert (two.value, two.low, two.high) == (turned.value, turned.low, turned.high)
    three = gap(a=(10, 100), b=(40, 100), c=(2500, 10000))
    assert (three.value, three.high) == (two.value, two.high)
    assert three.low < two.low
    assert "largest b, smallest a" in three.reason


def test_a_small_group_may_be_the_farthest() -> None:
    assert gap(a=(10, 100), b=(12, 100), c=(1, 8)).high > gap(a=(10, 100), b=(12, 100)).high + 0.2


def test_equal_groups_begin_at_0() -> None:
    found = gap(a=(0, 200), b=(0, 200))
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 200))
    assert gap(a=(200, 200), b=(200, 200)).high == pytest.approx(found.high)


def test_unjudged_values_are_held_at_both_ends() -> None:
    whole = gap(a=(20, 100), b=(50, 100))
    samples = {"a": sample(20, 100, "a"), "b": sample(50, 100, "b")}
    samples["b"] = ([None] * 5 + samples["b"][0][5:], samples["b"][1])
    part = range_of_groups(GAP, samples, 0.95)
    assert (part.missing, part.n) == (5, 200)
    assert part.low < whole.low and part.high == pytest.approx(whole.high)
    blank = range_of_groups(GAP, {"a": sample(5, 50, "a"), "b": ([None] * 9, ["b"] * 9)}, 0.95)
    assert (blank.value, blank.low) == (0.0, 0.0) and blank.high > 0.9


def test_edges() -> None:
    assert range_of_groups(GAP, {}, 0.95).reason == "nothing was observed"
    assert gap(a=(2, 5)).reason == "there is one group only"
    assert range_of_groups(GAP, {"a": sample(2, 5, "a"), "b": ([], [])}, 0.95).value is None
    with pytest.raises(ValueError, match="paired_range"):
        range_of_groups(GAP, {"a": sample(2, 5, "x"), "b": sample(1, 5, "x")}, 0.95)
    with pytest.raises(ValueError, match="not a finite number"):
        range_of_groups(GAP, {"a": sample(2, 5, "a"), "b": ([math.nan], ["b"])}, 0.95)
    with pytest.raises(ValueError, match="not in"):
        range_of_groups(replace(GAP, range=(-1.0, 1.0)), {}, 0.95)
    with pytest.raises(ValueError, match="level"):
        range_of_groups(GAP, {}, 2.0)
