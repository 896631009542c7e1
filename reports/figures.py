"""Lay out the small drawings of the scorecard: intervals against their limits, and curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .record import Finding
from .scales import Tick, plain, scale, ticks
from .wording import Numbers

WIDTH, HEIGHT = 220, 40
EDGE = 8
LINE = 16
CHART_WIDTH, CHART_HEIGHT = 300, 180
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 10, 30


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalFigure:
    """An interval on its scale: all coordinates in a view box of WIDTH x HEIGHT."""

    label: str
    start: float
    end: float
    low: float
    high: float
    value: float
    bounds: tuple[float, ...]
    forbidden: tuple[tuple[float, float], ...]
    ticks: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT
    line: int = LINE


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFigure:
    """A curve with its two scales: all coordinates in a view box of CHART_WIDTH x CHART_HEIGHT."""

    name: str
    label: str
    x_name: str
    y_name: str
    path: str
    dots: tuple[tuple[float, float], ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    rows: tuple[tuple[str, str], ...]
    width: int = CHART_WIDTH
    height: int = CHART_HEIGHT
    left: int = LEFT
    right: int = CHART_WIDTH - RIGHT
    top: int = TOP
    bottom: int = CHART_HEIGHT - BOTTOM


def interval(one: Finding, words: Numbers, beside: Sequence[Finding] = ()) -> IntervalFigure | None:
    """The interval of a finding, on a scale shared with those `beside` it; None where there is none."""
    if one.value is None or one.low is None or one.high is None or not math.isfinite(one.low + one.high):
        return None
    edges = _edges(one)
    points = [one.value, one.low, one.high, *edges]
    for other in beside:
        numbers = (other.value, other.low, other.high)
        points += [at for at in numbers if at is not None and math.isfinite(at)]
    axis = scale(points, one.range, EDGE, WIDTH - EDGE)
    forbidden = []
    if one.at_most is not None:
        forbidden.append((axis.at(one.at_most), axis.end - axis.at(one.at_most)))
        if one.worse == "away_from_zero":
            forbidden.append((axis.start, axis.at(-one.at_most) - axis.start))
    if one.at_least is not None:
        forbidden.append((axis.start, axis.at(one.at_least) - axis.start))
    held = f"; limit {words.limit}" if words.limit else ""
    return IntervalFigure(
        label=f"{words.value}, {one.level * 100:.4g} % interval {words.interval}{held}",
        start=axis.start,
        end=axis.end,
        low=axis.at(one.low),
        high=axis.at(one.high),
        value=axis.at(one.value),
        bounds=tuple(axis.at(edge) for edge in edges if axis.low <= edge <= axis.high),
        forbidden=tuple((start, round(width, 2)) for start, width in forbidden if width > 0),
        ticks=ticks(axis, one.unit),
    )


def curve(name: str, x_name: str, y_name: str, points: Sequence[tuple[float, float]]) -> LineFigure | None:
    """A curve through its points, in the order of x; None without two finite points."""
    drawn = sorted((x, y) for x, y in points if math.isfinite(x) and math.isfinite(y))
    if len(drawn) < 2:
        return None
    xs, ys = [x for x, _ in drawn], [y for _, y in drawn]
    across = scale(xs, (min(xs), max(xs)), LEFT, CHART_WIDTH - RIGHT, pad=0)
    # The y scale runs upwards, so its start is at the bottom; it holds 0, so that no small change looks large.
    up = scale([*ys, 0.0], (-math.inf, math.inf), CHART_HEIGHT - BOTTOM, TOP, pad=0)
    dots = tuple((across.at(x), up.at(y)) for x, y in drawn)
    first, last = drawn[0], drawn[-1]
    return LineFigure(
        name=name,
        label=f"{name}: {y_name} from {plain(first[1])} at {x_name} {plain(first[0])} to {plain(last[1])} "
        f"at {x_name} {plain(last[0])}, between {plain(min(ys))} and {plain(max(ys))}, {len(drawn)} points",
        x_name=x_name,
        y_name=y_name,
        path="M" + " L".join(f"{x:g} {y:g}" for x, y in dots),
        dots=dots if len(dots) <= 24 else (),
        x_ticks=tuple(Tick(at=across.at(x), text=plain(x)) for x in across.ticks()),
        y_ticks=tuple(Tick(at=up.at(y), text=plain(y), anchor="end") for y in up.ticks()),
        rows=tuple((plain(x), plain(y)) for x, y in drawn) if len(drawn) <= 40 else (),
    )


def _edges(one: Finding) -> list[float]:
    edges = [bound for bound in (one.at_most, one.at_least) if bound is not None]
    if one.worse == "away_from_zero" and one.at_most is not None:
        edges.append(-one.at_most)
    return edges
