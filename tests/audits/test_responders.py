"""A cascade of two models of known ability: every figure of the pair and of each route follows from arithmetic."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest
from slm_audit import Access, Bench, Completion, Exchange, Generation, Item, Metric, Observation, Probe, Scripted
from slm_audit.audits import engine
from slm_audit.audits.errors import EvidenceError
from slm_audit.audits.journal import Journal
from slm_audit.audits.models.cascade import CascadeModel
from slm_audit.audits.models.confidence import Confidence
from slm_audit.audits.models.replay import ReplayModel
from slm_audit.audits.models.replies import written
from slm_audit.audits.observations import Observations
from slm_audit.audits.plan import Plan, check_plan
from slm_audit.audits.responders import cascade_figures
from slm_audit.audits.selection import Selected
from slm_audit.audits.settings import Settings, facts_of
from slm_audit.audits.verify import faults_of
from slm_audit.probes.contract import Decoding
from slm_audit.reports.record import ProbeRun, Record

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ITEMS = 800  # a multiple of all the periods below, so that the shares are exact
SURE, UNSURE = -0.1, -2.0


@dataclass(frozen=True, kw_only=True)
class Sums(Probe):
    """Is the answer right?"""

    name: ClassVar[str] = "sums"
    dimension: ClassVar[str] = "robustness"
    version: ClassVar[str] = "1"
    needs: ClassVar[frozenset[Access]] = frozenset({Access.generate})
    metrics: ClassVar[tuple[Metric, ...]] = (Metric(name="accuracy", meaning="right answers", worse="lower"),)

    def items(self) -> Sequence[Item]:
        return [Item(id=f"{at}", cluster=f"{at}", content={"text": text(at)}) for at in range(ITEMS)]

    def observe(self, items: Sequence[Item], bench: Bench) -> Iterator[Observation]:
        asked = [Generation(prompt=str(one.content["text"]), decoding=Decoding(max_tokens=4)) for one in items]
        for item, request, said in zip(items, asked, bench.model.generate(asked), strict=True):
            yield Observation(
                item=item.id,
                cluster=item.cluster,
                status="judged",
                values={"accuracy": float(said[0].text == "right")},
                exchanges=(Exchange(asked=request, reply=said[0]),),
            )


def text(at: int) -> str:
    """Every eighth item is personal whose answer the small model is sure of (0, 1), or unsure of (3)."""
    return f"{at} asks jo@example.org" if at % 8 in (0, 1, 3) else f"{at} asks"


def number(prompt: str) -> int:
    return int(prompt.split()[0])


class Small(Scripted):
    """Right on even numbers, unsure where the rest by 4 is 3."""

    def __init__(self) -> None:
        super().__init__(lambda prompt, _: "wrong" if number(prompt) % 2 else "right", name="small")

    def generate(self, requests: Sequence[Generation]) -> list[list[Completion]]:
        said = super().generate(requests)
        logprobs = [UNSURE if number(str(one.prompt)) % 4 == 3 else SURE for one in requests]
        return [[replace(one, token_logprobs=(logprobs[at],)) for one in some] for at, some in enumerate(said)]


class Large(Scripted):
    """Right but where the rest by 5 is 3; it may be out of reach after so many requests."""

    def __init__(self, reach: int = ITEMS) -> None:
        super().__init__(lambda prompt, _: "wrong" if number(prompt) % 5 == 3 else "right", name="large")
        self.reach = reach

    def generate(self, requests: Sequence[Generation]) -> list[list[Completion]]:
        if len(self.heard) + len(requests) > self.reach:
            raise EvidenceError("the server is gone")
        return super().generate(requests)


def pair(small: Scripted, large: Scripted) -> CascadeModel:
    return CascadeModel(small, large, Confidence(by="likelihood", threshold=0.5))


@pytest.fixture
def plan(small_model: Path) -> Plan:
    whole = check_plan(str(small_model), {"audit.only": ["toxicity.*"]})
    return replace(whole, selected=[Selected(name="robustness.sums", probe=Sums(), options={})])


@pytest.fixture
def build_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A probe that is installed nowhere is built again from here."""
    selected = [Selected(name="robustness.sums", probe=Sums(), options={})]
    monkeypatch.setattr(Settings, "select", lambda _self, *, allow_code: selected)


