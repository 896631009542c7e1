"""The correction for a detector's errors, and the cards that it reads."""

import math
from dataclasses import replace

import pytest
from scipy.stats import binomtest
from slm_audit.probes.contract import Metric
from slm_audit.probes.estimates import Card, Share, rate, rogan_gladen

TOXIC = Metric(name="rate", meaning="how often it is toxic")
LARGE = 10**9


def card(q1: float, q0: float, n1: int = LARGE, n0: int = LARGE, level: float = 0.95) -> Card:
    return Card(
        detector="linear",
        version="1",
        threshold=0.5,
        sensitivity=Share.counted(round(q1 * n1), n1, level),
        specificity=Share.counted(round(q0 * n0), n0, level),
        level=level,
        source="made for the test",
    )


def sample(flagged: int, n: int) -> tuple[list[float | None], list[str]]:
    return [1.0] * flagged + [0.0] * (n - flagged), [str(at) for at in range(n)]


def test_a_perfect_detector_changes_nothing() -> None:
    found, plain = rogan_gladen(TOXIC, *sample(30, 200), 0.95, card(1, 1)), rate(TOXIC, *sample(30, 200), 0.95)
    assert found.correction == "rogan-gladen" and plain.correction == "none needed"
    for name in ("value", "low", "high"):
        assert getattr(found, name) == pytest.approx(getattr(plain, name), abs=1e-6)


def test_a_detector_known_without_error_moves_the_exact_limits() -> None:
    found = rogan_gladen(TOXIC, *sample(50, 200), 0.95, card(0.8, 0.9))
    exact = binomtest(50, 200).proportion_ci(0.95, method="exact")
    for name, flagged in (("value", 0.25), ("low", exact.low), ("high", exact.high)):
        assert getattr(found, name) == pytest.approx((flagged + 0.9 - 1) / (0.9 + 0.8 - 1), abs=1e-4)


def test_an_uncertain_sensitivity_alone_by_hand() -> None:
    # With all items flagged by neither chance nor doubt (p = 0.4 of 10^6, q0 = 1), theta = p/q1: its limits are
    # p over the limits of q1.
    short = replace(card(0.8, 1.0), sensitivity=Share(value=0.8, low=0.7, high=0.85, n=100))
    found = rogan_gladen(TOXIC, [1.0, 1.0, 0.0, 0.0, 0.0] * 40000, [str(at) for at in range(200000)], 0.95, short)
    assert found.value == pytest.approx(0.5)
    assert found.low == pytest.approx(0.4 / 0.85, abs=1e-3)
    assert found.high == pytest.approx(0.4 / 0.7, abs=1e-3)


def test_an_uncertain_card_widens() -> None:
    widths = []
    for n in (100, 1000, LARGE):
        found = rogan_gladen(TOXIC, *sample(50, 400), 0.95, card(0.8, 0.95, n, n))
        widths.append(found.high - found.low)
    assert widths[0] > widths[1] > widths[2]


def test_a_card_of_another_level_is_brought_to_this_one() -> None:
    # The same counts stated at 80 % or at 99 % mean about the same detector.
    limits = [
        rogan_gladen(TOXIC, *sample(60, 400), 0.95, card(0.8, 0.95, 2000, 2000, level)).high for level in (0.8, 0.99)
    ]
    assert limits[0] == pytest.approx(limits[1], rel=0.01)


def test_fewer_flags_than_false_alarms_is_none_with_an_upper_limit_that_is_not() -> None:
    found = rogan_gladen(TOXIC, *sample(0, 300), 0.95, card(0.8, 0.9))
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx((1 - 0.025 ** (1 / 300)) / 0.7, rel=1e-3)


def test_more_flags_than_the_sensitivity_allows_is_all_with_a_lower_limit_that_is_not() -> None:
    found = rogan_gladen(TOXIC, *sample(300, 300), 0.95, card(0.8, 0.9))
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(1 - (1 - 0.025 ** (1 / 300)) / 0.7, rel=1e-3)


@pytest.mark.parametrize(("q1", "q0"), [(0.5, 0.5), (0.3, 0.8), (0.1, 0.2)])
def test_a_detector_near_chance_corrects_nothing_and_says_so(q1: float, q0: float) -> None:
    found, plain = rogan_gladen(TOXIC, *sample(30, 200), 0.95, card(q1, q0)), rate(TOXIC, *sample(30, 200), 0.95)
    assert (found.value, found.low, found.high) == (plain.value, plain.low, plain.high)
    assert found.correction == "uncorrected" and "near chance" in found.reason


def test_a_detector_that_may_be_chance_bounds_nothing_above() -> None:
    # Sensitivity 3 of 12 with limits from 0.05: at theta = 1 the flagged share 0.2 is not refuted.
    found = rogan_gladen(TOXIC, *sample(40, 200), 0.95, card(0.25, 1.0, 12, 1000))
    assert found.high == 1.0


def test_missing_verdicts_widen() -> None:
    values, clusters = sample(30, 200)
    whole = rogan_gladen(TOXIC, values, clusters, 0.95, card(0.8, 0.95, 300, 300))
    part = rogan_gladen(TOXIC, [None, *values[1:199], None], clusters, 0.95, card(0.8, 0.95, 300, 300))
    assert part.missing == 2 and part.low < whole.low and part.high > whole.high
    none = rogan_gladen(TOXIC, [None, None], ["a", "b"], 0.95, card(0.8, 0.95))
    assert (none.value, none.low, none.high, none.missing) == (None, 0.0, 1.0, 2)


def test_edges() -> None:
    assert rogan_gladen(TOXIC, [], [], 0.95, card(0.8, 0.9)).reason == "nothing was observed"
    with pytest.raises(ValueError, match="0 and 1"):
        rogan_gladen(TOXIC, [0.5], ["a"], 0.95, card(0.8, 0.9))
    found = rogan_gladen(TOXIC, [0.0], ["a"], 0.95, card(0.8, 0.9), groups=(("kind", "x"),))
    assert found.groups == (("kind", "x"),)


def test_a_share_is_counted_exactly() -> None:
    exact = binomtest(45, 50).proportion_ci(0.95, method="exact")
    found = Share.counted(45, 50, 0.95)
    assert (found.value, found.n) == (0.9, 50)
    assert (found.low, found.high) == (pytest.approx(exact.low), pytest.approx(exact.high))


@pytest.mark.parametrize(
    ("value", "low", "high", "n"),
    [(0.5, 0.6, 0.7, 9), (0.5, 0.1, 0.4, 9), (0.5, -0.1, 1, 9), (math.nan, 0, 1, 9), (0.5, 0, 1, 0)],
)
def test_a_share_outside_its_limits_is_refused(value: float, low: float, high: float, n: int) -> None:
    with pytest.raises(ValueError, match="limits"):
        Share(value=value, low=low, high=high, n=n)


def test_counts_and_levels_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="5 of 4"):
        Share.counted(5, 4, 0.95)
    with pytest.raises(ValueError, match="level"):
        replace(card(0.8, 0.9), level=95.0)
