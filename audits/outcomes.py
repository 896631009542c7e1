"""Why a probe was not measured: the one thing that replies do not tell, and that a resume may mend."""

from __future__ import annotations

from collections.abc import Sequence

from ..probes.contract import JSON, from_json, to_json
from ..reports.record import ProbeRun
from .journal import Journal
from .seen import Seen
from .settings import mapping


def note_outcomes(journal: Journal, seen: Sequence[Seen]) -> None:
    """Journal how the probes that were not measured ended, if that is new; the last such row holds."""
    number, before = _last(journal)
    now = {one.run.name: to_json(one.run) for one in seen if one.run.status != "measured"}
    if before != now:
        journal.add("measurement", [(f"outcomes/{number + 1}", now)])


def not_measured(journal: Journal) -> dict[str, ProbeRun]:
    """The runs of the probes that were not measured, by name."""
    _, said = _last(journal)
    return {name: from_json(ProbeRun, run) for name, run in mapping(said).items()}


def _last(journal: Journal) -> tuple[int, JSON]:
    number, found = 0, {}
    while (said := journal.get("measurement", f"outcomes/{number + 1}")) is not None:
        number, found = number + 1, mapping(said)
    return number, found
