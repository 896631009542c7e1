"""Put together the record and the transcripts from what was seen; the same input gives the same bytes."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

from ..probes.contract import (
    JSON,
    Completion,
    Estimate,
    Exchange,
    Generation,
    Message,
    Metric,
    Observation,
    Score,
    to_json,
)
from ..probes.detectors import card_of
from ..probes.estimates import rate, unmeasured
from ..reports.masks import Mask
from ..reports.policy import FailOn, Policy
from ..reports.record import SCHEMA, Finding, Look, Record
from ..reports.transcripts import Transcript, Transcripts, Turn
from .gate import VALID, Judged, judge
from .models.cascade import SMALL
from .noise import named
from .responders import METRICS, cascade_figures
from .seen import Seen
from .spool import Spool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a record says of a run beside its figures."""

    run: str
    created: str
    seed: int
    suite: str
    model: Mapping[str, JSON]
    environment: Mapping[str, JSON]
    gates: bool = True
    not_asked: tuple[str, ...] = ()
    judged_afterwards: bool = False
    judged_on: date | None = None
    fail_on: FailOn = "inconclusive"
    level: float
    earlier: tuple[Look, ...] = ()
    repeats: int = 1
    noise: Mapping[str, float] = dataclasses.field(default_factory=dict)


def record_of(seen: Sequence[Seen], policy: Policy, about: Circumstances) -> Record:
    """The record of a run: estimates become findings, judged on the day of the run unless another day is given."""
    measured_only = [one for one in seen if one.run.status == "measured"]
    meanings = {one.name: one.meaning for one in (VALID, *METRICS)}
    meanings |= {name: said for one in seen for name, said in one.meanings.items()}
    estimates = [
        *valid_rates(measured_only, about.level),
        *cascade_figures([(one.run, one.observations) for one in measured_only], about.level),
        *(found for one in seen for found in one.estimates),
    ]
    runs = tuple(one.run for one in seen)
    day = about.judged_on or datetime.fromisoformat(about.created).date()
    judgement = judge(estimates, policy, day, runs, gates=about.gates, fail_on=about.fail_on)
    limits = {one.limit.metric: one for one in judgement.limits}
    measured = {found.metric for found in estimates}
    findings = [
        dataclasses.replace(_finding(one, meanings.get(one.metric, ""), limits), noise=about.noise.get(named(one)))
        for one in estimates
    ]
    findings += [_never_asked(one, about.level) for name, one in limits.items() if name not in measured]
    judges = sorted({name for one in measured_only for said in one.observations for name in said.judges})
    look = Look(
        at=about.created,
        policy=policy.name,
        policy_sha256=policy.sha256,
        level=about.level,
        verdict=judgement.verdict,
        judged_afterwards=about.judged_afterwards,
    )
    told = judgement.not_covered
    # A probe whose limits are told of already needs no second line.
    not_asked = tuple(
        f"{name}: {why}" for name, why in _unasked(seen) if not any(one.startswith(f"{name}.") for one in told)
    )
    return Record(
        schema=SCHEMA,
        run=about.run,
        created=about.created,
        seed=about.seed,
        suite=about.suite,
        verdict=judgement.verdict,
        exit_code=judgement.exit_code,
        summary=judgement.summary,
        model=about.model,
        environment=about.environment,
        policy=_plain(policy),
        probes=runs,
        findings=tuple(findings),
        floors=judgement.floors,
        waivers=judgement.waivers,
        looks=(*about.earlier, look),
        not_covered=tuple(dict.fromkeys((*told, *about.not_asked, *not_asked))),
        detectors={name: to_json(card_of(name)) for name in judges},
        judged_afterwards=about.judged_afterwards,
        fail_on=about.fail_on,
        repeats=about.repeats,
    )


def valid_rates(seen: Sequence[Seen], level: float) -> list[Estimate]:
    """The rate of usable answers, over all and for each dimension.

    Where a probe could stop early, how much each adds to the whole depends on what was seen. Then the limits
    reach from the lowest of the probes' own to the highest, for the true rate of the whole lies between theirs:
    either misses only if that of the probe with the lowest, or highest, true rate does.
    """
    own = {one.run.name: one.valid or _valid_rate([one], level) for one in seen if one.observations}
    if not own:
        return []

    def of(some: Sequence[Seen], groups: tuple[tuple[str, str], ...] = ()) -> Estimate:
        whole = _valid_rate(some, level, groups)
        if not any(one.valid for one in some):
            return whole
        spanned = [own[one.run.name] for one in some if one.run.name in own]
        return dataclasses.replace(
            whole,
            low=min(one.low for one in spanned if one.low is not None),
            high=max(one.high for one in spanned if one.high is not None),
            method="from the lowest to the highest limit of its probes, which hold at any stop",
        )

    dimensions = sorted({one.run.dimension for one in seen if one.observations})
    return [
        of(seen),
        *(of([one for one in seen if one.run.dimension == name], (("dimension", name),)) for name in dimensions),
    ]


