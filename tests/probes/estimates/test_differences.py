"""Differences between two models, term by term: against the paired mean, Welch's interval, and by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import beta, t
from slm_audit.probes.contract import Metric, Term
from slm_audit.probes.estimates import mean, paired_difference, paired_mean

DELTA = Metric(name="delta", meaning="", range=(-1.0, 1.0))
SHARE = Metric(name="share", meaning="")
FREE = Metric(name="nats", meaning="", range=(-math.inf, math.inf))


def terms(values: list[float | None], size: int = 1, prefix: str = "i") -> list[Term]:
    return [Term(item=f"{prefix}{at}", cluster=f"{prefix}{at // size}", value=value) for at, value in enumerate(values)]


def test_the_same_terms_are_pairs_in_whatever_order() -> None:
    rng = np.random.default_rng(1)
    before, after = (list(map(float, rng.random(200) < p)) for p in (0.5, 0.6))
    base, variant = terms(before, 4), terms(after, 4)
    found = paired_difference(DELTA, base, variant[::-1], 0.95)
    pairs = list(zip(after, before, strict=True))
    assert found == paired_mean(DELTA, pairs, [one.cluster for one in base], 0.95)
    assert found.value == pytest.approx(np.mean(after) - np.mean(before))


def test_an_item_asked_in_two_arms_is_two_terms() -> None:
    clean = [replace(one, arm="clean") for one in terms([1.0] * 50)]
    typed = [replace(one, arm="typed") for one in terms([0.0] * 50)]
    found = paired_difference(DELTA, clean + typed, typed + [replace(one, value=0.0) for one in clean], 0.95)
    assert (found.value, found.n, found.clusters) == (-0.5, 100, 50)


def test_none_that_differ_is_bounded_like_none_of_a_binomial() -> None:
    same = terms([float(at % 3 == 0) for at in range(200)])
    found = paired_difference(DELTA, same, same, 0.95)
    assert (found.value, found.high) == (0.0, pytest.approx(1 - 0.025 ** (1 / 200)))
    assert found.low == pytest.approx(-found.high)


def test_few_that_all_rise_are_bounded_above_by_the_exact_binomial() -> None:
    base, variant = terms([0.0] * 300), terms([float(at < 6) for at in range(300)])
    found = paired_difference(DELTA, base, variant, 0.95)
    assert found.high == pytest.approx(beta.ppf(0.975, 7, 294))
    # Below: 6 of 300 to its limit and 0 of 300 to its own, added as squares but for a correlation of a few percent.
    least, none = 0.02 - beta.ppf(0.025, 6, 295), 1 - 0.025 ** (1 / 300)
    assert found.low == pytest.approx(0.02 - math.hypot(least, none), abs=5e-4)
    turned = paired_difference(DELTA, variant, base, 0.95)
    assert (turned.low, turned.high) == (pytest.approx(-found.high), pytest.approx(-found.low))


def test_one_unjudged_side_leaves_the_difference_half_known() -> None:
    before: list[float | None] = [float(at % 2) for at in range(120)]
    base = terms([None, *before[1:]])
    found = paired_difference(DELTA, base, terms(before), 0.95)
    # The variant's first value is 0: the difference is 0 or -1, never 1.
    assert (found.n, found.missing, found.value) == (120, 1, 0.0)
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 120))
    assert found.low == pytest.approx(paired_difference(DELTA, terms([1.0, *before[1:]]), terms(before), 0.95).low, 0.1)


def test_different_terms_without_common_clusters_are_welchs_two_samples() -> None:
    one, other = np.linspace(0.1, 0.9, 60), np.linspace(0.2, 0.6, 80)
    found = paired_difference(DELTA, terms(list(one), prefix="b"), terms(list(other), prefix="v"), 0.95)
    error = math.sqrt(one.var(ddof=1) / 60 + other.var(ddof=1) / 80)
    # Welch's degrees of freedom lie between those of the smaller sample and the sum of both.
    assert found.value == pytest.approx(-0.1)
    assert error * t.ppf(0.975, 138) < found.high - found.value <= error * t.ppf(0.975, 59) * (1 + 1e-9)
    assert "different terms" in found.method and found.n == 140


def test_what_both_sides_share_by_cluster_drops_out() -> None:
    # Clusters are hard or easy for both, items differ by little; the variant lacks one item of each cluster.
    rng = np.random.default_rng(2)
    base = terms(list(np.repeat(0.1 + 0.8 * rng.random(100), 10) + 0.1 * rng.random(1000)), 10)
    variant = [one for at, one in enumerate(base) if at % 10]
    strangers = [replace(one, item=f"{one.item}'", cluster=f"{one.cluster}'") for one in variant]
    found, apart = (paired_difference(DELTA, base, side, 0.95) for side in (variant, strangers))
    assert found.high - found.low < (apart.high - apart.low) / 20


def test_few_that_differ_over_nearly_the_same_terms_are_bet_on() -> None:
    # An identical model that lost one term of 400: little more than for the same 400 terms.
    base = terms([float(at % 2) for at in range(400)])
    found = paired_difference(DELTA, base, base[1:], 0.95)
    assert "linearised, betting" in found.method
    assert found.low < 0.0 < found.high < 0.03 and found.low > -0.03


def test_almost_the_same_terms_give_almost_the_paired_interval() -> None:
    rng = np.random.default_rng(3)
    before, after = (list(map(float, rng.random(900) < p)) for p in (0.4, 0.5))
    base, variant = terms(before, 3), terms(after, 3)
    paired, other = (paired_difference(DELTA, base, side, 0.95) for side in (variant, variant[1:]))
    assert "paired" in paired.method and "different terms" in other.method
    for name in ("value", "low", "high"):
        assert getattr(other, name) == pytest.approx(getattr(paired, name), abs=2e-3)


def test_few_clusters_over_different_terms_are_each_sides_own_limits_at_half_the_miss_rate() -> None:
    base, variant = terms([0.0] * 30), terms([0.0] * 20, prefix="v")
    found = paired_difference(DELTA, base, variant, 0.95)
    assert (found.low, found.high) == (
        pytest.approx(-(1 - 0.0125 ** (1 / 30))),
        pytest.approx(1 - 0.0125 ** (1 / 20)),
    )


def test_unjudged_terms_over_different_terms_are_held_at_both_ends() -> None:
    values: list[float | None] = [float(at % 3 == 0) for at in range(300)]
    base, other = terms(values), terms(values[10:], prefix="v")
    whole = paired_difference(DELTA, base, other, 0.95)
    hidden = [replace(one, value=None) for one in other[:6]]
    part = paired_difference(DELTA, base, hidden + other[6:], 0.95)
    assert (part.missing, part.n) == (6, 590)
    for end in (0.0, 1.0):
        filled = paired_difference(DELTA, base, [replace(one, value=end) for one in hidden] + other[6:], 0.95)
        assert part.low <= filled.low and filled.high <= part.high
    assert part.low < whole.low < whole.high < part.high


def test_ends_other_than_0_and_1() -> None:
    wide = Metric(name="drop", meaning="", range=(-2.0, 2.0))
    before, after = [-1.0, 0.5] * 40, [0.0, 1.0] * 40
    found = paired_difference(wide, terms(before), terms(after), 0.95, ends=(-1.0, 1.0))
    assert found.value == pytest.approx(0.75)
    with pytest.raises(ValueError, match="outside its range 0 to 2"):
        paired_difference(wide, terms(before), terms(after), 0.95)
    with pytest.raises(ValueError, match="do not differ over"):
        paired_difference(wide, terms(before), terms(after), 0.95, ends=(0.0, 1.0))
    with pytest.raises(ValueError, match="from -w to w"):
        paired_difference(SHARE, terms([0.0]), terms([0.0]), 0.95)


def test_no_ends_and_unjudged_terms_withhold_the_limits() -> None:
    base = terms([float(at) for at in range(50)])
    for variant in (base, base[1:]):
        found = paired_difference(FREE, [replace(base[0], value=None), *base[1:]], variant, 0.95)
        assert found.low is None and "nothing bounds the unjudged" in found.reason
    shifted = [replace(one, value=(one.value or 0.0) + at % 2) for at, one in enumerate(base)]
    found = paired_difference(FREE, base, shifted, 0.95)
    assert found.value == pytest.approx(0.5)
    assert found.high == pytest.approx(mean(FREE, [0.0, 1.0] * 25, [str(at) for at in range(50)], 0.95).high)


def test_one_cluster_says_little() -> None:
    found = paired_difference(DELTA, terms([0.0] * 40, 40), terms([1.0] * 40, 40), 0.95)
    assert found.value == 1.0 and found.low < 0.05


def test_edges() -> None:
    some = terms([0.0, 1.0])
    assert paired_difference(DELTA, [], [], 0.95).reason == "nothing was observed"
    assert paired_difference(DELTA, some, [], 0.95).reason == "one side holds no term"
    blank = [replace(one, value=None) for one in some]
    for variant in (blank, blank[:1]):
        found = paired_difference(DELTA, blank, variant, 0.95)
        assert (found.value, found.low, found.high, found.missing) == (None, -1.0, 1.0, 2)
    with pytest.raises(ValueError, match="'i0' stands twice"):
        paired_difference(DELTA, some, [*some, some[0]], 0.95)
    with pytest.raises(ValueError, match="'i0' is in 'i0' and in 'x'"):
        paired_difference(DELTA, some, [replace(some[0], cluster="x"), some[1]], 0.95)
    with pytest.raises(ValueError, match="not a finite number"):
        paired_difference(DELTA, some, [replace(some[0], value=math.nan), some[1]], 0.95)
    with pytest.raises(ValueError, match="level"):
        paired_difference(DELTA, some, some, 95.0)
