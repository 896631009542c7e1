"""Arrange one probe for reading: its question, what it measured by role, and the transcripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import wording
from .escape import anchor
from .evidence import Evidence, of_probe
from .facts import pairs
from .record import Finding, ProbeRun
from .rows import Row, row
from .transcripts import Transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One metric of a probe: the whole where there is one, and the groups that it was split into."""

    name: str
    whole: Row | None
    groups: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One probe: its question, how the asking went, what it measured by role, and the transcripts."""

    run: ProbeRun
    anchor: str
    status: str
    asked: str
    options: tuple[tuple[str, str], ...]
    roles: tuple[tuple[str, tuple[Measured, ...]], ...]
    evidence: tuple[Evidence, ...]


ROLES = {
    "primary": "Primary figures",
    "competence": "Competence: can the model do the task at all?",
    "diagnostic": "Diagnostic figures, which no limit may stand on",
}
STATUS = {
    "measured": "Measured",
    "not_measured": "Not measured",
    "error": "Error",
    "interrupted": "Interrupted",
}


def section(run: ProbeRun, findings: Sequence[Finding], transcripts: Sequence[Transcript]) -> Section:
    """A probe with its findings, primary figures first and the worst of them on top."""
    wholes = sorted((one for one in findings if not one.groups), key=lambda one: list(ROLES).index(one.role))
    evidence = of_probe(wholes, transcripts)
    # A metric stands once, under the role of its whole, whatever the role of its groups.
    role_of = {one.metric.split("[", 1)[0]: one.role for one in (*findings, *wholes)}
    roles = []
    for role, title in ROLES.items():
        measured = [_measured(name, findings, evidence) for name in role_of if role_of[name] == role]
        measured.sort(key=lambda one: wording.rank(one.whole.finding.verdict if one.whole else None))
        if measured:
            roles.append((title, tuple(measured)))
    fewer = f" of {wording.count(run.planned)}" if run.clusters < run.planned else ""
    counted = [
        f"{wording.count(run.items)} items",
        *([f"{wording.count(run.clusters)}{fewer} clusters"] if run.clusters else []),
        f"{wording.count(run.requests)} requests",
        f"{wording.count(run.tokens)} tokens",
        wording.duration(run.seconds),
    ]
    return Section(
        run=run,
        anchor=f"p-{anchor(run.name)}",
        status=STATUS[run.status],
        asked=", ".join(counted),
        options=pairs(run.options),
        roles=tuple(roles),
        evidence=tuple(dict.fromkeys(evidence.values())),
    )


def _measured(name: str, findings: Sequence[Finding], evidence: Mapping[str, Evidence]) -> Measured:
    whole = next((one for one in findings if one.metric == name), None)
    split = [one for one in findings if one.groups and one.metric.split("[", 1)[0] == name]
    block = evidence.get(name) or next(iter(evidence.values()), None)
    place = block.anchor if block else ""
    return Measured(
        name=name.split(".", 2)[-1],
        whole=row(whole, f"f-{anchor(name)}", place) if whole else None,
        groups=tuple(row(one, f"f-{anchor(one.metric)}", place, split) for one in split),
    )
