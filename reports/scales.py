"""Choose the round scale that a drawing's numbers lie on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .wording import MINUS, NARROW


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A straight scale from `low` to `high`, drawn from `start` to `end`, with ticks every `step`."""

    low: float
    high: float
    step: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Where a value lies, in drawing units; what is off the scale lies at its end."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 2)

    def ticks(self) -> list[float]:
        """The values to mark, both ends among them."""
        steps = round((self.high - self.low) / self.step)
        return [self.low + at * self.step for at in range(steps)] + [self.high]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A mark on a scale with its text; `anchor` says which end of the text stands at `at`."""

    at: float
    text: str
    anchor: str = "middle"


def scale(
    points: Sequence[float],
    within: tuple[float, float],
    start: float,
    end: float,
    *,
    most: int = 4,
    pad: float = 0.2,
) -> Axis:
    """A scale around the points with round ends and `most` steps, from an end of what is possible if that is near.

    `pad` is the room on each side, as a share of the spread of the points.
    """
    least, largest = min(points), max(points)
    spread, size = largest - least, max(abs(largest), abs(least), 1.0)
    if spread < 1e-9 * size:  # the same number but for rounding errors
        spread = size / 10
    low, high = max(least - pad * spread, within[0]), min(largest + pad * spread, within[1])
    if within[0] >= 0 and low - within[0] < 1.5 * spread and math.isfinite(within[0]):
        low = within[0]
    if math.isfinite(within[1]) and within[1] - high < 0.5 * spread:
        high = within[1]
    if high - low < 1e-9 * size:
        low, high = low - spread, high + spread
    step = _round_step((high - low) / most)
    low, high = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    return Axis(low=low, high=high, step=step, start=start, end=end)


def ticks(axis: Axis, unit: str) -> tuple[Tick, ...]:
    """The marks of a scale: shares as per cent; the outer texts stay inside the drawing."""
    factor, after = (100, f"{NARROW}%") if unit == "share" else (1, "")
    texts = [plain(factor * value) + after for value in axis.ticks()]
    last = len(texts) - 1
    return tuple(
        Tick(at=axis.at(value), text=text, anchor="start" if at == 0 else "end" if at == last else "middle")
        for at, (value, text) in enumerate(zip(axis.ticks(), texts, strict=True))
    )


def plain(value: float) -> str:
    """A number on a scale, four digits at most."""
    return f"{value + 0.0:.4g}".replace("-", MINUS)


def _round_step(least: float) -> float:
    size = 10.0 ** math.floor(math.log10(least))
    return next(factor * size for factor in (1, 2, 5, 10) if factor * size >= least * 0.999)
