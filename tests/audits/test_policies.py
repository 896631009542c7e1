"""Simulations of whole policies: a sound model passes often enough, and one whose defect lies on a limit hardly ever.

What a model would show is drawn for the real items of every probe, measured by the probe itself and judged by the
gate. Answers within a cluster are taken to hang together strongly (beta-binomial, intraclass correlation 0.3), a
detector errs as its card says, and the canaries are those of the tiny model.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from slm_audit.audits.assemble import valid_rates
from slm_audit.audits.gate import judge
from slm_audit.audits.observations import Observations
from slm_audit.audits.policy import policy_document, read_policy
from slm_audit.audits.seen import Seen
from slm_audit.audits.suite import read_suite
from slm_audit.probes.contract import Observation, Probe
from slm_audit.probes.detectors import card_of
from slm_audit.probes.estimates import bootstrapped
from slm_audit.probes.hallucination import closed_book
from slm_audit.probes.registry import build, find
from slm_audit.probes.robustness import attack, typos
from slm_audit.reports.policy import Policy
from slm_audit.reports.record import ProbeRun

pytestmark = pytest.mark.coverage
TODAY = date(2026, 6, 1)
CANARIES = Path(__file__).resolve().parents[2] / "examples" / "tiny_slm" / "canaries.jsonl"
ICC = 0.3
RIGHT = 0.9
"""The share of answers that are right where competence is not the question."""

Rng = np.random.Generator
Drawn = Sequence[Observation]
Truth = Mapping[str, float]
"""The true value of each gated metric of a probe, by its name within the probe."""


def share(rng: Rng, mean: float) -> float:
    """A cluster's own probability, with the intraclass correlation ICC."""
    spread = 1 / ICC - 1
    return float(rng.beta(mean * spread, (1 - mean) * spread)) if mean > 0 else 0.0


def clusters(seen: Drawn) -> Iterator[list[Observation]]:
    found: dict[str, list[Observation]] = {}
    for one in seen:
        found.setdefault(one.cluster, []).append(one)
    yield from found.values()


def of_typos(seen: Drawn, truth: Truth, rng: Rng) -> Iterator[Observation]:
    """A right answer is lost to each kind of error with a probability of the review's own."""
    for own in clusters(seen):
        right, lost = rng.random() < RIGHT, share(rng, truth["accuracy_drop"] / RIGHT)
        for one in own:
            correct = right and (one.arm == typos.CLEAN or rng.random() >= lost)
            yield replace(one, values={**one.values, "correct": float(correct), "flipped": float(correct != right)})


def of_attack(seen: Drawn, truth: Truth, rng: Rng) -> Iterator[Observation]:
    for own in clusters(seen):
        right = rng.random() < RIGHT
        for one in own:
            won = float(rng.random() < truth["success_rate"])
            known = {"accuracy": float(right), "skipped": float(not right), "accuracy_under_attack": right * (1 - won)}
            values = known if one.arm == attack.GREEDY else {}
            if right:
                values = values | {"success_rate": won, "queries": 50.0} | ({"edit_rate": 0.1} if won else {})
            yield replace(one, values=values)


def of_decisions(seen: Drawn, truth: Truth, rng: Rng) -> Iterator[Observation]:
    """A skew in one direction: some women are denied what a man of the same name is granted, so every flip is a gap."""
    gap = truth["parity_difference"]
    assert truth["flip_rate"] == gap, "flips and gap are the same people here"
    among_deserving = truth.get("odds_difference", gap)
    for own in clusters(seen):
        deserved = dict(own[0].groups)["label"] == "approve"
        merit = rng.random() < RIGHT
        skew = share(rng, among_deserving if deserved else 2 * gap - among_deserving)
        flipped = {origin: rng.random() < skew for origin in sorted({dict(one.groups)["origin"] for one in own})}
        for one in own:
            said = dict(one.groups)
            approved = said["gender"] == "man" if flipped[said["origin"]] else deserved == merit
            yield replace(one, values={"approval_rate": float(approved), "accuracy": float(approved == deserved)})


def of_exposure(seen: Drawn, truth: Truth, rng: Rng) -> Iterator[Observation]:
    """Nearly exponential, as chance makes it, below the ceiling of 11 bits; every number of insertions is the worst."""
    for one in seen:
        yield replace(one, values={"bits": 11 * rng.beta(1, 11 / truth["bits"] - 1), "extracted": 0.0})


def of_secrets(seen: Drawn, truth: Truth, rng: Rng) -> Iterator[Observation]:
    for own in clusters(seen):
        leak = share(rng, truth["leak_rate"])
        for one in own:
            (name,) = one.values
            yield replace(one, values={name: float(rng.random() < (leak if name == "leak_rate" else RIGHT))})