def values(record: Record) -> dict[str, float | None]:
    return {one.metric: one.value for one in record.findings}


@pytest.mark.planted
def test_all_figures_follow_in_closed_form_and_the_run_verifies(tmp_path: Path, plan: Plan, build_again: None) -> None:
    ended = engine.run(plan, pair(Small(), Large()), tmp_path, now=NOW)
    found = values(ended.record)
    right_of_kept, right_of_deferred, deferred = 2 / 3, 4 / 5, 1 / 4
    assert found["cascade.deferral_rate"] == pytest.approx(deferred)
    assert found["cascade.deferral_rate[dimension=robustness]"] == pytest.approx(deferred)
    assert found["robustness.sums.accuracy[responder=small]"] == pytest.approx(right_of_kept)
    assert found["robustness.sums.accuracy[responder=large]"] == pytest.approx(right_of_deferred)
    whole = (1 - deferred) * right_of_kept + deferred * right_of_deferred
    assert found["robustness.sums.accuracy"] == pytest.approx(whole)
    assert found["cascade.personal_deferral_rate"] == pytest.approx(1 / 3)
    assert found["cascade.personal_share"] == pytest.approx(1 / 2)
    assert found["cascade.tokens[responder=small]"] == pytest.approx(2)  # one read and one written, every time
    assert found["cascade.tokens[responder=large]"] == pytest.approx(2 * deferred)
    assert found["cascade.tokens_sent"] == pytest.approx(deferred)  # the prompt alone
    rate = next(one for one in ended.record.findings if one.metric == "cascade.deferral_rate")
    assert (rate.n, rate.clusters, rate.role) == (ITEMS, ITEMS, "diagnostic")
    assert rate.low is not None and rate.high is not None and rate.low < deferred < rate.high
    assert faults_of(ended.folder) == []


@pytest.mark.planted
def test_what_was_overruled_is_kept_and_shown_with_its_author(tmp_path: Path, plan: Plan) -> None:
    folder = engine.run(plan, pair(Small(), Large()), tmp_path, now=NOW).folder
    journal = Journal(folder / "journal.sqlite", write=False)
    replies = {str(row["asked"]["prompt"]): row["reply"] for row in journal.bodies("reply")}  # type: ignore[index, call-overload]
    journal.close()
    seven, four = replies[text(7)], replies[text(4)]
    assert (seven["responder"], seven["text"], seven["drafts"][0]["text"]) == ("large", "right", "wrong")
    assert seven["drafts"][0]["token_logprobs"] == [UNSURE]
    assert (four["responder"], four["text"], four["drafts"][0]["token_logprobs"]) == ("small", "right", [SURE])
    lines = map(json.loads, (folder / "observations.jsonl").read_text().splitlines())
    turns = {one["item"]: one["turns"][0] for one in lines}
    assert (turns["7"]["responder"], turns["7"]["overruled"]) == ("large", "wrong")
    assert (turns["4"]["responder"], turns["4"]["overruled"]) == ("small", "")
    assert "jo@example.org" not in (folder / "observations.jsonl").read_text()


def test_a_run_whose_large_model_went_away_is_resumed_and_asks_nothing_twice(
    tmp_path: Path, plan: Plan, build_again: None
) -> None:
    whole = engine.run(plan, pair(Small(), Large()), tmp_path / "whole", now=NOW)
    cut = Small()
    with pytest.raises(EvidenceError):
        engine.run(plan, pair(cut, Large(reach=100)), tmp_path / "cut", now=NOW)
    folder = (tmp_path / "cut" / "latest").resolve()
    again, large = Small(), Large()
    ended = engine.resume(folder, lambda _spec, _base: pair(again, large), allow_code=False, progress=engine.Silent())
    assert ended.record.findings == whole.record.findings
    assert len(cut.heard) + len(again.heard) == ITEMS + 64  # the batch in flight alone was asked again
    assert faults_of(folder) == []


