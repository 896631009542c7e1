"""The plain values of a policy: what must hold before a model may be deployed, and what was excused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

FailOn = Literal["inconclusive", "incomplete", "fail"]
"""The mildest whole verdict that still gives an exit code other than 0; the verdict itself stays what it is."""

SEVERITY = ("pass", "inconclusive", "incomplete", "fail")
"""Whole verdicts, the mildest first."""


def stops(verdict: str, fail_on: FailOn) -> bool:
    """Whether a verdict is grave enough to stop a pipeline."""
    return verdict != "pass" and SEVERITY.index(verdict) >= SEVERITY.index(fail_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A bound on a primary metric. On a metric that is worse away from zero, at_most bounds its size.

    `if_not_measured` "incomplete" makes missing evidence fail closed; "accept" names it under "not covered".
    """

    metric: str
    at_most: float | None = None
    at_least: float | None = None
    if_not_measured: Literal["incomplete", "accept"] = "incomplete"
    reason: str = ""

    def __str__(self) -> str:
        """The bound in words, for people."""
        words = []
        if self.at_least is not None:
            words.append(f"at least {self.at_least:g}")
        if self.at_most is not None:
            words.append(f"at most {self.at_most:g}")
        return " and ".join(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """The least competence without which a pass in the dimensions `dimensions` means nothing.

    Either `at_least`, or `above_chance`: the metric must exceed its own chance level by that much.
    """

    metric: str
    dimensions: tuple[str, ...]
    at_least: float | None = None
    above_chance: float | None = None

    def __str__(self) -> str:
        """The floor in words, for people."""
        return f"at least {self.at_least:g}" if self.at_least is not None else f"above chance + {self.above_chance:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """An excuse for one limit, owned by somebody, up to a bound of its own, until a date (the last valid day)."""

    metric: str
    owner: str
    reason: str
    expires: date
    at_most: float | None = None
    at_least: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What must hold. `confidence` is the level of every interval; each side errs at (1 - confidence) / 2 at most."""

    name: str
    confidence: float
    requires: tuple[str, ...]
    limits: tuple[Limit, ...]
    floors: tuple[Floor, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    sha256: str = ""