def _valid_rate(seen: Sequence[Seen], level: float, groups: tuple[tuple[str, str], ...] = ()) -> Estimate:
    usable, clusters = [], []
    for one in seen:
        for said in one.observations:
            usable.append(float(said.status == "judged"))
            clusters.append(sys.intern(f"{one.run.name}/{said.cluster}"))
    return rate(VALID, usable, clusters, level, groups=groups)


def transcripts_of(seen: Sequence[Seen], salt: str, beside: Path) -> Transcripts:
    """All that was said, masked: secrets of any observation are masked in every one. Much of it lies on disk."""
    mask = Mask({word for one in seen for word in one.observations.sensitive}, salt)
    found: dict[str, Spool[Transcript]] = {}
    for one in seen:
        own: Spool[Transcript] = Spool(beside)
        found[one.run.name] = own
        for said in one.observations.whole():
            own.append(transcript(one.run.name, said, mask))
    return found


def _finding(estimate: Estimate, meaning: str, limits: Mapping[str, Judged]) -> Finding:
    fields = {one.name: getattr(estimate, one.name) for one in dataclasses.fields(estimate)} | {
        "metric": named(estimate)
    }
    finding = Finding(meaning=meaning, **fields)
    judged = None if estimate.groups else limits.get(estimate.metric)
    return _held(finding, judged) if judged else finding


def _never_asked(judged: Judged, level: float) -> Finding:
    metric = Metric(name=judged.limit.metric, meaning="", unit="")
    return _held(_finding(unmeasured(metric, level, judged.reason), "", {}), judged)


def _held(finding: Finding, judged: Judged) -> Finding:
    return dataclasses.replace(
        finding,
        limit=str(judged.limit),
        at_most=judged.limit.at_most,
        at_least=judged.limit.at_least,
        limit_reason=judged.limit.reason,
        verdict=judged.verdict,
        reason=judged.reason,
    )


def _unasked(seen: Sequence[Seen]) -> list[tuple[str, str]]:
    return [(one.run.name, one.run.reason) for one in seen if one.run.status != "measured"]


def _plain(policy: Policy) -> Mapping[str, JSON]:
    dated = dataclasses.asdict(policy)
    for waiver in dated["waivers"]:
        waiver["expires"] = waiver["expires"].isoformat()
    plain = to_json(dated)
    assert isinstance(plain, dict)
    return plain


def transcript(probe: str, said: Observation, mask: Mask) -> Transcript:
    """What one observation showed, masked."""
    return Transcript(
        probe=probe,
        item=said.item,
        cluster=said.cluster,
        status=said.status,
        values=dict(said.values),
        reason=mask(said.reason),
        arm=said.arm,
        groups=said.groups,
        judges=said.judges,
        turns=tuple(_turn(one, mask) for one in said.exchanges),
    )


def _turn(exchange: Exchange, mask: Mask) -> Turn:
    asked, reply = exchange.asked, exchange.reply
    if isinstance(asked, Generation):
        text = reply.error if isinstance(reply, Score) else reply.text or reply.error
        return Turn(
            kind="generate",
            asked=mask(_said(asked.prompt) + asked.prefill),
            reply=mask(text),
            key=exchange.key,
            responder=reply.responder,
            overruled=mask(_overruled(reply)),
        )
    value = reply.error or f"log-probability {reply.logprob:.4f} nats" if isinstance(reply, Score) else reply.text
    continuation = f"{_said(asked.context)}⟨{asked.continuation}⟩"
    return Turn(kind="score", asked=mask(continuation), reply=mask(value), key=exchange.key, responder=reply.responder)


def _overruled(reply: Completion | Score) -> str:
    """What the small model of a cascade had said, where another text was given."""
    first = reply.drafts[0] if reply.drafts else None
    if first is None or isinstance(reply, Score) or reply.responder == SMALL:
        return ""
    return first.text or first.error or "(nothing)"


def _said(prompt: str | tuple[Message, ...]) -> str:
    return prompt if isinstance(prompt, str) else "\n".join(f"[{one.role}] {one.content}" for one in prompt)
