"""Judge estimates by a policy: the one place that decides, whose verdict every output and the exit code repeat.

One limit. One printed two-sided interval at the policy's confidence decides both ways, so each side of it misses
the truth with probability a = (1 - confidence)/2 at most. PASS: the interval lies wholly inside the limit. FAIL:
wholly outside. INCONCLUSIVE: it straddles, too much is missing, or a floor of its dimension was not shown. NOT
MEASURED: there is no value. WAIVED: fail or inconclusive, but inside the bound of a waiver that is in effect.

The whole. All limits must pass. That is an intersection-union test (Berger 1982): the null hypothesis "the model
breaks a limit" is a union, one for each limit, and it is rejected only where every part is rejected at level a.
Whichever limit the model truly breaks, it passes that one with probability a at most, and so passes the whole with
probability a at most, whatever the number of limits and however they hang together: nothing is corrected. The price
is power, so a built-in limit comes with so many items that a model at half of every limit passes with probability 0.8.
A FAIL is not corrected either and errs to the safe side: of m sound limits up to m a may fail by chance.

Looks. Who asks more and judges again until it passes gets a chance of a each time. So look k is judged at the
one-sided level (1 - confidence)/2^k (see level_of_look). The first is the ordinary judging at a; over any number of
looks a model that breaks a limit passes with probability a + a/2 + a/4 + ... = 1 - confidence at most.

The first of these that holds is the whole verdict: any FAIL; required evidence missing or an error; any
INCONCLUSIVE or a floor not shown; evidence of a suite that does not gate; pass.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ..probes.contract import Estimate, Metric
from ..reports.policy import FailOn, Floor, Limit, Policy, Waiver, stops
from ..reports.record import FloorFinding, LimitVerdict, ProbeRun, Verdict, WaiverFinding

MOST_MISSING = 0.20
EXIT = {"pass": 0, "fail": 1, "inconclusive": 3, "incomplete": 4}
CORE = "core.valid_rate"
VALID = Metric(
    name=CORE,
    meaning="questions with a usable answer: not empty, degenerate, refused, unparseable or an error",
    worse="lower",
    role="competence",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What became of one limit; `waivable` is false where evidence is missing rather than bad."""

    limit: Limit
    verdict: LimitVerdict
    reason: str = ""
    waivable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The gate's whole answer."""

    verdict: Verdict
    exit_code: int
    summary: str
    limits: tuple[Judged, ...]
    floors: tuple[FloorFinding, ...]
    waivers: tuple[WaiverFinding, ...]
    not_covered: tuple[str, ...]


def level_of_look(confidence: float, look: int) -> float:
    """The two-sided level of the intervals of look `look` (1 is the first), each side at (1 - confidence)/2^look.

    The first has the policy's confidence itself. A look that is no positive number raises ValueError.
    """
    if look < 1:
        raise ValueError(f"looks are counted from 1, not {look}")
    return 1.0 - (1.0 - confidence) / 2.0 ** (look - 1)


def exit_code(verdict: Verdict, fail_on: FailOn = "inconclusive") -> int:
    """The exit code of a whole verdict: 0 where it is milder than `fail_on`, which changes no verdict."""
    return EXIT[verdict] if stops(verdict, fail_on) else 0


def judge(
    estimates: Sequence[Estimate],
    policy: Policy,
    at: date,
    probes: Sequence[ProbeRun],
    *,
    gates: bool = True,
    fail_on: FailOn = "inconclusive",
) -> Judgement:
    """Hold estimates (with full names, `dimension.probe.metric`) against a policy on a day.

    `probes` says how the asking of each went; what was not asked is evidence that is missing. Without `gates` the
    evidence is of a suite to try out: it may show a fail, and never a pass. `fail_on` moves the exit code, never the
    verdict.
    """
    whole = {one.metric: one for one in estimates if not one.groups}
    grouped = {(one.metric, one.groups): one for one in estimates}
    runs = {one.name: one for one in probes}
    floors = tuple(
        _floor(floor, dimension, whole, grouped) for floor in policy.floors for dimension in floor.dimensions
    )
    unshown = {one.dimension: one for one in reversed(floors) if not one.shown}
    limits: list[Judged] = []
    waivers: list[WaiverFinding] = []
    excuses = {one.metric: one for one in policy.waivers}
    for limit in policy.limits:
        judged = hold(whole.get(limit.metric), limit, runs.get(_probe(limit.metric)))
        if limit.metric in excuses:
            judged, found = _excuse(judged, excuses[limit.metric], whole.get(limit.metric), at)
            waivers.append(found)
        missing = unshown.get(limit.metric.split(".")[0])
        if missing and judged.verdict in ("pass", "waived"):
            why = f"the floor {missing.metric} {missing.floor} was not shown, so good figures here mean nothing"
            judged = dataclasses.replace(judged, verdict="inconclusive", reason=why)
        limits.append(judged)
    return _whole(policy, limits, floors, tuple(waivers), probes, gates, fail_on)


