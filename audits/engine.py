"""Run an audit, resume one, or replay one from its journal: the same path from settings to record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from ..probes.contract import Metric, Model
from ..reports.escape import visible
from ..reports.policy import FailOn, Policy
from ..reports.record import Record
from . import run_folder
from .asking import Progress, Silent, ask
from .assemble import transcripts_of
from .bench import Detectors, opener
from .budget import allot
from .environment import own_version
from .errors import EvidenceError, Unreachable, UserError
from .items import refuse_other_items
from .journal import NAME as JOURNAL
from .journal import Journal
from .noise import noise_floors
from .outcomes import not_measured, note_outcomes
from .outputs import write_outputs
from .plan import Plan
from .prospect import foresee
from .recorded import RecordedModel
from .recording import level_of, record_of_run
from .reuse import refuse_unusable, reuse
from .seen import Seen, unasked
from .selection import Selected
from .settings import Settings, note
from .spec import Spec
from .stopping import Stopping


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A run that has come to its end: its folder, its record, and the SHA-256 of record.json, to be filed."""

    folder: Path
    record: Record
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A finished run computed anew from its journal: the record, what was seen, and what it was begun with.

    `detectors` holds the identity of each kind of detector that was used; `selected` and `seen` go together.
    `level` is that of its intervals.
    """

    record: Record
    seen: Sequence[Seen]
    selected: Sequence[Selected]
    settings: Settings
    detectors: Mapping[str, str]
    level: float


def run(
    plan: Plan,
    model: Model,
    out: Path,
    *,
    reusing: Path | None = None,
    progress: Progress | None = None,
    now: datetime | None = None,
) -> Ended:
    """Audit `model` by a checked plan into a new folder below `out`, from the replies of the run `reusing` if given.

    A budget of minutes is turned into numbers of clusters first, and never looked at again.
    """
    now, progress = now or datetime.now(UTC), progress or Silent()
    if reusing is not None:
        refuse_unusable(reusing, model)
    minutes = plan.spec.audit.minutes
    allotment = allot(foresee(plan, model, progress), minutes) if minutes else None
    for line in allotment.lacking if allotment else ():
        progress.say(line)
    folder = run_folder.create(out, model.identity.name, now)
    journal = Journal(folder / JOURNAL, write=True)
    try:
        note(journal, plan, model, folder.name, now, allotment)
        if reusing is not None:
            reuse(journal, reusing)
        run_folder.write(folder / "spec.yaml", plan.document.text)
        run_folder.write(folder / "policy.yaml", plan.policy_document.text)
        return _carry_on(folder, journal, plan.selected, model, progress)
    finally:
        journal.close()


def resume(folder: Path, open_it: Callable[[Spec, Path], Model], *, allow_code: bool, progress: Progress) -> Ended:
    """Carry on a run that was stopped.

    UserError names what differs from when it began; EvidenceError says that the model cannot be reached now.
    """
    if (done := _finished(folder)) is not None:
        return done
    journal = Journal(folder / JOURNAL, write=True)
    try:
        _refuse_damage(journal)
        settings = Settings.read(journal)
        if settings.version != own_version():
            raise UserError(f"the run was begun by slm-audit {settings.version}, this is {own_version()}; run it anew")
        selected = settings.select(allow_code=allow_code)
        refuse_other_items(journal, selected)
        try:
            model = open_it(settings.spec, settings.base)
        except Unreachable as error:  # no fault of the run's: its evidence cannot be had now
            kept = "what was answered is kept: resume when it is back, or name another place with --model"
            raise EvidenceError(f"{error}; {kept}") from None
        settings.refuse_another(model)
        return _carry_on(folder, journal, selected, model, progress)
    finally:
        journal.close()


def replay(
    folder: Path,
    *,
    policy: Policy | None = None,
    confidence: float | None = None,
    at: date | None = None,
    fail_on: FailOn | None = None,
    allow_code: bool = False,
) -> Replayed:
    """Compute a run's record anew from its journal alone: by its own policy, day and exit codes, or by others.

    `confidence` stands above that of the policy.
    """
    journal = Journal(folder / JOURNAL, write=False)
    try:
        _refuse_damage(journal)
        settings = Settings.read(journal)
        by = policy or settings.policy
        by = by if confidence is None else replace(by, confidence=confidence)
        model, detectors = RecordedModel.from_facts(settings.model), Detectors(journal, None)
        level, lacking = level_of(journal, by), not_measured(journal)

        def asked(one: Selected, repeat: int = 0) -> Seen:
            return _ask(one, journal, settings, by, model, detectors, Silent(), _tell_nobody, repeat=repeat)

        selected = settings.select(allow_code=allow_code)
        seen = [unasked(one, lacking[one.name], level) if one.name in lacking else asked(one) for one in selected]
        noise = _noise(settings.spec.audit.repeat, selected, seen, asked)
        record = record_of_run(journal, settings, by, seen, noise, at=at, fail_on=fail_on)
        return Replayed(
            record=record,
            seen=seen,
            selected=selected,
            settings=settings,
            detectors=detectors.used(),
            level=level,
        )
    finally:
        journal.close()


def metrics_of(folder: Path, *, allow_code: bool) -> dict[str, Metric]:
    """The metrics of a run's own probes, by full name."""
    journal = Journal(folder / JOURNAL, write=False)
    try:
        selected = Settings.read(journal).select(allow_code=allow_code)
    finally:
        journal.close()
    return {f"{one.name}.{metric.name}": metric for one in selected for metric in one.probe.metrics}


