"""Tests of no difference and of equivalence against closed forms and scipy."""

import math

import numpy as np
import pytest
from scipy.stats import binom, binomtest, norm, ttest_1samp
from slm_audit.probes.estimates import equivalent, mcnemar, p_value
from slm_audit.probes.estimates.rates import clopper_pearson


@pytest.mark.parametrize(("rises", "falls"), [(6, 0), (10, 2), (2, 10), (5, 5), (1, 0), (40, 61)])
def test_mcnemar_is_a_binomial_test_on_those_that_differ(rises: int, falls: int) -> None:
    pairs = [(0.0, 1.0)] * rises + [(1.0, 0.0)] * falls + [(1.0, 1.0)] * 30 + [(0.0, 0.0)] * 7
    assert mcnemar(pairs) == pytest.approx(binomtest(rises, rises + falls).pvalue)


def test_mcnemar_by_hand_and_at_the_edges() -> None:
    assert mcnemar([(0, 1)] * 6) == pytest.approx(2 / 2**6)
    assert mcnemar([]) == mcnemar([(1, 1)] * 9) == 1.0
    for bad in (math.nan, 0.5, 2.0):
        with pytest.raises(ValueError, match="0 and 1"):
            mcnemar([(0.0, bad)])


@pytest.mark.parametrize("z", [0.0, 0.3, -1.96, 3.5])
def test_the_p_value_of_normal_intervals_is_that_of_the_z_test(z: float) -> None:
    def interval(level: float) -> tuple[float, float]:
        reach = norm.ppf((1 + level) / 2)
        return z - reach, z + reach

    assert p_value(interval) == pytest.approx(2 * norm.sf(abs(z)), rel=1e-5)
    assert p_value(interval, null=z) == pytest.approx(1.0, rel=1e-5)


def test_the_p_value_of_exact_limits_is_twice_the_binomial_tail() -> None:
    found = p_value(lambda level: clopper_pearson(3 / 40, 40.0, level), null=0.2)
    assert found == pytest.approx(2 * binom.cdf(3, 40, 0.2), rel=1e-5)


def test_p_values_fall_with_the_distance_and_end_at_a_floor() -> None:
    nulls = [0.1, 0.15, 0.2, 0.3, 0.5, 0.9]
    found = [p_value(lambda level: clopper_pearson(0.1, 100.0, level), null) for null in nulls]
    assert found == sorted(found, reverse=True)
    assert found[-1] == 1e-6
    with pytest.raises(ValueError, match="nan"):
        p_value(lambda level: (0.0, 1.0), math.nan)


def test_equivalence_is_what_two_one_sided_t_tests_say() -> None:
    # Schuirmann (1987): equivalent at alpha where both one-sided tests at the margins refute at alpha.
    values = np.linspace(-1.0, 1.4, 25)
    low, high = ttest_1samp(values, 0.0).confidence_interval(0.95)
    for margin in np.linspace(0.05, 1.0, 96):
        not_below = ttest_1samp(values, -margin, alternative="greater").pvalue
        not_above = ttest_1samp(values, margin, alternative="less").pvalue
        assert equivalent(low, high, margin) == (max(not_below, not_above) <= 0.025)


def test_equivalence_at_the_edges() -> None:
    assert equivalent(-0.02, 0.02, 0.02) and equivalent(0.0, 0.0, 0.01)
    assert not equivalent(-0.0201, 0.0, 0.02) and not equivalent(0.0, 0.0201, 0.02)
    for bad in (0.0, -0.1, math.nan, math.inf):
        with pytest.raises(ValueError, match="margin"):
            equivalent(0.0, 0.0, bad)
    for low, high in ((0.1, 0.0), (math.nan, 0.0), (0.0, math.nan)):
        with pytest.raises(ValueError, match="no interval"):
            equivalent(low, high, 0.1)
