"""What a command says at its end: the verdict, the worst limits, and where to look."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...reports.escape import one_line
from ...reports.wording import expired

if TYPE_CHECKING:
    from ...reports.compared import Comparison
    from ...reports.record import Finding, Record
    from ..engine import Ended
    from ..plan import Plan

_ORDER = {"fail": 0, "not_measured": 1, "inconclusive": 2, "waived": 3, "pass": 4}
WORST = 3


def say_ended(ended: Ended, *, as_json: bool) -> None:
    """The last lines of `run` and `resume`."""
    if as_json:
        click.echo((ended.folder / "record.json").read_text("utf-8"), nl=False)
        return
    say_verdict(ended.record)
    click.echo(f"record.json SHA-256 {ended.digest} (file it; 'verify --digest' compares)")
    card = ended.folder / "scorecard.html"
    click.echo(f"Scorecard: {shown(card)}" if card.is_file() else f"Record: {shown(ended.folder / 'record.json')}")


def say_undecidable(plan: Plan, *, err: bool) -> None:
    """Before anything is asked: what so few clusters cannot decide, and whether the suite gates at all."""
    from ..showing import undecidable
    from ..suite import read_suite

    for sentence in undecidable(plan):
        click.echo(f"  {sentence}", err=err)
    if not read_suite(plan.spec.audit.suite).gates:
        click.echo(f"The suite {plan.spec.audit.suite} is for trying out: it cannot end with a pass.", err=err)


def say_verdict(record: Record) -> None:
    """The limits that did not hold, or the closest ones, and the verdict."""
    _say_limits(record)
    for run in record.probes:
        if run.extent and run.clusters < run.planned:
            click.echo(one_line(f"  stopped early    {run.name}: {run.clusters} of {run.planned} clusters were enough"))
    for sentence in expired(record):
        click.echo(one_line(f"  waiver expired   {sentence}"))
    afterwards = " (judged afterwards)" if record.judged_afterwards else ""
    chosen = _chosen(record)
    click.echo(f"Verdict: {record.verdict.upper()}{afterwards}, exit {record.exit_code}{chosen}: {record.summary}")


def say_comparison(comparison: Comparison, page: Path) -> None:
    """The margins that did not hold, or the closest ones, of each variant, and the verdict."""
    for one in comparison.variants:
        click.echo(one_line(f"{one.variant.run} against {comparison.base.run}"))
        _say_limits(one.record)
        for delta in one.deltas:
            if delta.called in ("worse", "better"):
                change = f"{delta.base:.3f} to {delta.variant:.3f}, adjusted p {delta.adjusted:.2g}"
                click.echo(one_line(f"  {delta.called:15}  {delta.metric}: {change}"))
    chosen = _chosen(comparison.variants[0].record)
    said = f"Verdict: {comparison.verdict.upper()}, exit {comparison.exit_code}{chosen}: {comparison.summary}"
    click.echo(said)
    click.echo(f"Comparison: {shown(page)}")


def _say_limits(record: Record) -> None:
    limited = sorted((one for one in record.findings if one.verdict), key=lambda one: _ORDER[one.verdict or "pass"])
    for finding in [one for one in limited if one.verdict != "pass"] or limited[:WORST]:
        click.echo(one_line(line(finding)))
    for floor in record.floors:
        if not floor.shown:
            click.echo(f"  floor not shown  {floor.metric} for {floor.dimension}: {floor.floor}; {floor.reason}")


def _chosen(record: Record) -> str:
    return f" (fail_on: {record.fail_on})" if record.fail_on != "inconclusive" else ""


def line(finding: Finding) -> str:
    """One limit on one line."""
    word = (finding.verdict or "").replace("_", " ")
    if finding.value is None:
        return f"  {word:15}  {finding.metric}: {finding.reason}"
    interval = "no interval"
    if finding.low is not None and finding.high is not None:
        interval = f"{finding.low:.3f} to {finding.high:.3f}"
    why = f"; {finding.reason}" if finding.reason and finding.verdict in ("inconclusive", "waived") else ""
    return f"  {word:15}  {finding.metric} = {finding.value:.3f} ({interval}), limit {finding.limit}{why}"


def say_json(record: Record) -> None:
    """A whole record as JSON on stdout."""
    from ...probes.contract import to_json

    click.echo(json.dumps(to_json(record), indent=1))


def shown(path: Path) -> str:
    """A path as short as it can be said from here."""
    here = Path.cwd().resolve()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
