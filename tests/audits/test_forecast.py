"""What a run will cost is told from a handful of requests, in the run's own order and batches, and nothing is kept."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from slm_audit import Scripted
from slm_audit.audits import engine, sampling
from slm_audit.audits.asking import Silent
from slm_audit.audits.cli import main
from slm_audit.audits.forecast import Forecast
from slm_audit.audits.memory import IMPORT_SECONDS
from slm_audit.audits.plan import Plan, check_plan
from slm_audit.audits.prospect import foresee
from slm_audit.audits.sampling import Call, Leg, Sample, Spent, Weighed
from slm_audit.probes.contract import Access, Completion, Footprint, Generation, Item, Load, Score, Scoring
from slm_audit.probes.detectors import open_detector
from slm_audit.probes.testing import ALL_TEXT

NOW = datetime(2026, 6, 1, tzinfo=UTC)


class Busy(Scripted):
    """Burns a stated CPU time: so much for every batch, and so much for every request in it."""

    a_batch, a_request = 0.02, 0.001

    def burn(self, requests: int) -> None:
        until = time.process_time() + self.a_batch + self.a_request * requests
        while time.process_time() < until:
            pass

    def generate(self, requests: Sequence[Generation]) -> list[list[Completion]]:
        self.burn(sum(one.samples for one in requests))
        return super().generate(requests)

    def score(self, requests: Sequence[Scoring]) -> list[Score]:
        self.burn(len(requests))
        return super().score(requests)


@pytest.fixture
def plan(small_model: Path) -> Plan:
    return check_plan(str(small_model), {"audit.only": ["hallucination.*", "fairness.*"], "audit.seed": 3})


class Watched(Silent):
    """Keeps the CPU seconds of each probe."""

    def __init__(self) -> None:
        self.took: dict[str, float] = {}

    def probe_begins(self, name: str, question: str, items: int) -> None:
        self.began = Spent.until_now()

    def probe_ends(self, run) -> None:  # type: ignore[no-untyped-def]
        self.took[run.name] = (Spent.until_now() - self.began).cpu


def test_the_cost_of_each_probe_is_foretold_within_a_factor_of_one_and_a_half(tmp_path: Path, plan: Plan) -> None:
    for kind in ("toxicity", "refusal", "abstention", "degenerate"):
        open_detector(kind).judge(["warm"])  # imports are paid once, by whoever comes first
    # Seconds of a shared machine: one forecast of three that holds for every probe is enough.
    for attempt in range(3):
        prospect = foresee(plan, Busy("It may be so."), Silent())
        watched = Watched()
        record = engine.run(plan, Busy("It may be so."), tmp_path / str(attempt), progress=watched, now=NOW).record
        ratios = {
            one.selected.name: one.cost().spent.cpu / watched.took[one.selected.name] for one in prospect.outlooks
        }
        if all(1 / 1.5 <= one <= 1.5 for one in ratios.values()):
            break
    else:
        pytest.fail(f"told over taken: {ratios}")
    asked = {one.name: one.requests for one in record.probes}
    for one in prospect.outlooks:
        assert one.cost().requests == pytest.approx(asked[one.selected.name], rel=0.1)


def test_the_sample_is_the_beginning_of_the_run_and_a_handful(
    tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "ENOUGH", 0.3)
    monkeypatch.setattr(sampling, "CLUSTERS", 8)
    sampled, running = Busy("It may be so."), Busy("It may be so.")
    prospect = foresee(plan, sampled, Silent())
    engine.run(plan, running, tmp_path, now=NOW)
    assert {repr(one) for one in sampled.heard} <= {repr(one) for one in running.heard}
    assert len(sampled.heard) < len(running.heard) / 2
    for one in prospect.outlooks:
        assert one.forecast is not None
        first = [cluster[0].cluster for cluster in one.forecast.sample.order]
        seen = list(dict.fromkeys(said.cluster for said in one.forecast.sample.seen))
        assert seen == first[: len(seen)]


class Measured(Busy):
    """A model that took 2 s to load, and may be loaded again, but not for a forecast."""

    def __init__(self) -> None:
        super().__init__("It may be so.", access=ALL_TEXT | {Access.footprint})
        self.footprint = Footprint(parameters=1, bytes_on_disk=1, load_seconds=2.0)

    def loads(self) -> Sequence[Load]:
        raise AssertionError("a forecast loads nothing")


def test_the_eight_further_loads_are_foretold_where_a_probe_measures_them(tmp_path: Path, small_model: Path) -> None:
    spec = tmp_path / "model.yaml"
    spec.write_text(f"version: 1\nmodel: {{path: '{small_model}'}}\ncard: {{deployed_on: {{memory_gb: 8}}}}\n")
    for only, seconds in (("fitness.resources", IMPORT_SECONDS + 8 * 2.0), ("hallucination.*", 0.0)):
        plan = check_plan(str(spec), {"audit.only": [only], "audit.limit": 2}, allow_path=True)
        prospect = foresee(plan, Measured(), Silent())
        assert not [one.reason for one in prospect.outlooks if one.reason]
        assert prospect.start.clock == seconds


def test_passes_and_clusters_are_told_apart() -> None:
    """Legs that cost 0.3 s a pass and 0.02 s a cluster, of a model that takes 8 requests a batch."""

    class Eights(Scripted):
        def batches(self, requests: Sequence[Generation] | Sequence[Scoring]) -> list[list[int]]:
            return [list(range(at, min(at + 8, len(requests)))) for at in range(0, len(requests), 8)]

    def leg(clusters: int) -> Leg:
        asked = [Scoring(context="", continuation=str(at)) for at in range(clusters)]
        passes = -(-clusters // 8)
        spent = 0.3 * passes + 0.02 * clusters
        call = Call(asked=asked, batches=passes, passes=passes, requests=clusters, tokens=clusters)
        return Leg(clusters=clusters, spent=Spent(cpu=spent, clock=2 * spent), calls=(call,))

    class Idle:
        probe = type("P", (), {"measure": lambda *_: []})()

    order = [[Item(id=str(at), cluster=str(at))] for at in range(80)]
    legs = tuple(leg(size) for size in (1, 1, 2, 4, 6))
    sample = Sample(
        selected=Idle(), order=order, model=Weighed(Eights()), legs=legs, seen=(), peak_bytes=0,  # type: ignore[arg-type]
    )  # fmt: skip
    cost = Forecast(sample, 0.95).of(80)
    assert cost.spent.cpu == pytest.approx(10 * 0.3 + 80 * 0.02, rel=0.02)
    assert cost.spent.clock == pytest.approx(2 * (10 * 0.3 + 80 * 0.02), rel=0.02)
    assert (cost.requests, cost.items) == (80, 80)


@pytest.mark.slow
def test_plan_says_it_all_and_writes_nothing(tmp_path: Path, small_model: Path, slm_audit, finished: Path) -> None:
    only = ("--probes", "toxicity.*", "--probes", "privacy.exposure", "--limit", "20", "--early-stop")
    told = slm_audit("plan", str(small_model), *only, "--minutes", "30", "--json", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert list(tmp_path.iterdir()) == []
    said = json.loads(told.stdout)
    toxicity = next(one for one in said["probes"] if one["name"] == "toxicity.continuations")
    low, high = toxicity["cost"]["cpu_seconds_range"]
    assert 0 < low < toxicity["cost"]["cpu_seconds"] < high
    assert toxicity["peak_bytes"] > 50 * 2**20  # torch alone takes more
    exposure = next(one for one in said["probes"] if one["name"] == "privacy.exposure")
    assert "no canaries are named" in exposure["reason"]
    limits = {one["metric"]: one for one in said["limits"]}
    assert limits["toxicity.continuations.rate"]["truth"] == 0.07 / 2  # half of what pre-deployment allows
    assert not limits["toxicity.continuations.rate"]["decidable"]
    assert "no canaries" in limits["privacy.exposure.bits"]["reason"]
    assert said["budget"]["clusters"]["toxicity.continuations"] == 20
    some = ("--probes", "fairness.*", "--limit", "12")
    piloted = slm_audit("plan", str(small_model), *some, "--pilot", str(finished), cwd=tmp_path)
    assert piloted.returncode == 0, piloted.stderr
    assert "(the pilot)" in piloted.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("guess", "said"),
    [
        ("toxicity.continuations.rat=0.1", "did you mean 'toxicity.continuations.rate'"),
        ("toxicity.continuations.rate", "write METRIC=VALUE"),
        ("toxicity.continuations.rate=much", "write METRIC=VALUE"),
        ("toxicity.continuations.rate=nan", "write METRIC=VALUE"),
        ("toxicity.continuations.rate=7", "lies between 0 and 1"),
    ],
)
def test_a_guess_that_means_nothing_is_refused(small_model: Path, guess: str, said: str) -> None:
    told = CliRunner().invoke(main, ["plan", str(small_model), "--guess", guess])
    assert told.exit_code == 2
    assert said in told.output
