"""Areas under the curve: against Mann and Whitney, closed forms of their error, and at the edges."""

import math

import numpy as np
import pytest
from scipy.stats import mannwhitneyu
from slm_audit.probes.contract import Estimate, Metric
from slm_audit.probes.estimates import auc

AREA = Metric(name="auc", meaning="", chance=0.5)


def area(members: list[float | None], others: list[float | None], level: float = 0.95) -> Estimate:
    inside, outside = [f"m{at}" for at in range(len(members))], [f"o{at}" for at in range(len(others))]
    return auc(AREA, (members, inside), (others, outside), level)


def drawn(n: int, m: int, ahead: float) -> tuple[list[float | None], list[float | None]]:
    rng = np.random.default_rng(1)
    return list(rng.normal(ahead, 1, n)), list(rng.normal(0, 1, m))


def test_the_value_is_mann_and_whitneys_with_ties_as_halves() -> None:
    members, others = [3.0, 1.0, 2.0, 2.0], [2.0, 0.0, 2.0]
    # Of 12 pairs: 3 beats all three; 1 beats one; each 2 beats one and ties with two.
    assert area(members, others).value == pytest.approx((3 + 1 + 2 * (1 + 2 / 2)) / 12)
    members, others = drawn(40, 70, 0.7)
    assert area(members, others).value == pytest.approx(mannwhitneyu(members, others).statistic / (40 * 70))


@pytest.mark.parametrize(("n", "m"), [(100, 100), (500, 500), (1000, 1000), (100, 400)])
def test_without_a_difference_the_error_is_the_rank_sums(n: int, m: int) -> None:
    # Under the null SE = sqrt((n + m + 1) / (12 n m)): .041, .018 and .013 for 100, 500 and 1000 on each side.
    found = area(list((np.arange(n) + 0.5) / n), list((np.arange(m) + 0.5) / m))
    assert found.value == pytest.approx(0.5, abs=1e-3)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * math.sqrt((n + m + 1) / (12 * n * m)), rel=0.05)


def test_the_error_is_delongs() -> None:
    members, others = drawn(120, 150, 0.4)
    wins = np.array([[1.0 if m > o else 0.0 for o in others] for m in members], dtype=float)
    error = math.sqrt(wins.mean(1).var(ddof=1) / 120 + wins.mean(0).var(ddof=1) / 150)
    found = area(members, others)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * error, rel=0.06)


def test_it_is_the_same_on_any_scale_and_mirrors() -> None:
    members, others = drawn(60, 80, 0.8)
    found = area(members, others)
    assert area([math.exp(one or 0.0) for one in members], [math.exp(one or 0.0) for one in others]) == found
    turned = area(others, members)
    for name, mirrored in (("value", "value"), ("low", "high"), ("high", "low")):
        assert getattr(turned, name) == pytest.approx(1 - getattr(found, mirrored))


def test_copies_of_a_score_in_its_cluster_add_nothing() -> None:
    members, others = drawn(60, 80, 0.8)
    inside, outside = [f"m{at}" for at in range(60)], [f"o{at}" for at in range(80)]
    once, tenfold = (auc(AREA, (members * k, inside * k), (others * k, outside * k), 0.95) for k in (1, 10))
    for name in ("value", "low", "high", "clusters"):
        assert getattr(tenfold, name) == pytest.approx(getattr(once, name))


def test_all_above_all_is_bounded_by_pairs_that_share_nothing() -> None:
    found = area([2.0 + at for at in range(50)], [-at * 1.0 for at in range(80)])
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.025 ** (1 / 50))
    # Where 50 clusters hold both sides, 25 pairs can be formed that share no cluster.
    names = [str(at) for at in range(50)]
    both = auc(AREA, ([1.0] * 50, names), ([0.0] * 50, names), 0.95)
    assert (both.low, both.clusters) == (pytest.approx(0.025 ** (1 / 25)), 50)
    assert area([1.0] * 40, [1.0] * 40).value == 0.5


def test_unjudged_scores_lie_below_and_above_everything() -> None:
    members, others = drawn(60, 60, 0.8)
    part = area([None, *members[1:]], [*others[1:], None])
    low, high = area([-99.0, *members[1:]], [*others[1:], 99.0]), area([99.0, *members[1:]], [*others[1:], -99.0])
    assert (part.missing, part.n) == (2, 120)
    assert part.value == area(members[1:], others[1:]).value
    assert part.low == pytest.approx(low.low, abs=0.01) and part.low <= low.low
    assert part.high == pytest.approx(high.high, abs=0.01) and part.high >= high.high
    nothing = area([None] * 5, [0.0] * 5)
    assert (nothing.value, nothing.low, nothing.high) == (None, 0.0, 1.0)


def test_edges() -> None:
    assert area([], [1.0]).reason == area([1.0], []).reason == "nothing was observed"
    one = auc(AREA, ([1.0] * 30, ["a"] * 30), ([0.0] * 30, ["b"] * 30), 0.95)
    assert one.value == 1.0 and one.low == pytest.approx(0.025)
    for bad in (math.nan, math.inf):
        with pytest.raises(ValueError, match="not a finite number"):
            area([bad], [1.0])
    with pytest.raises(ValueError, match="1 scores do not go with 2 clusters"):
        auc(AREA, ([1.0], ["a", "b"]), ([1.0], ["c"]), 0.95)
    with pytest.raises(ValueError, match="range"):
        auc(Metric(name="auc", meaning="", range=(-1.0, 1.0)), ([1.0], ["a"]), ([0.0], ["b"]), 0.95)
    with pytest.raises(ValueError, match="level"):
        area([1.0], [0.0], 1.0)