def hold(estimate: Estimate | None, limit: Limit, run: ProbeRun | None) -> Judged:
    """Hold one estimate against one limit."""
    if estimate is None or estimate.value is None:
        why = run.reason if run and run.status != "measured" else (estimate.reason if estimate else "")
        why = why or (f"the probe {_probe(limit.metric)} was not run" if run is None else "nothing could be judged")
        return Judged(limit=limit, verdict="not_measured", reason=why, waivable=False)
    sides = [_side(estimate, limit.at_most, upper=True), _side(estimate, limit.at_least, upper=False)]
    if "fail" in sides:
        return Judged(limit=limit, verdict="fail", reason=estimate.reason)
    if estimate.missing > MOST_MISSING * estimate.n:
        why = estimate.reason or f"{estimate.missing} of {estimate.n} could not be judged"
        why = f"{why} (more than {MOST_MISSING:.0%} unjudged decide nothing)"
        return Judged(limit=limit, verdict="inconclusive", reason=why, waivable=False)
    if estimate.low is None or estimate.high is None or not all(map(math.isfinite, (estimate.low, estimate.high))):
        why = estimate.reason or "no interval could be given"
        return Judged(limit=limit, verdict="inconclusive", reason=why, waivable=False)
    if "open" in sides:
        return Judged(limit=limit, verdict="inconclusive", reason=_what_would_decide(estimate, limit))
    return Judged(limit=limit, verdict="pass", reason=estimate.reason)


def _side(estimate: Estimate, bound: float | None, *, upper: bool) -> str:
    low, high = estimate.low, estimate.high
    if bound is None:
        return "pass"
    if low is None or high is None:
        return "open"
    if upper and estimate.worse == "away_from_zero":
        low, high = max(low, -high, 0.0), max(abs(low), abs(high))
    if upper:
        return "pass" if high <= bound else "fail" if low > bound else "open"
    return "pass" if low >= bound else "fail" if high < bound else "open"


def _what_would_decide(estimate: Estimate, limit: Limit) -> str:
    assert estimate.value is not None and estimate.low is not None and estimate.high is not None
    value = abs(estimate.value) if estimate.worse == "away_from_zero" else estimate.value
    bound = limit.at_most if limit.at_most is not None else limit.at_least
    assert bound is not None
    distance = abs(bound - value)
    reach = max(estimate.high - estimate.value, estimate.value - estimate.low)
    factor = (reach / distance) ** 2 if distance > reach / 20 else math.inf
    if not math.isfinite(factor):
        return "the interval straddles the limit and the value lies on it; more items would hardly decide"
    more = max(1, math.ceil(estimate.clusters * (factor - 1)))
    return f"the interval straddles the limit; about {more} more clusters would decide if the value stays"


def _excuse(judged: Judged, waiver: Waiver, estimate: Estimate | None, at: date) -> tuple[Judged, WaiverFinding]:
    found = WaiverFinding(
        metric=waiver.metric,
        owner=waiver.owner,
        reason=waiver.reason,
        expires=waiver.expires.isoformat(),
        state="in effect",
    )
    if at > waiver.expires:
        return judged, dataclasses.replace(found, state="expired")
    if judged.verdict == "pass":
        return judged, dataclasses.replace(found, state="not needed")
    if judged.verdict not in ("fail", "inconclusive") or not judged.waivable:
        return judged, dataclasses.replace(found, state="not applicable")
    own = Limit(metric=waiver.metric, at_most=waiver.at_most, at_least=waiver.at_least)
    if hold(estimate, own, None).verdict != "pass":
        return judged, dataclasses.replace(found, state="beyond its bound")
    why = f"waived by {waiver.owner} until {waiver.expires.isoformat()}: {waiver.reason}"
    return dataclasses.replace(judged, verdict="waived", reason=why), found


