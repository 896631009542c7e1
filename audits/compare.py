"""Compare a model with its quantised, pruned, fine-tuned or distilled siblings, and judge how far each figure moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from ..probes.contract import Estimate
from ..probes.estimates import benjamini_hochberg, equivalent, holm
from ..reports.compared import SCHEMA, Called, Compared, Comparison, Delta, Side
from ..reports.policy import SEVERITY, FailOn, Policy
from ..reports.record import Finding, Record
from ..reports.transcripts import Transcripts
from . import run_folder
from .assemble import Circumstances, record_of
from .deltas import Move, moves_of
from .engine import Replayed, replay
from .errors import UserError
from .flips import flips_of
from .noise import named
from .policy import DELTA
from .seen import Seen
from .suite import read_suite
from .unrelated import other_versions, refuse_unrelated


def compare(
    base: Path,
    variants: Sequence[Path],
    policy: Policy,
    *,
    now: datetime,
    fail_on: FailOn = "inconclusive",
    allow_code: bool = False,
) -> Comparison:
    """Hold each variant's run against the base's, item by item, by a policy whose limits are margins on `.delta`.

    SpecFaults where the runs were not asked the same in the same way; it names what differs.
    """
    first = _evidence(base, policy, allow_code=allow_code)
    others = [_evidence(one, policy, allow_code=allow_code) for one in variants]
    for other in others:
        refuse_unrelated(first, other)
    said = [run_folder.read_transcripts(one) for one in (base, *variants)]
    compared = [
        _compared(first, other, _side(folder, other), policy, now, fail_on, (said[0], own))
        for folder, other, own in zip(variants, others, said[1:], strict=True)
    ]
    worst = max((one.record for one in compared), key=lambda one: SEVERITY.index(one.verdict))
    many = f"{len(compared)} variants, the worst: " if len(compared) > 1 else ""
    return Comparison(
        schema=SCHEMA,
        created=now.isoformat(timespec="seconds"),
        base=_side(base, first),
        variants=tuple(compared),
        verdict=worst.verdict,
        exit_code=worst.exit_code,
        summary=many + worst.summary,
    )


def _evidence(folder: Path, policy: Policy, *, allow_code: bool) -> Replayed:
    if dict(run_folder.read_record(folder).files) != run_folder.digests(folder):
        raise UserError(f"{folder} has changed since the run ended; 'slm-audit verify' says where, so run it anew")
    return replay(folder, confidence=policy.confidence, allow_code=allow_code)


def _side(folder: Path, run: Replayed) -> Side:
    return Side(
        run=run.record.run,
        created=run.record.created,
        digest=run_folder.sha256(folder / run_folder.RECORD),
        verdict=run_folder.read_record(folder).verdict,
        model=run.record.model,
    )


def _compared(
    base: Replayed,
    variant: Replayed,
    side: Side,
    policy: Policy,
    now: datetime,
    fail_on: FailOn,
    said: tuple[Transcripts, Transcripts],
) -> Compared:
    level = max(base.level, variant.level)
    moves, seen, flips = [], [], []
    for selected, old, new in zip(base.selected, base.seen, variant.seen, strict=True):
        own = moves_of(selected, old, new, level)
        moves += own
        seen.append(_moved(old, new, [one.estimate for one in own]))
        flips += flips_of(selected, old, new, *said)
    about = Circumstances(
        run=f"{variant.record.run} against {base.record.run}",
        created=now.isoformat(timespec="seconds"),
        seed=base.record.seed,
        suite=base.record.suite,
        gates=all(read_suite(one.record.suite).gates for one in (base, variant)),
        model={**variant.record.model, "base": base.record.model},
        environment=variant.record.environment,
        fail_on=fail_on,
        level=level,
    )
    record = record_of(seen, policy, about)
    return Compared(
        variant=side,
        record=record,
        deltas=tuple(_deltas(moves, record, base.record, variant.record, level)),
        flips=tuple(flips),
        notes=other_versions(base, variant),
    )


def _moved(old: Seen, new: Seen, moves: Sequence[Estimate]) -> Seen:
    """What is judged of a probe: its moves, and the competence that the base showed."""
    shown = [one for one in old.estimates if one.role == "competence" and not one.groups]
    run = new.run if old.run.status == "measured" else replace(new.run, status=old.run.status, reason=old.run.reason)
    meanings = {f"{name}{DELTA}": f"change from base to variant of: {said}" for name, said in old.meanings.items()}
    return replace(old, run=run, estimates=(*shown, *moves), meanings={**old.meanings, **meanings})


def _deltas(moves: Sequence[Move], record: Record, base: Record, variant: Record, level: float) -> list[Delta]:
    adjusted = _adjusted(moves)
    findings = {one.metric: one for one in record.findings}
    noise = [{one.metric: one.noise for one in run.findings} for run in (base, variant)]
    deltas = []
    for one in moves:
        name = named(one.estimate)
        floors = [value for some in noise if (value := some.get(name.replace(DELTA, "", 1))) is not None]
        floor = max(floors, default=None)
        deltas.append(
            Delta(
                metric=name,
                base=one.base,
                variant=one.variant,
                p=one.p,
                adjusted=adjusted.get(name),
                noise=floor,
                called=_called(one.estimate, adjusted.get(name), floor, level),
                equivalent=_equivalent(findings[name]),
            )
        )
    return deltas


def _adjusted(moves: Sequence[Move]) -> dict[str, float]:
    """The p-values adjusted for their number: Holm's for whole figures with a say, the others' false discovery rate."""
    known = [(one, one.p) for one in moves if one.p is not None]
    first = [(named(one.estimate), p) for one, p in known if one.estimate.role == "primary" and not one.estimate.groups]
    names = {name for name, _ in first}
    others = [(named(one.estimate), p) for one, p in known if named(one.estimate) not in names]
    found: dict[str, float] = {}
    for family, method in ((first, holm), (others, benjamini_hochberg)):
        found |= dict(zip([name for name, _ in family], method([p for _, p in family]), strict=True))
    return found


def _called(move: Estimate, adjusted: float | None, noise: float | None, level: float) -> Called:
    if move.value is None:
        return "not measured"
    if noise is not None and abs(move.value) <= noise:
        return "within noise"
    if adjusted is None or adjusted > 1.0 - level or move.worse == "away_from_zero":
        return "not shown"
    return "worse" if (move.value > 0) == (move.worse == "higher") else "better"


def _equivalent(finding: Finding) -> bool | None:
    margin = finding.at_most if finding.at_most is not None else finding.at_least
    if not margin or finding.low is None or finding.high is None:
        return None
    return equivalent(finding.low, finding.high, abs(margin))
