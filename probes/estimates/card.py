"""State what a detector gets right on labelled text, so that its error can be carried into an estimate."""

from __future__ import annotations

from dataclasses import dataclass

from .rates import clopper_pearson
from .tally import check_level


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share of `n` labelled texts with its interval, at the level of the card that holds it."""

    value: float
    low: float
    high: float
    n: int

    def __post_init__(self) -> None:
        """Refuse limits that leave out the value, or that lie outside 0 to 1."""
        if not 0.0 <= self.low <= self.value <= self.high <= 1.0 or self.n < 1:
            raise ValueError(f"a share lies between its limits, and they between 0 and 1: {self}")

    @classmethod
    def counted(cls, right: int, n: int, level: float) -> Share:
        """`right` of `n` independent texts, with the exact limits of Clopper and Pearson (1934) at `level`."""
        check_level(level)
        if n < 1 or not 0 <= right <= n:
            raise ValueError(f"{right} of {n} texts is no share")
        low, high = clopper_pearson(right / n, float(n), level)
        return cls(value=right / n, low=min(low, right / n), high=max(high, right / n), n=n)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What is known of a detector at its threshold.

    `sensitivity` is the share of texts with the trait that it flags, `specificity` the share of texts without
    it that it lets pass. `source` names the labelled text; `level` is that of both intervals.
    """

    detector: str
    version: str
    threshold: float
    sensitivity: Share
    specificity: Share
    level: float
    source: str
    notes: str = ""

    def __post_init__(self) -> None:
        """Refuse a level that is none."""
        check_level(self.level)
