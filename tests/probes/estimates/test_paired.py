"""Paired differences and the range of several groups."""

from dataclasses import replace

import pytest
from slm_audit.probes.contract import Metric
from slm_audit.probes.estimates import mean, paired_mean, paired_range

DROP = Metric(name="drop", meaning="accuracy lost", range=(-1.0, 1.0))
GAP = Metric(name="gap", meaning="largest difference between groups")


def test_it_is_the_mean_of_the_differences() -> None:
    pairs = [(1.0, 0.0)] * 30 + [(1.0, 1.0)] * 50 + [(0.0, 1.0)] * 20 + [(None, 1.0), (0.0, None)]
    clusters = [str(at) for at in range(102)]
    found = paired_mean(DROP, pairs, clusters, 0.95)
    alone = mean(DROP, [1.0] * 30 + [0.0] * 50 + [-1.0] * 20 + [None, None], clusters, 0.95)
    assert (found.value, found.low, found.high, found.missing) == (0.1, alone.low, alone.high, 2)
    assert "paired" in found.method


def test_what_the_items_share_drops_out() -> None:
    # Both sides are right on even items and wrong on odd ones: the difference is known as well as any all-zero one.
    pairs = [(float(at % 2), float(at % 2)) for at in range(200)]
    clusters = [str(at) for at in range(200)]
    found = paired_mean(DROP, pairs, clusters, 0.95)
    assert found.value == 0 and found.low is not None and found.high is not None
    assert found.high == pytest.approx(-found.low)
    assert found.high < 0.07


def test_no_pairs() -> None:
    assert paired_mean(DROP, [], [], 0.95).reason == "nothing was observed"
    with pytest.raises(ValueError, match="1 pairs"):
        paired_mean(DROP, [(1.0, 0.0)], [], 0.95)


def table(n: int, **approved: int) -> dict[str, dict[str, float | None]]:
    return {str(at): {group: float(at < count) for group, count in approved.items()} for at in range(n)}


def test_the_range_is_max_minus_min() -> None:
    found = paired_range(GAP, table(100, a=50, b=80, c=60), 0.95)
    assert found.value == pytest.approx(0.3)
    assert (found.n, found.clusters, found.missing, found.range) == (300, 100, 0, (0.0, 1.0))
    assert "widest between a and b" in found.reason


def test_its_limits_are_those_of_the_pairs() -> None:
    cells = table(100, a=50, b=80)
    found = paired_range(GAP, cells, 0.95)
    pairs, clusters = [(row["b"], row["a"]) for row in cells.values()], list(cells)
    assert found.high == pytest.approx(paired_mean(DROP, pairs, clusters, 0.95).high)
    # One pair, two signs: Bonferroni over both.
    assert found.low == pytest.approx(paired_mean(DROP, pairs, clusters, 0.975).low)


def test_equal_groups_have_a_range_that_begins_at_0() -> None:
    found = paired_range(GAP, table(200, a=70, b=70, c=70), 0.95)
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high is not None and 0 < found.high < 0.1


def test_missing_cells_widen() -> None:
    cells = table(100, a=50, b=80)
    whole = paired_range(GAP, cells, 0.95)
    cells["3"] = {"a": None, "b": 1.0}
    cells["97"] = {"b": 0.0}
    part = paired_range(GAP, cells, 0.95)
    assert part.missing == 2 and part.n == 200
    assert part.low < whole.low and part.high > whole.high


def test_nothing_judged_says_nothing() -> None:
    found = paired_range(GAP, {str(at): {"a": None, "b": None} for at in range(5)}, 0.95)
    assert (found.value, found.low, found.high, found.missing) == (None, 0.0, 1.0, 10)


def test_edges() -> None:
    assert paired_range(GAP, {}, 0.95).reason == "nothing was observed"
    assert paired_range(GAP, table(5, a=2), 0.95).reason == "there is one group only"
    with pytest.raises(ValueError, match="gap holds 2"):
        paired_range(GAP, {"x": {"a": 2.0, "b": 0.0}}, 0.95)
    with pytest.raises(ValueError, match="range"):
        paired_range(replace(GAP, range=(-1.0, 1.0)), table(5, a=2, b=1), 0.95)
    with pytest.raises(ValueError, match="level"):
        paired_range(GAP, table(5, a=2, b=1), 1.5)
