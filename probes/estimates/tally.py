"""Sum values by cluster, with what could not be judged held at both ends of its range."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..contract import Metric

Array = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tally:
    """What was seen, summed by cluster; arrays have one entry for each of the G clusters, in order of their names.

    `low` and `high` are the clusters' sums with every unjudged value at the smallest and at the largest value
    of the range: they are the same array where nothing is missing. `mean` is that of the judged values.
    """

    sizes: Array
    low: Array
    high: Array
    mean: float | None
    n: int
    missing: int

    @classmethod
    def counts(cls, *, clusters: int, mean: float | None, n: int, missing: int) -> Tally:
        """What is said of a figure that is no sum by cluster: the figure of what was judged, and the counts."""
        nothing = np.zeros(clusters)
        return cls(sizes=nothing, low=nothing, high=nothing, mean=mean, n=n, missing=missing)

    @property
    def clusters(self) -> int:
        """How many clusters there are."""
        return len(self.sizes)

    def mean_low(self) -> float:
        """The mean over items with the unjudged at the smallest value."""
        return float(self.low.sum() / self.n)

    def mean_high(self) -> float:
        """The mean over items with the unjudged at the largest value."""
        return float(self.high.sum() / self.n)

    def in_unit(self, bounds: tuple[float, float]) -> tuple[Array, Array]:
        """`low` and `high` with the values' finite range `bounds` brought to 0 to 1."""
        bottom, width = bounds[0], bounds[1] - bounds[0]
        low, high = (((totals - bottom * self.sizes) / width).clip(0.0, self.sizes) for totals in (self.low, self.high))
        return low, high

    def completions(self) -> tuple[Array, ...]:
        """Clusters' sums under the ways of filling in the unjudged that an interval must allow for.

        All at the smallest, all at the largest, and the way that sets the clusters furthest apart. The true
        values of a single unjudged item are always at or between the first two.
        """
        if self.low is self.high:
            return (self.low,)
        middle = (self.low + self.high) / 2
        above = middle * self.n > middle.sum() * self.sizes
        return (self.low, self.high, np.where(above, self.high, self.low))


def check_level(level: float) -> None:
    """Refuse a confidence level outside (0, 1) with ValueError."""
    if not 0.0 < level < 1.0:
        raise ValueError(f"a confidence level lies between 0 and 1, not at {level}")


def encode(clusters: Sequence[str]) -> tuple[tuple[str, ...], Codes]:
    """The sorted distinct names, and for each row the place of its name among them."""
    names = tuple(sorted(set(clusters)))
    place = {name: at for at, name in enumerate(names)}
    return names, np.fromiter((place[name] for name in clusters), dtype=np.intp, count=len(clusters))


def as_array(values: Sequence[float | None], bounds: tuple[float, float], what: str) -> Array:
    """The values as float64 with NaN for None; a NaN, an infinity or a value outside `bounds` raises ValueError."""
    for value in values:
        if value is not None and not math.isfinite(value):
            raise ValueError(f"{what} holds {value}, which is not a finite number; None says 'not judged'")
    array = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    outside = (array < bounds[0]) | (array > bounds[1])
    if outside.any():
        raise ValueError(f"{what} holds {array[outside][0]:g}, outside its range {bounds[0]:g} to {bounds[1]:g}")
    return array


def filled(values: Array, instead: float) -> Array:
    """The values with `instead` for each that could not be judged (NaN)."""
    return np.where(np.isnan(values), instead, values)


def tally(metric: Metric, values: Sequence[float | None], clusters: Sequence[str]) -> Tally:
    """Sum `values` by cluster; None counts as missing. Lengths that differ or bad values raise ValueError."""
    if len(values) != len(clusters):
        raise ValueError(f"{metric.name}: {len(values)} values do not go with {len(clusters)} clusters")
    array = as_array(values, metric.range, metric.name)
    low, high = (filled(array, end) for end in metric.range)
    return tally_between(low, high, clusters, array[~np.isnan(array)])


def tally_between(low: Array, high: Array, clusters: Sequence[str], judged: Array) -> Tally:
    """Sum rows of which only the bounds `low` and `high` are known; `judged` are the values that are known."""
    names, codes = encode(clusters)
    count = len(names)
    bottom = np.bincount(codes, weights=low, minlength=count).astype(np.float64)
    top = bottom if len(judged) == len(low) else np.bincount(codes, weights=high, minlength=count).astype(np.float64)
    return Tally(
        sizes=np.bincount(codes, minlength=count).astype(np.float64),
        low=bottom,
        high=top,
        mean=float(judged.mean()) if len(judged) else None,
        n=len(low),
        missing=len(low) - len(judged),
    )
