"""Arrange one finding for reading: in words, with its drawing, in the order worst first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from . import wording
from .figures import IntervalFigure, LineFigure, curve, interval
from .record import Finding, FloorFinding
from .wording import Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One finding as it is shown. `anchor` is its own place, `evidence` that of its transcripts or empty."""

    finding: Finding
    name: str
    full_name: str
    groups: str
    anchor: str
    evidence: str
    numbers: Numbers
    figure: IntervalFigure | None
    curves: tuple[LineFigure, ...]
    verdict: str
    word: str
    missing_why: str
    correction: str
    noise: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorRow:
    """One floor as it is shown."""

    dimension: str
    metric: str
    floor: str
    shown: bool
    word: str
    value: str
    low: str
    needed: str
    reason: str


CORRECTIONS = {
    "none needed": "",
    "uncorrected": "uncorrected for the detector's errors",
    "rogan-gladen": "corrected for the detector's errors (Rogan-Gladen)",
    "ppi++": "corrected with human labels (PPI++)",
}


def row(one: Finding, anchor: str, evidence: str, beside: Sequence[Finding] = ()) -> Row:
    """A finding in words; `beside` are those that it shares its scale with."""
    words = wording.numbers(one)
    drawn = [curve(each.name, each.x_name, each.y_name, each.points) for each in one.curves]
    return Row(
        finding=one,
        name=wording.local_name(one.metric),
        full_name=one.metric.split("[", 1)[0],
        groups=wording.group_words(one.groups),
        anchor=anchor,
        evidence=evidence,
        numbers=words,
        figure=interval(one, words, beside),
        curves=tuple(each for each in drawn if each is not None),
        verdict=one.verdict or "",
        word=wording.WORDS[one.verdict] if one.verdict else "",
        missing_why="" if one.value is not None else one.reason or "no reason was recorded",
        correction=CORRECTIONS[one.correction],
        noise=wording.noise(one),
    )


def floor_row(one: FloorFinding, unit: str) -> FloorRow:
    """A floor in words, in the unit of its metric."""
    decimals = wording.places((one.value, one.low), (one.needed,), unit)

    def told(number: float | None) -> str:
        return "not measured" if number is None else wording.amount(number, unit, decimals)

    return FloorRow(
        dimension=one.dimension,
        metric=one.metric,
        floor=one.floor,
        shown=one.shown,
        word="Shown" if one.shown else "Not shown",
        value=told(one.value),
        low=told(one.low),
        needed="not known" if one.needed is None else wording.bound(one.needed, unit),
        reason=one.reason,
    )


def worst(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Rows worst first: by verdict, then by how far past its limit the value lies, in units of the limit."""
    return tuple(sorted(rows, key=lambda one: (wording.rank(one.finding.verdict), -_excess(one.finding))))


def _excess(one: Finding) -> float:
    if one.value is None:
        return 0.0
    value = abs(one.value) if one.worse == "away_from_zero" else one.value
    past = [value - one.at_most] if one.at_most is not None else []
    past += [one.at_least - one.value] if one.at_least is not None else []
    size = abs(one.at_most if one.at_most is not None else one.at_least or 0.0)
    return max(past, default=-math.inf) / (size or 1.0)
