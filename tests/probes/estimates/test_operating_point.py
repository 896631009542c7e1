"""The share found at a low false positive rate: thresholds by binomial tails, and at the edges."""

import math

import pytest
from scipy.stats import beta, binom
from slm_audit.probes.contract import Estimate, Metric
from slm_audit.probes.estimates import tpr_at_fpr

FOUND = Metric(name="tpr", meaning="")


def found_at(fpr: float, members: list[float | None], others: list[float | None], level: float = 0.95) -> Estimate:
    inside, outside = [f"m{at}" for at in range(len(members))], [f"o{at}" for at in range(len(others))]
    return tpr_at_fpr(FOUND, (members, inside), (others, outside), fpr, level)


def test_by_hand() -> None:
    # Others 0 to 999, members every half between: the number of members above the k-th largest other is k.
    others, members = [float(at) for at in range(1000)], [at + 0.5 for at in range(1000)]
    found = found_at(0.01, members, others)
    # Of the others 990 to 999 are the 1 %: the threshold is 989, which 11 members exceed.
    assert found.value == pytest.approx(0.011)
    surely_above = max(k for k in range(1, 30) if binom.cdf(k - 1, 1000, 0.01) <= 0.0125)
    surely_below = min(k for k in range(1, 60) if binom.sf(k - 1, 1000, 0.01) <= 0.0125)
    assert found.low == pytest.approx(beta.ppf(0.0125, surely_above, 1000 - surely_above + 1))
    assert found.high == pytest.approx(beta.ppf(0.9875, surely_below + 1, 1000 - surely_below))
    assert found.n == 2000


def test_all_members_above_all_others_is_a_rate_at_half_the_miss_rate() -> None:
    found = found_at(0.05, [9.0] * 60, [float(at % 7) for at in range(400)])
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.0125 ** (1 / 60))


def test_who_ties_with_the_threshold_is_not_found() -> None:
    found = found_at(0.1, [1.0] * 50, [0.0] * 80 + [1.0] * 20)
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == 1.0 or found.high == pytest.approx(1 - 0.0125 ** (1 / 50))


def test_others_that_come_in_clusters_set_the_threshold_less_surely() -> None:
    members, others = [at / 10 for at in range(100)], [(at * 37 % 500) / 100 for at in range(500)]
    own = [f"m{at}" for at in range(100)]
    alone, together = (
        tpr_at_fpr(FOUND, (members, own), (others, [f"o{at // size}" for at in range(500)]), 0.1, 0.95)
        for size in (1, 50)
    )
    assert together.value == alone.value
    assert together.low < alone.low < alone.high < together.high


def test_too_few_others_are_not_asked() -> None:
    found = found_at(0.01, [1.0] * 50, [0.0] * 999)
    assert found.value is None
    assert found.reason == "a false positive rate of 0.01 needs 1000 others, and 999 were judged"
    assert found_at(0.001, [1.0], [0.0] * 9999).value is None
    assert found_at(0.1, [1.0], [0.0] * 100).value == 1.0


def test_unjudged_scores_are_held_at_both_ends() -> None:
    others, members = [float(at) for at in range(300)], [at * 2.0 for at in range(200)]
    whole = found_at(0.1, members, others)
    lost_member, lost_other = (
        found_at(0.1, [None, *members[1:]], others),
        found_at(0.1, members, [None] * 5 + others[5:]),
    )
    assert lost_member.missing == 1 and lost_other.missing == 5
    assert lost_member.low < whole.low or lost_member.high > whole.high
    assert lost_other.low <= whole.low and lost_other.high >= whole.high
    assert found_at(0.1, [None, None], others).value is None


def test_edges() -> None:
    assert found_at(0.1, [], [0.0] * 100).reason == "nothing was observed"
    for fpr in (0.0, 1.0, math.nan):
        with pytest.raises(ValueError, match="false positive rate"):
            found_at(fpr, [1.0], [0.0])
    with pytest.raises(ValueError, match="not a finite number"):
        found_at(0.1, [math.nan], [0.0] * 100)
    with pytest.raises(ValueError, match="level"):
        found_at(0.1, [1.0], [0.0], 0.0)