def _finished(folder: Path) -> Ended | None:
    """A run that has ended without an error and whose files are as it left them: there is nothing to carry on."""
    if not (folder / run_folder.RECORD).is_file():
        return None
    try:
        record = run_folder.read_record(folder)
    except UserError:
        return None
    whole = dict(record.files) == run_folder.digests(folder)
    if not whole or any(one.status == "error" for one in record.probes):
        return None
    return Ended(folder=folder, record=record, digest=run_folder.sha256(folder / run_folder.RECORD))


def _refuse_damage(journal: Journal) -> None:
    if faults := journal.faults():
        raise UserError(f"{faults[0]}; the run was changed or damaged, so run it anew")


def _carry_on(folder: Path, journal: Journal, selected: Sequence[Selected], model: Model, progress: Progress) -> Ended:
    def log(text: str) -> None:
        with (folder / run_folder.LOG).open("a", encoding="utf-8") as stream:
            stream.write(visible(text.rstrip()) + "\n")

    settings = Settings.read(journal)
    detectors = Detectors(journal, opener(settings.spec, settings.base))

    def asked(one: Selected, repeat: int = 0) -> Seen:
        return _ask(one, journal, settings, settings.policy, model, detectors, progress, log, repeat=repeat)

    seen = [asked(one) for one in selected]
    note_outcomes(journal, seen)
    noise = _noise(settings.spec.audit.repeat, selected, seen, asked)
    record = record_of_run(journal, settings, settings.policy, seen, noise)
    log(f"{settings.created} {settings.run}: {record.verdict}, {journal.count} rows, head {journal.head}")
    journal.settle()
    journal.close()
    write_outputs(folder, record, transcripts_of(seen, record.run, folder), settings.spec.reports)
    digest = run_folder.write_record(folder, record)
    return Ended(folder=folder, record=run_folder.read_record(folder), digest=digest)


def _ask(
    selected: Selected,
    journal: Journal,
    settings: Settings,
    policy: Policy,
    model: Model,
    detectors: Detectors,
    progress: Progress,
    log: Callable[[str], None],
    *,
    repeat: int = 0,
) -> Seen:
    level, audit = level_of(journal, policy), settings.spec.audit
    return ask(
        selected,
        model,
        journal,
        detectors,
        seed=audit.seed,
        repeat=repeat,
        level=level,
        most_clusters=settings.most_clusters(selected.name),
        stopping=Stopping(selected, policy, level, journal) if audit.early_stop else None,
        progress=progress,
        log=log,
    )


def _noise(
    repeats: int, selected: Sequence[Selected], seen: Sequence[Seen], again: Callable[[Selected, int], Seen]
) -> dict[str, float]:
    """The noise floors from asking every probe that was measured `repeats` times in all."""
    floors: dict[str, float] = {}
    for one, first in zip(selected, seen, strict=True):
        if first.run.status == "measured":
            others = [again(one, repeat).estimates for repeat in range(1, repeats)]
            floors |= noise_floors([first.estimates, *others])
    return floors


def _tell_nobody(_: str) -> None:
    return None
