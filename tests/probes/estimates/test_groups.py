"""Estimates by group and of the worst group."""

from dataclasses import replace

import pytest
from slm_audit.probes.contract import Metric
from slm_audit.probes.estimates import by_group, mean, rate, worst_of_groups

FLIPS = Metric(name="flips", meaning="how often the decision changes")
SKILL = replace(FLIPS, name="skill", worse="lower")


def sample(events: int, n: int, prefix: str = "") -> tuple[list[float | None], list[str]]:
    return [1.0] * events + [0.0] * (n - events), [f"{prefix}{at}" for at in range(n)]


def test_each_label_is_estimated_by_itself() -> None:
    values, clusters = sample(30, 100)
    labels = [("sex", "f") if at % 2 else ("sex", "m") for at in range(100)]
    found = by_group(FLIPS, values, clusters, labels, 0.95)
    assert [one.groups for one in found] == [(("sex", "f"),), (("sex", "m"),)]
    for one, odd in zip(found, (1, 0), strict=True):
        alone = rate(FLIPS, values[odd::2], clusters[odd::2], 0.95)
        assert (one.value, one.low, one.high, one.n) == (alone.value, alone.low, alone.high, 50)
        assert one.role == "diagnostic"


def test_groups_of_real_values_are_means() -> None:
    found = by_group(FLIPS, [0.5, 0.25], ["a", "b"], [("kind", "x")] * 2, 0.95)
    assert found == [replace(mean(FLIPS, [0.5, 0.25], ["a", "b"], 0.95), role="diagnostic", groups=(("kind", "x"),))]


def test_labels_must_go_with_the_values() -> None:
    with pytest.raises(ValueError, match="1 labels"):
        by_group(FLIPS, [0.0, 1.0], ["a", "b"], [("kind", "x")], 0.95)


def test_no_rows_have_no_groups() -> None:
    assert by_group(FLIPS, [], [], [], 0.95) == []


def test_the_worst_group_by_hand() -> None:
    samples = {"a": sample(5, 100), "b": sample(20, 100), "c": sample(1, 12)}
    found = worst_of_groups(FLIPS, samples, 0.95)
    own = {name: rate(FLIPS, *one, 0.95) for name, one in samples.items()}
    joint = 1 - 0.05 / 3
    assert found.value == 0.2
    # The small group c has the largest upper limit: it could be the worst.
    assert found.high == own["c"].high
    assert found.low == rate(FLIPS, *samples["b"], joint).low < own["b"].low
    assert (found.n, found.level, found.role, found.clusters) == (212, 0.95, "primary", 100)
    assert "worst of 3 groups: b" in found.reason


def test_worse_when_lower_is_the_mirror_image() -> None:
    samples = {"a": sample(5, 100), "b": sample(20, 100), "c": sample(1, 12)}
    mirrored = {name: ([1 - (one or 0.0) for one in values], clusters) for name, (values, clusters) in samples.items()}
    up, down = worst_of_groups(FLIPS, samples, 0.95), worst_of_groups(SKILL, mirrored, 0.95)
    assert (down.value, down.low, down.high) == tuple(
        pytest.approx(1 - (one or 0.0)) for one in (up.value, up.high, up.low)
    )


def test_one_group_is_itself() -> None:
    found, alone = worst_of_groups(FLIPS, {"a": sample(5, 50)}, 0.95), rate(FLIPS, *sample(5, 50), 0.95)
    assert (found.value, found.low, found.high) == (alone.value, pytest.approx(alone.low), alone.high)


def test_a_group_that_nobody_could_judge_may_be_the_worst() -> None:
    found = worst_of_groups(FLIPS, {"a": sample(0, 100), "b": ([None] * 30, [str(at) for at in range(30)])}, 0.95)
    assert (found.value, found.low, found.high) == (0.0, 0.0, 1.0)
    assert found.missing == 30 and "30 of 130 could not be judged" in found.reason


def test_groups_without_rows_are_left_out() -> None:
    found = worst_of_groups(FLIPS, {"a": sample(5, 50), "b": ([], [])}, 0.95)
    assert found.high == rate(FLIPS, *sample(5, 50), 0.95).high
    assert worst_of_groups(FLIPS, {"b": ([], [])}, 0.95).reason == "nothing was observed"
    assert worst_of_groups(FLIPS, {}, 0.95).value is None


def test_away_from_zero_has_no_worst_group() -> None:
    with pytest.raises(ValueError, match="away from zero"):
        worst_of_groups(replace(FLIPS, worse="away_from_zero"), {"a": sample(5, 50)}, 0.95)