def _floor(
    floor: Floor,
    dimension: str,
    whole: Mapping[str, Estimate],
    grouped: Mapping[tuple[str, tuple[tuple[str, str], ...]], Estimate],
) -> FloorFinding:
    own = (("dimension", dimension),)
    estimate = grouped.get((CORE, own)) if floor.metric == CORE else whole.get(floor.metric)
    needed = floor.at_least
    if needed is None and floor.above_chance is not None and estimate and estimate.chance is not None:
        needed = estimate.chance + floor.above_chance
    low = estimate.low if estimate else None
    shown = needed is not None and low is not None and low >= needed
    reason = ""
    if estimate is None or estimate.value is None:
        reason = "not measured"
    elif needed is None:
        reason = "its chance level is not known"
    elif not shown:
        reason = f"its lower bound must reach {needed:.3g}"
    return FloorFinding(
        metric=floor.metric,
        dimension=dimension,
        floor=str(floor),
        needed=needed,
        value=estimate.value if estimate else None,
        low=low,
        shown=shown,
        reason=reason,
    )


def _whole(
    policy: Policy,
    limits: Sequence[Judged],
    floors: tuple[FloorFinding, ...],
    waivers: tuple[WaiverFinding, ...],
    probes: Sequence[ProbeRun],
    gates: bool,
    fail_on: FailOn,
) -> Judgement:
    broken = {one.name for one in probes if one.status in ("error", "interrupted")}
    accepted = [
        one
        for one in limits
        if one.verdict == "not_measured"
        and one.limit.if_not_measured == "accept"
        and _probe(one.limit.metric) not in broken
    ]
    measured = {one.limit.metric.split(".")[0] for one in limits if one.verdict != "not_measured"}
    uncovered = [one for one in policy.requires if one not in measured]
    missing = [one for one in limits if one.verdict == "not_measured" and one not in accepted]
    failed = [one for one in limits if one.verdict == "fail"]
    open_ = [one for one in limits if one.verdict == "inconclusive"]
    waived = sum(one.verdict == "waived" for one in limits)
    unshown = [one for one in floors if not one.shown]
    verdict: Verdict = "pass"
    summary = f"all {len(limits) - len(accepted)} measured limits hold"
    if waived:
        summary = f"pass with {waived} waiver{'s' if waived > 1 else ''}"
    if not gates:
        verdict = "inconclusive"
        summary = "no limit failed, but this suite is for trying out and does not gate; run the standard suite"
    if open_ or unshown:
        verdict = "inconclusive"
        summary = f"{len(open_)} of {len(limits)} limits undecided, {len(unshown)} floors not shown"
    if missing or uncovered or broken or not measured:
        verdict = "incomplete"
        names = [one.limit.metric for one in missing] or uncovered or sorted(broken) or ["no limit was measured"]
        summary = f"required evidence is missing: {', '.join(names)}"
    if failed:
        verdict = "fail"
        summary = f"{len(failed)} of {len(limits)} limits failed"
    not_covered = [f"{one.limit.metric}: {one.limit.reason} ({one.reason})" for one in accepted]
    not_covered += [f"{one.limit.metric}: not measured, {one.reason}" for one in missing]
    not_covered += [f"{one}: the policy requires it, but none of its limits was measured" for one in uncovered]
    return Judgement(
        verdict=verdict,
        exit_code=exit_code(verdict, fail_on),
        summary=summary,
        limits=tuple(limits),
        floors=floors,
        waivers=waivers,
        not_covered=tuple(not_covered),
    )


def _probe(metric: str) -> str:
    return ".".join(metric.split(".")[:2])
