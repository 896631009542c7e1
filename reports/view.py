"""Arrange a record's dimensions for reading, so that a page has nothing to work out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from . import wording
from .escape import anchor
from .evidence import Evidence, unusable
from .record import Finding, FloorFinding, Record
from .rows import Row, row, worst
from .sections import Section, section
from .transcripts import Transcripts


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """One dimension: `limits` worst first, `verdict` the worst of theirs, and all that was measured."""

    name: str
    anchor: str
    verdict: str
    word: str
    tally: str
    limits: tuple[Row, ...]
    floors: tuple[FloorFinding, ...]
    probes: tuple[Section, ...]
    apart: tuple[Row, ...]
    evidence: tuple[Evidence, ...]


def dimensions(record: Record, transcripts: Transcripts) -> tuple[Dimension, ...]:
    """Every dimension of the record: the built-in ones in their order, then others by name."""
    said = {one.dimension for one in record.probes} | {_home(one) for one in record.findings}
    others = said - set(wording.DIMENSIONS)
    if not any(one.limit for one in record.findings if _home(one) == "core"):
        others -= {"core"}
    names = (*wording.DIMENSIONS, *sorted(others))
    probes = {one.name for one in record.probes}
    found = []
    for name in names:
        own = [one for one in record.findings if _home(one) == name]
        sections = tuple(
            section(run, [one for one in own if one.probe == run.name], transcripts.get(run.name, ()))
            for run in sorted(record.probes, key=lambda one: one.name)
            if run.dimension == name
        )
        replies = unusable(name, transcripts, f"unusable-{anchor(name)}", f"d-{anchor(name)}")
        shown = (replies,) if replies.cards else ()
        apart = tuple(
            row(one, f"f-{anchor(one.metric)}", replies.anchor if shown and one.dimension == "core" else "")
            for one in own
            if one.probe not in probes
        )
        found.append(_dimension(name, record, sections, apart, shown))
    return tuple(found)


def overall(record: Record) -> tuple[Row, ...]:
    """The figures of the audit as a whole, which belong to no dimension."""
    return tuple(row(one, f"f-{anchor(one.metric)}", "") for one in record.findings if _home(one) == "core")


def limits(all_of: Sequence[Dimension]) -> tuple[Row, ...]:
    """Every finding with a limit, worst first."""
    return worst(one for dimension in all_of for one in dimension.limits)


def _home(one: Finding) -> str:
    """The dimension under which a figure is shown: core figures stand in the dimension that they are of."""
    return dict(one.groups).get("dimension", "core") if one.dimension == "core" else one.dimension


def _dimension(
    name: str,
    record: Record,
    probes: tuple[Section, ...],
    apart: tuple[Row, ...],
    evidence: tuple[Evidence, ...],
) -> Dimension:
    held = [one for one in apart if one.finding.limit]
    for probe in probes:
        measured = [one for _, metrics in probe.roles for one in metrics]
        held += [one.whole for one in measured if one.whole and one.whole.finding.limit]
        held += [each for one in measured for each in one.groups if each.finding.limit]
    ordered = worst(held)
    counts = Counter(one.verdict for one in ordered)
    verdict = ordered[0].verdict if ordered else ""
    return Dimension(
        name=name,
        anchor=f"d-{anchor(name)}",
        verdict=verdict,
        word=wording.WORDS.get(verdict, "No limit"),
        tally=", ".join(
            f"{counts[kind]} {wording.WORDS[kind].lower()}" for kind in wording.WORST_FIRST if counts[kind]
        ),
        limits=ordered,
        floors=tuple(one for one in record.floors if one.dimension == name),
        probes=probes,
        apart=apart,
        evidence=evidence,
    )
