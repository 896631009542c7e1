"""Say how surely two things differ, and when they differ by too little to matter."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from scipy import special

SMALLEST_P = 1e-6
"""No p-value below this is stated: the intervals were never tried by simulation that far out."""

_STEPS = 25


def mcnemar(pairs: Sequence[tuple[float, float]]) -> float:
    """The exact two-sided p-value that both sides of independent 0/1 pairs have the same rate (McNemar 1947).

    Of the pairs that differ, each kind is a fair coin if the rates are equal: twice the smaller binomial tail, 1 at
    most. 1 where none differ. It knows of no clusters: where items share one, p_value of a clustered
    interval is to be used. Another value than 0 or 1 raises ValueError.
    """
    for pair in pairs:
        if not all(side in (0, 1) for side in pair):
            raise ValueError(f"McNemar's test compares pairs of 0 and 1, not {pair}")
    rises = sum(first < second for first, second in pairs)
    falls = sum(first > second for first, second in pairs)
    return min(1.0, 2.0 * float(special.bdtr(min(rises, falls), rises + falls, 0.5)))


def p_value(interval: Callable[[float], tuple[float, float]], null: float = 0.0) -> float:
    """The two-sided p-value of `null` that a family of intervals gives: 1 less the smallest level that reaches it.

    `interval` takes a level and gives the limits at it, which must widen with the level: it holds what the test
    at 1 - level does not reject (Cox and Hinkley 1974, section 7.2). Nothing below 1e-6 is stated. The answer
    errs upwards, by less than a millionth of itself. A null that is not finite raises ValueError.
    """
    if not math.isfinite(null):
        raise ValueError(f"no interval can be asked for {null}")

    def reaches(p: float) -> bool:
        low, high = interval(1.0 - p)
        return low <= null <= high

    kept, refused = SMALLEST_P, 1.0
    if not reaches(kept):
        return SMALLEST_P
    for _ in range(_STEPS):
        middle = math.sqrt(kept * refused)
        kept, refused = (middle, refused) if reaches(middle) else (kept, middle)
    return refused


def equivalent(low: float, high: float, margin: float) -> bool:
    """Whether an interval shows a difference to be within `margin` of 0, margin included.

    Two one-sided tests (TOST, Schuirmann 1987): "it is below -margin" and "it is above margin" are both refuted.
    With limits at `level` each is a test at (1 - level)/2, and both must refute, so calling a difference equivalent
    that is not errs with probability (1 - level)/2 at most: 2.5 % at 0.95, where Schuirmann's own 5 % would
    read the 90 % interval. "Not significantly different" is no such claim. A margin that is not positive and finite,
    a NaN, or limits in the wrong order raise ValueError.
    """
    if not 0.0 < margin < math.inf:
        raise ValueError(f"a margin is a positive number, not {margin}")
    if not low <= high:
        raise ValueError(f"limits from {low} to {high} are no interval")
    return -margin <= low and high <= margin
