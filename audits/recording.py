"""Make a run's record from its journal, its settings and what was seen: under which circumstances, at which level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from ..reports.policy import FailOn, Policy
from ..reports.record import Journal as JournalHead
from ..reports.record import Record
from .advice import advice
from .assemble import Circumstances, record_of
from .fitness import unshown, with_card
from .gate import level_of_look
from .journal import Journal
from .recorded import RecordedModel
from .reuse import earlier_looks
from .seen import Seen
from .settings import Settings, mapping
from .suite import read_suite


def level_of(journal: Journal, policy: Policy) -> float:
    """The level of a run's intervals: the policy's confidence, stricter where earlier looks were carried over."""
    return level_of_look(policy.confidence, len(earlier_looks(journal)) + 1)


def record_of_run(
    journal: Journal,
    settings: Settings,
    policy: Policy,
    seen: Sequence[Seen],
    noise: Mapping[str, float],
    *,
    at: date | None = None,
    fail_on: FailOn | None = None,
) -> Record:
    """The record of what was seen, judged by a policy; on another day or with other exit codes where they are given."""
    spec = settings.spec
    measured = {one.run.name for one in seen if one.run.status == "measured"}
    about = Circumstances(
        run=settings.run,
        created=settings.created,
        seed=spec.audit.seed,
        suite=spec.audit.suite,
        gates=read_suite(spec.audit.suite).gates,
        model={**settings.model, "card": spec.card.model_dump(by_alias=True)},
        environment=settings.environment,
        not_asked=(
            *unshown(spec.card, measured),
            *advice(spec.card, spec.model, mapping(settings.model["identity"]), measured),
            *RecordedModel.from_facts(settings.model).notes,
            *_not_asked(settings),
        ),
        judged_afterwards=policy.sha256 != settings.policy.sha256,
        judged_on=at,
        fail_on=fail_on or spec.fail_on,
        level=level_of(journal, policy),
        earlier=earlier_looks(journal),
        repeats=spec.audit.repeat,
        noise=noise,
    )
    return replace(
        record_of(seen, with_card(policy, spec.card), about), journal=JournalHead(head=journal.head, rows=journal.count)
    )


def _not_asked(settings: Settings) -> tuple[str, ...]:
    spec, said = settings.spec, []
    suite = read_suite(spec.audit.suite)
    if not suite.gates:
        said.append(f"the suite {spec.audit.suite} asks {suite.description}: it decides few limits and does not gate")
    if spec.audit.limit:
        said.append(f"at most {spec.audit.limit} clusters of each probe were asked (limit)")
    if spec.audit.only:
        said.append(f"only the probes {', '.join(spec.audit.only)} were asked")
    return (*said, *(settings.allotment.lacking if settings.allotment else ()))
