"""Widen an interval that was made from the judged alone by what the unjudged could have been."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from ..contract import Estimate

Row = TypeVar("Row")


def bracketed(
    rows: Sequence[Row | None], lowest: Row, highest: Row, estimate: Callable[[list[Row], list[int]], Estimate]
) -> Estimate:
    """The estimate of the rows that are not None, between its limits with the others at `lowest` and at `highest`.

    `estimate` gets rows and their places. The rows that give the figure its smallest and its largest value
    are for the caller to name.
    """
    judged = [place for place, row in enumerate(rows) if row is not None]
    found = estimate([row for row in rows if row is not None], judged)
    if len(judged) == len(rows) or found.value is None:
        return replace(found, n=len(rows), missing=len(rows) - len(judged))
    places = list(range(len(rows)))
    low = estimate([lowest if row is None else row for row in rows], places).low
    high = estimate([highest if row is None else row for row in rows], places).high
    return replace(
        found,
        n=len(rows),
        missing=len(rows) - len(judged),
        low=None if low is None else min(low, found.value),
        high=None if high is None else max(high, found.value),
    )