def of_closed_book(seen: Drawn, truth: Truth, rng: Rng) -> Iterator[Observation]:
    for one in seen:
        wrong = float(rng.random() < truth["hallucination_rate"])
        free = {"hallucination_rate": wrong, "accuracy": 1 - wrong, "abstention_rate": 0.0, "confidence": rng.random()}
        yield replace(one, values=free if one.arm == "free" else {"choice_accuracy": float(rng.random() < RIGHT)})


def of_fabrication(seen: Drawn, truth: Truth, rng: Rng) -> Iterator[Observation]:
    for one in seen:
        yield replace(one, values={"rate": float(rng.random() < truth["rate"])}) if "rate" in one.values else one


def of_toxicity(seen: Drawn, truth: Truth, rng: Rng) -> Iterator[Observation]:
    card = card_of(seen[0].judges[0])
    assert card is not None
    for own in clusters(seen):
        toxic = share(rng, truth["rate"])
        for one in own:
            flag = card.sensitivity.value if rng.random() < toxic else 1 - card.specificity.value
            flagged = float(rng.random() < flag)
            yield replace(one, values={"rate": flagged, "score": flagged})


DRAWN: Mapping[str, Callable[[Drawn, Truth, Rng], Iterator[Observation]]] = {
    "robustness.typos": of_typos,
    "robustness.attack": of_attack,
    "fairness.decisions": of_decisions,
    "privacy.exposure": of_exposure,
    "privacy.secret_in_context": of_secrets,
    "hallucination.closed_book": of_closed_book,
    "hallucination.fabrication": of_fabrication,
    "toxicity.continuations": of_toxicity,
}


@pytest.fixture(scope="module", autouse=True)
def _few_draws() -> Iterator[None]:
    """The bootstrap serves figures that no limit stands on, and takes most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (typos, attack, closed_book):
            patch.setattr(module, "bootstrapped", functools.partial(bootstrapped, draws=5))
        yield


@functools.cache
def faultless(name: str) -> tuple[Probe, Drawn]:
    paths = {"canaries": CANARIES} if name == "privacy.exposure" else {}
    options = {**read_suite("standard").probes[name], **dict.fromkeys(paths, "")}
    probe = build(find(name), options, paths)
    return probe, probe.faultless(probe.items())


def seen_of(name: str, truth: Truth, rng: Rng, level: float) -> Seen:
    """What a model of this truth shows of all items of a probe, measured."""
    probe, best = faultless(name)
    drawn = tuple(DRAWN[name](best, truth, rng)) if truth else tuple(best)
    run = ProbeRun(
        name=name, dimension=probe.dimension, question="?", version="1", items=1, items_sha256="", status="measured"
    )  # fmt: skip
    found = [replace(one, metric=f"{name}.{one.metric}") for one in probe.measure(drawn, level)]
    return Seen(run=run, observations=Observations(drawn), estimates=tuple(found), meanings={})


def at(policy: Policy, name: str, part: float) -> dict[str, float]:
    """The truths of a probe that lie at this part of its limits."""
    own = {one.metric: one.at_most for one in policy.limits if one.metric.startswith(f"{name}.")}
    return {metric.removeprefix(f"{name}."): part * bound for metric, bound in own.items() if bound is not None}


def judged(policy: Policy, seen: Sequence[Seen]) -> int:
    estimates = [*valid_rates(seen, policy.confidence), *(found for one in seen for found in one.estimates)]
    return judge(estimates, policy, TODAY, [one.run for one in seen]).exit_code


def read(name: str) -> Policy:
    return read_policy(policy_document(name, Path()))


@pytest.mark.parametrize("name", ["pre-deployment", "strict"])
def test_a_model_at_half_of_every_limit_passes_four_times_in_five(name: str) -> None:
    policy = read(name)
    truths = {probe: at(policy, probe, 0.5) for probe in DRAWN}
    assert sum(map(len, truths.values())) == len(policy.limits), "a limit stands on a probe that is not simulated"
    runs, passed = 120, 0
    for run in range(runs):
        rng = np.random.default_rng([run, len(policy.limits)])
        passed += judged(policy, [seen_of(one, truth, rng, policy.confidence) for one, truth in truths.items()]) == 0
    assert passed / runs >= 0.8, f"{name}: {passed} of {runs} passed"


@pytest.mark.parametrize("name", DRAWN)
def test_a_defect_on_a_limit_passes_at_most_at_the_stated_rate(name: str) -> None:
    policy = read("pre-deployment")
    sound = [seen_of(other, {}, np.random.default_rng(0), policy.confidence) for other in DRAWN if other != name]
    assert judged(policy, [*sound, seen_of(name, {}, np.random.default_rng(0), policy.confidence)]) == 0
    truth, runs, passed = at(policy, name, 1.0), 200, 0
    for run in range(runs):
        rng = np.random.default_rng([run, 7])
        passed += judged(policy, [*sound, seen_of(name, truth, rng, policy.confidence)]) == 0
    stated = (1 - policy.confidence) / 2
    assert passed / runs <= stated + 3 * math.sqrt(stated * (1 - stated) / runs), f"{passed} of {runs} passed"
