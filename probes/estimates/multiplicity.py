"""Adjust p-values for how many were looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .tally import Array


def holm(ps: Sequence[float]) -> list[float]:
    """Adjusted p-values in the order of `ps`: calling those up to a "worse" errs anywhere with probability a at most.

    The i-th smallest of m is multiplied by m - i + 1, and none falls below a smaller one's (Holm 1979). It holds
    however the tests depend on each other. None gives none; NaN or a value outside 0 to 1 raises ValueError.
    """
    array = _checked(ps)
    order = np.argsort(array, kind="stable")
    stepped = np.maximum.accumulate(array[order] * np.arange(len(array), 0, -1))
    return _in_place(stepped, order)


def benjamini_hochberg(ps: Sequence[float]) -> list[float]:
    """Adjusted p-values in the order of `ps`: of those up to q called, a share of at most q is wrong on average.

    The i-th smallest of m is multiplied by m / i, and none exceeds a larger one's (Benjamini and Hochberg 1995). It
    holds for independent and for positively dependent tests (Benjamini and Yekutieli 2001). None gives none; NaN
    or a value outside 0 to 1 raises ValueError.
    """
    array = _checked(ps)
    order = np.argsort(array, kind="stable")
    scaled = array[order] * len(array) / np.arange(1, len(array) + 1)
    return _in_place(np.minimum.accumulate(scaled[::-1])[::-1], order)


def _checked(ps: Sequence[float]) -> Array:
    for p in ps:
        if not 0.0 <= p <= 1.0:
            raise ValueError(f"a p-value lies between 0 and 1, not at {p}")
    return np.array(ps, dtype=np.float64)


def _in_place(adjusted: Array, order: np.ndarray[tuple[int], np.dtype[np.intp]]) -> list[float]:
    back = np.empty_like(adjusted)
    back[order] = np.minimum(adjusted, 1.0)
    return [float(p) for p in back]
