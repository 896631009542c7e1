"""A drawing shows the same as the numbers."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some
from slm_audit.reports import figures, wording
from slm_audit.reports.figures import IntervalFigure, curve, interval
from slm_audit.reports.record import Finding
from slm_audit.reports.scales import scale


def drawn(value: float, low: float, high: float, **more: object) -> IntervalFigure:
    plain: dict[str, object] = {
        "metric": "a.b.c",
        "meaning": "",
        "value": value,
        "low": low,
        "high": high,
        "level": 0.95,
        "n": 9,
        "missing": 0,
        "clusters": 9,
        "range": (0.0, 1.0),
        "unit": "share",
        "worse": "higher",
        "role": "primary",
        "method": "m",
        "correction": "none needed",
    }
    one = Finding(**{**plain, **more})  # type: ignore[arg-type]
    made = interval(one, wording.numbers(one))
    assert made is not None
    return made


share = some.floats(0.0, 1.0, allow_subnormal=False).map(lambda one: round(one, 4))


@given(some.tuples(share, share, share).map(sorted), share)
def test_what_lies_past_the_limit_is_drawn_past_it(points: list[float], limit: float) -> None:
    low, value, high = points
    made = drawn(value, low, high, at_most=limit)
    (edge,) = made.bounds
    assert 0 <= made.start <= made.low <= made.value <= made.high <= made.end <= figures.WIDTH
    for number, at in ((low, made.low), (value, made.value), (high, made.high)):
        assert at <= edge if number <= limit else at >= edge
    for start, width in made.forbidden:
        assert start == edge
        assert start + width == pytest.approx(made.end, abs=0.02)


def test_the_forbidden_side_is_the_one_that_the_limit_excludes() -> None:
    at_most = drawn(0.3, 0.2, 0.4, at_most=0.35)
    at_least = drawn(0.9, 0.85, 0.95, at_least=0.8, worse="lower")
    either = drawn(0.01, -0.02, 0.04, at_most=0.05, worse="away_from_zero", range=(-1.0, 1.0))
    assert at_most.forbidden[0][0] == at_most.bounds[0]
    assert at_least.forbidden[0][0] == at_least.start
    assert sum(at_least.forbidden[0]) == pytest.approx(at_least.bounds[0], abs=0.02)
    assert len(either.forbidden) == len(either.bounds) == 2


def test_the_label_says_what_is_drawn() -> None:
    label = drawn(0.3, 0.2, 0.4, at_most=0.35).label.replace("\u202f", " ")
    assert label == "30.0 %, 95 % interval 20.0 to 40.0 %; limit at most 35 %"


def test_groups_share_one_scale() -> None:
    plain: dict[str, object] = {
        "metric": "a.b.c",
        "meaning": "",
        "level": 0.95,
        "n": 9,
        "missing": 0,
        "clusters": 9,
        "range": (0.0, 1.0),
        "unit": "share",
        "worse": "higher",
        "role": "primary",
        "method": "m",
        "correction": "none needed",
    }
    pair = [
        Finding(**{**plain, "value": at, "low": at - 0.05, "high": at + 0.05})  # type: ignore[arg-type]
        for at in (0.1, 0.8)
    ]
    first, second = (interval(one, wording.numbers(one), pair) for one in pair)
    assert first is not None and second is not None
    assert [one.text for one in first.ticks] == [one.text for one in second.ticks]
    assert first.value < second.value


def test_nothing_is_drawn_without_an_interval() -> None:
    made = Finding(
        metric="a.b.c",
        meaning="",
        value=None,
        low=None,
        high=None,
        level=0.95,
        n=0,
        missing=0,
        clusters=0,
        range=(0.0, 1.0),
        unit="share",
        worse="higher",
        role="primary",
        method="m",
        correction="none needed",
    )
    assert interval(made, wording.numbers(made)) is None


@given(some.lists(some.floats(-1e6, 1e6).map(lambda one: round(one, 3)), min_size=1, max_size=6))
def test_a_scale_holds_its_points_between_round_ticks(points: list[float]) -> None:
    axis = scale(points, (-math.inf, math.inf), 0.0, 100.0)
    slack = axis.step * 1e-6
    assert axis.low - slack <= min(points) and max(points) <= axis.high + slack
    ticks = axis.ticks()
    assert 2 <= len(ticks) <= 8
    assert all(later - earlier == pytest.approx(axis.step) for earlier, later in pairwise(ticks))
    assert f"{axis.step:e}"[0] in "125"


def test_a_curve_rises_on_paper_when_it_rises_in_numbers() -> None:
    made = curve("c", "x", "y", [(1, 0.1), (0, 0.0), (2, 0.4)])
    assert made is not None
    assert [x for x, _ in made.dots] == sorted(x for x, _ in made.dots)
    assert [y for _, y in made.dots] == sorted((y for _, y in made.dots), reverse=True)
    assert made.label == "c: y from 0 at x 0 to 0.4 at x 2, between 0 and 0.4, 3 points"
    assert made.rows == (("0", "0"), ("1", "0.1"), ("2", "0.4"))


@pytest.mark.parametrize("points", [[], [(0.0, 1.0)], [(0.0, math.nan), (1.0, 2.0)]])
def test_less_than_two_points_are_no_curve(points: list[tuple[float, float]]) -> None:
    assert curve("c", "x", "y", points) is None


def test_a_flat_curve_can_be_drawn() -> None:
    assert curve("c", "x", "y", [(0.0, 0.0), (1.0, 0.0)]) is not None
