"""Means: which interval is used when, closed forms, and edges."""

import math

import numpy as np
import pytest
from scipy.stats import t
from slm_audit.probes.contract import Metric
from slm_audit.probes.estimates import mean
from slm_audit.probes.estimates.betting import STAKES, betting_limits

SCORE = Metric(name="score", meaning="a score")
FREE = Metric(name="free", meaning="a figure without ends", range=(-math.inf, math.inf), unit="nats")


def singles(n: int) -> list[str]:
    return [str(at) for at in range(n)]


def test_many_clusters_with_even_tails_get_students_interval() -> None:
    values = [(at % 50) / 49 for at in range(100)]
    found = mean(SCORE, values, singles(100), 0.95)
    reach = t.ppf(0.975, 99) * np.std(values, ddof=1) / 10
    assert (found.low, found.high) == (pytest.approx(0.5 - reach), pytest.approx(0.5 + reach))
    assert "CR2 with 99.0 df" in found.method


def test_a_long_tail_moves_its_own_limit_only() -> None:
    values = list(np.random.default_rng(2).beta(1, 9, 200))
    found = mean(SCORE, values, singles(200), 0.95)
    assert found.value is not None and found.low is not None and found.high is not None
    assert found.high - found.value > 1.02 * (found.value - found.low)


@pytest.mark.parametrize("n", [1, 2, 39])
def test_few_clusters_are_bet_on(n: int) -> None:
    found = mean(SCORE, [0.2 + 0.6 * (at % 2) for at in range(n)], singles(n), 0.95)
    assert "betting" in found.method
    assert found.low is not None and found.high is not None and found.high - found.low > 0.25


def test_a_few_clusters_on_one_side_are_bet_on_however_many_there_are() -> None:
    found = mean(SCORE, [1.0] * 3 + [0.1] * 97, singles(100), 0.95)
    assert "betting" in found.method


def test_equal_values_still_have_an_interval() -> None:
    found = mean(SCORE, [0.3] * 200, singles(200), 0.95)
    assert found.value == pytest.approx(0.3)
    assert found.low is not None and found.high is not None
    assert 0.2 < found.low < 0.3 < found.high < 0.4


def test_betting_on_zeros_has_a_closed_form() -> None:
    # Against a mean m of all-zero clusters, stake c wins (1 + c m/(1 - m)) on each of G clusters.
    sizes, nothing = np.full(25, 4.0), np.zeros(25)
    low, high = betting_limits(sizes, nothing, nothing, 0.95)
    assert low == 0
    wealth = np.mean((1 + STAKES * high / (1 - high)) ** 25)
    assert wealth == pytest.approx(1 / 0.025, rel=1e-6)


def test_betting_mirrors() -> None:
    sizes, totals = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.5, 0.2, 2.5, 1.0])
    low, high = betting_limits(sizes, totals, totals, 0.9)
    mirrored = betting_limits(sizes, sizes - totals, sizes - totals, 0.9)
    assert mirrored == (pytest.approx(1 - high), pytest.approx(1 - low))


def test_betting_takes_small_clusters_for_less() -> None:
    rng = np.random.default_rng(3)
    shares = rng.random(60)
    equal, uneven = np.full(60, 5.0), np.array([5.0] * 6 + [0.5] * 54)
    narrow = betting_limits(equal, shares * equal, shares * equal, 0.95)
    wide = betting_limits(uneven, shares * uneven, shares * uneven, 0.95)
    assert wide[1] - wide[0] > 1.5 * (narrow[1] - narrow[0])


def test_another_range_is_a_change_of_units() -> None:
    rng = np.random.default_rng(4)
    for n in (12, 80):
        values, clusters = list(rng.random(n)), singles(n)
        plain = mean(SCORE, values, clusters, 0.95)
        bits = Metric(name="bits", meaning="", range=(-2.0, 6.0), unit="bits")
        scaled = mean(bits, [8 * value - 2 for value in values], clusters, 0.95)
        for name in ("value", "low", "high"):
            assert getattr(scaled, name) == pytest.approx(8 * getattr(plain, name) - 2, abs=1e-9)


def test_no_ends_and_few_clusters_is_students_interval_and_says_so() -> None:
    found = mean(FREE, [1.0, 2.0, 3.0, 4.0], singles(4), 0.95)
    reach = t.ppf(0.975, 3) * np.std([1, 2, 3, 4], ddof=1) / 2
    assert (found.low, found.high) == (pytest.approx(2.5 - reach), pytest.approx(2.5 + reach))
    assert "range has no ends" in found.method


def test_one_end_cuts() -> None:
    half = Metric(name="seconds", meaning="", range=(0.0, math.inf))
    found = mean(half, [0.0, 0.0, 9.0], singles(3), 0.95)
    assert found.low == 0.0 and found.high is not None and found.high > 9


@pytest.mark.parametrize(("values", "clusters"), [([1.0, 2.0], ["a", "a"]), ([5.0, 5.0], ["a", "b"])])
def test_no_ends_and_no_spread_withholds_the_limits(values: list[float], clusters: list[str]) -> None:
    found = mean(FREE, values, clusters, 0.95)
    assert found.value == np.mean(values)
    assert found.low is None and found.high is None and found.reason


def test_no_ends_and_missing_values_withholds_the_limits() -> None:
    found = mean(FREE, [1.0, 3.0, None], singles(3), 0.95)
    assert (found.value, found.low, found.high, found.missing, found.n) == (2.0, None, None, 1, 3)
    assert "1 of 3 could not be judged" in found.reason


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1.5, -0.01])
def test_values_outside_the_range_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="score"):
        mean(SCORE, [0.5, bad], ["a", "b"], 0.95)


def test_empty_is_unmeasured_and_a_bad_level_or_length_is_refused() -> None:
    assert mean(SCORE, [], [], 0.95).reason == "nothing was observed"
    with pytest.raises(ValueError, match="level"):
        mean(SCORE, [0.5], ["a"], 1.0)
    with pytest.raises(ValueError, match="1 values"):
        mean(SCORE, [0.5], ["a", "b"], 0.95)
