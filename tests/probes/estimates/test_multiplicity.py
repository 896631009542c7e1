"""Adjusted p-values against published figures, scipy, and by hand."""

import math
from collections.abc import Callable

import pytest
from scipy.stats import false_discovery_control
from slm_audit.probes.estimates import benjamini_hochberg, holm

# Benjamini and Hochberg (1995), section 4.1: of these at 5 % Bonferroni finds three and their procedure four.
PUBLISHED = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0,
]  # fmt: skip


def test_the_published_example() -> None:
    assert sum(p <= 0.05 for p in holm(PUBLISHED)) == 3
    assert sum(p <= 0.05 for p in benjamini_hochberg(PUBLISHED)) == 4


def test_false_discoveries_as_scipy_counts_them_in_any_order() -> None:
    shuffled = PUBLISHED[::2] + PUBLISHED[1::2][::-1]
    assert benjamini_hochberg(shuffled) == pytest.approx(list(false_discovery_control(shuffled)))


def test_holm_by_hand_in_the_order_given() -> None:
    # Sorted: .005 x 4, .01 x 3, .03 x 2, and .04 x 1, which may not fall below the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_one_is_itself_none_is_none_and_nothing_exceeds_1(adjust: Callable[[list[float]], list[float]]) -> None:
    assert adjust([]) == []
    assert adjust([0.2]) == [0.2]
    assert max(adjust([0.9, 0.8, 1.0, 0.0])) == 1.0


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
@pytest.mark.parametrize("bad", [math.nan, -0.1, 1.1, math.inf])
def test_what_is_no_p_value_is_refused(adjust: Callable[[list[float]], list[float]], bad: float) -> None:
    with pytest.raises(ValueError, match="p-value"):
        adjust([0.5, bad])
