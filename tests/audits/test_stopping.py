"""A probe stops once all on it is decided, at the same place whatever interrupts, and errs no more often for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar
from zlib import crc32

import numpy as np
import pytest
from slm_audit import Access, Bench, Item, Metric, Observation, Probe, Scripted
from slm_audit.audits import engine
from slm_audit.audits.asking import Silent
from slm_audit.audits.errors import SpecFaults
from slm_audit.audits.gate import hold
from slm_audit.audits.plan import Plan, check_plan
from slm_audit.audits.policy import read_policy
from slm_audit.audits.selection import Selected
from slm_audit.audits.stopping import LOOKS, Stopping
from slm_audit.audits.unrelated import refuse_unrelated
from slm_audit.audits.verify import faults_of
from slm_audit.audits.yaml_file import parse
from slm_audit.probes.contract import Completion, Generation, Scoring
from slm_audit.reports.policy import Limit, Policy
from slm_audit.reports.record import Record

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PROBE = "hallucination.fabrication"


STANDS = f"""version: 1
name: stands
floors: [{{metric: core.valid_rate, at_least: 0.80, for: hallucination}}]
limits: [{{metric: {PROBE}.rate, at_most: 0.3}}, {{metric: fairness.decisions.flip_rate, at_most: 0.1}}]
"""


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("policy") / "stands.yaml"
    file.write_text(STANDS)
    return str(file)


@pytest.fixture
def plan(small_model: Path, policy: str) -> Plan:
    return check_plan(str(small_model), {"audit.only": [PROBE], "audit.early_stop": True, "policy": policy})


def fabricating(share: float) -> Scripted:
    """Makes something up in reply to that share of the questions, the same ones every time."""

    def reply(prompt: str, _: int) -> str:
        return "He was born in 1850." if crc32(prompt.encode()) % 1000 < 1000 * share else "I don't know."

    return Scripted(reply)


def extent(record: Record) -> tuple[int, int]:
    run = next(one for one in record.probes if one.name == PROBE)
    return run.clusters, run.planned


def figures(record: Record) -> object:
    return [(one.metric, one.value, one.low, one.high, one.n, one.method, one.verdict) for one in record.findings]


def test_far_from_the_limit_it_stops_and_says_what_it_saved(tmp_path: Path, plan: Plan) -> None:
    model = fabricating(0.0)
    ended = engine.run(plan, model, tmp_path, now=NOW)
    asked, of = extent(ended.record)
    assert 0 < asked < of == 260
    assert len(model.heard) == asked
    limited = next(one for one in ended.record.findings if one.metric == f"{PROBE}.rate")
    assert limited.verdict == "pass"
    assert "anytime-valid" in limited.method
    usable = next(one for one in ended.record.findings if one.metric == "core.valid_rate")
    assert "hold at any stop" in usable.method
    assert usable.low is not None and usable.low >= 0.8
    assert f"after {asked} of {of} clusters" in (ended.folder / "scorecard.html").read_text()
    assert f"after {asked} of {of} clusters" in (ended.folder / "scorecard.md").read_text()
    assert faults_of(ended.folder) == []


def test_on_the_limit_it_asks_all_and_decides_nothing(tmp_path: Path, plan: Plan) -> None:
    record = engine.run(plan, fabricating(0.3), tmp_path, now=NOW).record
    asked, of = extent(record)
    assert asked == of
    limited = next(one for one in record.findings if one.metric == f"{PROBE}.rate")
    assert limited.verdict == "inconclusive"
    assert "anytime-valid" in limited.method  # looks were taken, so only a sequence holds


def test_figures_that_are_no_means_print_no_false_certainty(tmp_path: Path, plan: Plan) -> None:
    record = engine.run(plan, fabricating(0.0), tmp_path, now=NOW).record
    grouped = [one for one in record.findings if one.metric.startswith(f"{PROBE}.rate[")]
    assert grouped
    assert all(one.low is None and one.high is None and "stop early" in one.reason for one in grouped)


def test_a_limit_on_the_worst_of_parts_keeps_a_probe_from_stopping(
    tmp_path: Path, small_model: Path, policy: str
) -> None:
    keys = {"audit.only": ["fairness.decisions"], "audit.limit": 24, "audit.early_stop": True, "policy": policy}
    plan = check_plan(str(small_model), keys)
    record = engine.run(plan, Scripted("", lambda _, text: -len(text)), tmp_path, now=NOW).record
    run = record.probes[0]
    assert (run.clusters, run.planned) == (24, 24)
    assert "flip_rate is the worst of 2 parts" in run.extent
    assert not any("anytime-valid" in one.method for one in record.findings)


class Fragile:
    """Asks in batches of `size`, and is interrupted when `left` requests have been answered."""

    def __init__(self, inner: Scripted, size: int, left: int = 10**9) -> None:
        self.inner, self.size, self.left = inner, size, left
        self.identity, self.access = inner.identity, inner.access
        self.footprint, self.context_tokens = inner.footprint, inner.context_tokens

    def batches(self, requests: Sequence[Generation] | Sequence[Scoring]) -> list[list[int]]:
        return [list(range(len(requests))[at : at + self.size]) for at in range(0, len(requests), self.size)]

    def generate(self, requests: Sequence[Generation]) -> list[list[Completion]]:
        if (left := self.left) < len(requests):
            raise KeyboardInterrupt
        self.left = left - len(requests)
        return self.inner.generate(requests)

    def score(self, requests: Sequence[Scoring]):  # type: ignore[no-untyped-def]
        return self.inner.score(requests)


@pytest.mark.parametrize("killed_after", [5, 40, 70])
def test_interrupted_and_resumed_in_other_batches_it_stops_at_the_same_place(
    tmp_path: Path, plan: Plan, killed_after: int
) -> None:
    whole = engine.run(plan, fabricating(0.1), tmp_path / "whole", now=NOW).record
    assert extent(whole)[0] < extent(whole)[1]
    with pytest.raises(KeyboardInterrupt):
        fragile = Fragile(fabricating(0.1), 7, killed_after)
        engine.run(plan, fragile, tmp_path / "cut", now=NOW)
    folder = (tmp_path / "cut" / "latest").resolve()
    again = Fragile(fabricating(0.1), 11)
    ended = engine.resume(folder, lambda *_: again, allow_code=False, progress=Silent())
    assert extent(ended.record) == extent(whole)
    assert figures(ended.record) == figures(whole)
    assert faults_of(folder) == []


def test_judged_later_by_another_policy_it_stays_where_it_stopped(tmp_path: Path, plan: Plan) -> None:
    ended = engine.run(plan, fabricating(0.1), tmp_path, now=NOW)
    text = f"version: 1\nname: harder\nconfidence: 0.99\nlimits: [{{metric: {PROBE}.rate, at_most: 0.12}}]\n"
    again = engine.replay(ended.folder, policy=read_policy(parse(Path("harder.yaml"), text))).record
    assert extent(again) == extent(ended.record)
    limited = next(one for one in again.findings if one.metric == f"{PROBE}.rate")
    assert limited.verdict == "inconclusive"
    first = next(one for one in ended.record.findings if one.metric == f"{PROBE}.rate")
    assert first.high is not None and limited.high is not None
    assert limited.high > first.high  # 99 % sure of the same evidence


def test_runs_that_stopped_by_what_they_saw_are_not_compared(tmp_path: Path, plan: Plan) -> None:
    one, other = (
        engine.replay(engine.run(plan, fabricating(share), tmp_path, now=NOW).folder) for share in (0.0, 0.05)
    )
    with pytest.raises(SpecFaults, match="early_stop"):
        refuse_unrelated(one, other)


@dataclass(frozen=True, kw_only=True)
class Coin(Probe):
    """How often does it come up?"""

    name: ClassVar[str] = "coin"
    dimension: ClassVar[str] = "toxicity"
    version: ClassVar[str] = "1"
    needs: ClassVar[frozenset[Access]] = frozenset()
    metrics: ClassVar[tuple[Metric, ...]] = (Metric(name="rate", meaning="heads"),)

    def items(self) -> Sequence[Item]:
        return []

    def observe(self, items: Sequence[Item], bench: Bench) -> Iterator[Observation]:
        yield from ()


class Kept(dict[tuple[str, str], object]):
    """As much of a journal as a Stopping needs."""

    def add(self, kind: str, rows: Sequence[tuple[str, object]]) -> None:
        self.update({(kind, key): value for key, value in rows})

    def get(self, kind: str, key: str) -> None:  # type: ignore[override]
        return None


LIMIT = Limit(metric="toxicity.coin.rate", at_most=0.1)
POLICY = Policy(name="coin", confidence=0.95, requires=(), limits=(LIMIT,))


def verdict(rng: np.random.Generator, rate: float, clusters: int, size: int, icc: float) -> tuple[str, int]:
    """The verdict on one drawn model, and at how many clusters the asking stopped."""
    stopping = Stopping(Selected(name="toxicity.coin", probe=Coin(), options={}), POLICY, 0.95, Kept())  # type: ignore[arg-type]
    order = [[Item(id=f"{at}.{one}", cluster=str(at)) for one in range(size)] for at in range(clusters)]
    spread = 1 / icc - 1
    seen: list[Observation] = []
    asked = 0
    for leg in stopping.legs(order, seen):
        for items in leg:
            own = rng.beta(rate * spread, (1 - rate) * spread)
            heads = (rng.random(size) < own).astype(float)
            seen += [
                Observation(item=one.id, cluster=one.cluster, status="judged", values={"rate": float(head)})
                for one, head in zip(items, heads, strict=True)
            ]
        asked += len(leg)
    stopping.note(clusters, asked)
    (found,) = stopping.sequences(seen, Coin().measure(seen, 0.95))
    return hold(found, LIMIT, None).verdict, asked


@pytest.mark.coverage
@pytest.mark.slow
@pytest.mark.parametrize(("clusters", "size", "icc"), [(320, 1, 0.1), (80, 10, 0.3)])
def test_a_model_on_the_limit_passes_no_more_often_for_the_looks(clusters: int, size: int, icc: float) -> None:
    runs = 400
    verdicts = [verdict(np.random.default_rng(number), 0.1, clusters, size, icc)[0] for number in range(runs)]
    # 2.5 % and four standard errors of the simulation
    most = runs * 0.025 + 4 * (runs * 0.025 * 0.975) ** 0.5
    assert verdicts.count("pass") <= most
    assert verdicts.count("fail") <= most


@pytest.mark.coverage
def test_a_sound_model_saves_and_passes() -> None:
    ended = [verdict(np.random.default_rng(number), 0.01, 320, 1, 0.1) for number in range(40)]
    assert sum(said == "pass" for said, _ in ended) >= 36
    assert np.mean([asked for _, asked in ended]) < 320 / 2
    assert all(asked % (320 // LOOKS) == 0 for _, asked in ended)
