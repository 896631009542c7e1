"""The interval of a quantile covers it whatever the distribution, and missing times never help."""

from __future__ import annotations

import numpy
import pytest
from slm_audit.probes.contract import Metric
from slm_audit.probes.fitness.quantiles import once, quantile

TIME = Metric(name="time", meaning="a time", unit="ms", range=(0.0, 1e6))


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_it_covers_the_true_quantile_at_its_level_on_both_sides(share: float) -> None:
    stream = numpy.random.default_rng(5)
    truth = -numpy.log(1 - share)  # of the exponential distribution
    below = above = 0
    for _ in range(2000):
        found = quantile(TIME, stream.exponential(size=80).tolist(), share, 0.95)
        below += found.high < truth
        above += found.low > truth
    # Each side misses with 2.5 % at most; four standard deviations of 2000 draws are 1.4 %.
    assert below / 2000 <= 0.039
    assert above / 2000 <= 0.039
    assert (below + above) / 2000 > 0.005  # an interval that always covers would tell nothing


def test_the_largest_of_few_bounds_no_high_quantile() -> None:
    # All n lie below the 95 % quantile with probability 0.95 ** n, which is over 2.5 % up to n = 71.
    few, enough = (quantile(TIME, [1.0] * n, 0.95, 0.95) for n in (71, 73))
    assert few.high == 1e6
    assert enough.high == 1.0


def test_missing_times_are_put_at_the_ends() -> None:
    whole = quantile(TIME, [float(at) for at in range(1, 101)], 0.5, 0.95)
    some = quantile(TIME, [float(at) for at in range(1, 91)] + [None] * 10, 0.5, 0.95)
    assert some.missing == 10
    assert some.low < whole.low
    assert some.high >= whole.high
    assert quantile(TIME, [1.0] * 50 + [None] * 50, 0.95, 0.95).high == 1e6


def test_nothing_timed_is_unmeasured_and_one_reading_has_no_spread() -> None:
    assert quantile(TIME, [None, None], 0.5, 0.95).value is None
    assert quantile(TIME, [], 0.5, 0.95).value is None
    read = once(TIME, 3.0, 0.95, "")
    assert (read.low, read.value, read.high) == (3.0, 3.0, 3.0)
    assert once(TIME, None, 0.95, "not told").reason == "not told"