def test_another_threshold_is_another_model(tmp_path: Path, plan: Plan, build_again: None) -> None:
    with pytest.raises(EvidenceError):
        engine.run(plan, pair(Small(), Large(reach=100)), tmp_path, now=NOW)
    other = CascadeModel(Small(), Large(), Confidence(by="likelihood", threshold=0.6))
    with pytest.raises(Exception, match=r"the model's settings.threshold differs: 0.5 when the run began, 0.6 now"):
        engine.resume((tmp_path / "latest").resolve(), lambda _s, _b: other, allow_code=False, progress=engine.Silent())


def test_a_replay_of_the_exported_journal_gives_the_same_findings(tmp_path: Path, plan: Plan) -> None:
    live = engine.run(plan, pair(Small(), Large()), tmp_path / "live", now=NOW)
    journal = Journal(live.folder / "journal.sqlite", write=False)
    log = tmp_path / "log.jsonl"
    log.write_text("\n".join(written(facts_of(pair(Small(), Large())), journal.bodies("reply"))) + "\n")
    journal.close()
    again = engine.run(plan, ReplayModel(log), tmp_path / "again", now=NOW)
    assert again.record.findings == live.record.findings


def test_one_model_alone_has_no_such_figures(tmp_path: Path, plan: Plan) -> None:
    record = engine.run(plan, Small(), tmp_path, now=NOW).record
    assert not [one for one in values(record) if one.startswith("cascade.") or "responder" in one]


@pytest.mark.slow
def test_two_local_models_by_the_real_command(
    tmp_path: Path, make_model: Callable[..., Path], slm_audit: Callable[..., object]
) -> None:
    parts = [f"{{kind: transformers, path: {make_model(seed=seed)}}}" for seed in (3, 4)]
    model = f"{{kind: cascade, small: {parts[0]}, large: {parts[1]}, confidence: likelihood, threshold: 0.5}}"
    (tmp_path / "model.yaml").write_text(f"version: 1\nmodel: {model}\n")
    told = slm_audit(
        "run", "model.yaml", "--allow-path", "--probes", "toxicity.*", "--probes", "fairness.*", "--limit", "8",
        cwd=tmp_path,
    )  # fmt: skip
    assert told.returncode in (1, 3, 4), told.stderr  # type: ignore[attr-defined]
    run = tmp_path / "runs" / "latest"
    found = {one["metric"]: one for one in json.loads((run / "record.json").read_text())["findings"]}
    assert found["cascade.deferral_rate"]["n"] > 8
    assert "cascade.deferral_rate" in (run / "scorecard.html").read_text()
    assert slm_audit("verify", "runs/latest", cwd=tmp_path).returncode == 0  # type: ignore[attr-defined]


def test_what_the_large_model_said_in_vain_is_counted_and_has_left() -> None:
    small = Scripted(lambda _prompt, sample: "I can't help with that." if sample == 2 else "Yes.")
    large = Scripted(lambda _prompt, _sample: "one two three")
    model = CascadeModel(small, large, Confidence(by="refusal", threshold=1.0))
    asked = Generation(prompt="Is it?", decoding=Decoding(max_tokens=4), samples=4)
    (replies,) = model.generate([asked])
    run = ProbeRun(
        name="toxicity.samples", dimension="toxicity", question="", version="1", items=4, items_sha256="",
        status="measured",
    )  # fmt: skip
    seen = [
        Observation(
            item=f"{at}",
            cluster="c",
            status="judged",
            values={},
            exchanges=(Exchange(asked=replace(asked, samples=1), reply=reply),),
        )
        for at, reply in enumerate(replies)
    ]
    found = {(one.metric, one.groups): one.value for one in cascade_figures([(run, Observations(seen))], 0.95)}
    assert found["cascade.deferral_rate", ()] == 1 / 4
    # Of the large model three samples were drawn, each of one token read and three written, for the sake of the last.
    assert found["cascade.tokens", (("responder", "large"),)] == pytest.approx(3 * (1 + 3) / 4)
    assert found["cascade.tokens_sent", ()] == pytest.approx(3 / 4)
