"""Models that say nothing of worth cannot pass, and what goes wrong in a run is a value with a reason."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest
from slm_audit import Access, Bench, Item, Metric, NotMeasured, Observation, Probe, Scripted
from slm_audit.audits import engine, run_folder
from slm_audit.audits.plan import Plan, check_plan
from slm_audit.audits.selection import Selected
from slm_audit.audits.verify import faults_of
from slm_audit.reports.record import Record

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PROBES = ["fairness.*", "hallucination.*", "privacy.*", "robustness.typos", "toxicity.*"]


@pytest.fixture
def plan(small_model: Path) -> Plan:
    return check_plan(str(small_model), {"audit.only": PROBES})


def noise(text: str) -> float:
    return -float(sum(text.encode()) % 97) - 1


USELESS = {
    "silent": Scripted("", lambda _, text: -len(text)),
    "refusing": Scripted("I'm sorry, but I can't help with that.", lambda _, text: -len(text)),
    "not knowing": Scripted("I don't know.", lambda _, text: -len(text)),
    "looping": Scripted("the the the the the the the the the the the the", lambda _, text: -len(text)),
    "always the first": Scripted(
        "Certainly, it is so.", lambda _, text: -1.0 if "app" in text or "pos" in text else -2.0
    ),
    "random": Scripted("Perhaps on a Tuesday.", lambda context, text: noise(context + text)),
    "flat": Scripted("It may be so.", lambda _context, _text: -1.0),
}


@pytest.mark.planted
@pytest.mark.slow
@pytest.mark.parametrize("name", USELESS)
def test_a_useless_model_cannot_pass(tmp_path: Path, plan: Plan, name: str) -> None:
    ended = engine.run(plan, USELESS[name], tmp_path, now=NOW)
    record = ended.record
    assert record.exit_code != 0
    unshown = {one.dimension for one in record.floors if not one.shown}
    assert unshown, "every floor was shown by a model that can do nothing"
    passed = {one.dimension for one in record.findings if one.verdict == "pass"}
    assert not passed & unshown
    for dimension in ("fairness", "hallucination", "robustness"):
        assert dimension in unshown, f"the {name} model showed competence in {dimension}"
    agree(ended.folder, record)
    assert faults_of(ended.folder) == []


def agree(folder: Path, record: Record) -> None:
    """Every output says the same verdict, and the same of each limit."""
    page, card = (folder / "scorecard.html").read_text(), (folder / "scorecard.md").read_text()
    suites = ElementTree.parse(folder / "junit.xml").getroot()
    assert (int(suites.get("failures", 0)) + int(suites.get("errors", 0)) == 0) == (record.exit_code == 0)
    assert f"xit code {record.exit_code}" in page
    assert str(record.exit_code) in card
    assert record.verdict in page.lower()
    for finding in record.findings:
        if finding.verdict:
            assert finding.metric in page
            assert finding.metric in card
            probe, metric = finding.metric.rsplit(".", 1)
            assert f'classname="{probe}" name="{metric} ' in (folder / "junit.xml").read_text()


@dataclass(frozen=True, kw_only=True)
class Odd(Probe):
    """What happens when something goes wrong?"""

    name: ClassVar[str] = "odd"
    dimension: ClassVar[str] = "toxicity"
    version: ClassVar[str] = "1"
    needs: ClassVar[frozenset[Access]] = frozenset({Access.generate})
    metrics: ClassVar[tuple[Metric, ...]] = (Metric(name="rate", meaning="odd things"),)
    fault: str = ""

    def items(self) -> Sequence[Item]:
        if self.fault == "items":
            raise OSError("the items are gone")
        return [Item(id=str(at), cluster=str(at)) for at in range(500)]

    def observe(self, items: Sequence[Item], bench: Bench) -> Iterator[Observation]:
        for item in items:
            if self.fault == "raises" and item.id == "7":
                raise RuntimeError("a bug in the probe\x1b]0;owned\x07")
            if self.fault == "cannot":
                raise NotMeasured("there is no way to ask")
            if self.fault == "detector":
                bench.judge("nothing of the kind", ["text"])
            if self.fault == "skips" and int(item.id) % 2:
                continue
            yield Observation(item=item.id, cluster=item.cluster, status="judged", values={"rate": 0.0})

    def measure(self, seen: Sequence[Observation], level: float):  # type: ignore[no-untyped-def]
        if self.fault == "measure" and seen:
            raise ZeroDivisionError("nothing to divide by")
        found = Probe.measure(self, seen, level)
        return found * 2 if self.fault == "twice" else found


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        ("", "measured", ""),
        ("raises", "error", "RuntimeError: a bug in the probe"),
        ("items", "error", "the items are gone"),
        ("measure", "error", "nothing to divide by"),
        ("skips", "error", "was not observed"),
        ("twice", "error", "rate has two estimates"),
        ("cannot", "not_measured", "there is no way to ask"),
        ("detector", "not_measured", "nothing of the kind"),
    ],
)
def test_what_goes_wrong_in_a_probe_is_its_status_and_the_audit_goes_on(
    tmp_path: Path, plan: Plan, fault: str, status: str, said: str
) -> None:
    odd = Selected(name="toxicity.odd", probe=Odd(fault=fault), options={"fault": fault})
    other = replace(plan, selected=[odd])
    ended = engine.run(other, Scripted("fine"), tmp_path, now=NOW)
    (run,) = ended.record.probes
    assert (run.status, said in run.reason) == (status, True)
    assert ended.record.exit_code == 4  # the built-in policy's own probes were not asked
    (finding,) = [one for one in ended.record.findings if one.metric == "toxicity.odd.rate"]
    assert (finding.value is None) == (status != "measured")
    log = (ended.folder / "audit.log").read_text()
    assert "\x1b" not in log
    assert ("Traceback" in log) == (status == "error")


def test_a_model_without_the_access_that_a_probe_needs_is_not_measured(tmp_path: Path, plan: Plan) -> None:
    mute = Scripted("", access=frozenset({Access.generate}))
    ended = engine.run(plan, mute, tmp_path, now=NOW)
    exposure = next(one for one in ended.record.probes if one.name == "privacy.exposure")
    assert exposure.status == "not_measured"
    assert "score" in exposure.reason


def test_nan_logits_everywhere_are_missing_evidence_and_exit_4(tmp_path: Path, make_model: Callable[..., Path]) -> None:
    from safetensors.torch import load_file, save_file
    from slm_audit.audits.models.transformers import TransformersModel

    folder = make_model(seed=3)
    weights = load_file(folder / "model.safetensors")
    next(iter(weights.values())).fill_(float("nan"))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    broken = TransformersModel(str(folder))
    small = check_plan(str(folder), {"audit.only": ["toxicity.*", "fairness.*"], "audit.limit": 10})
    ended = engine.run(small, broken, tmp_path, now=NOW)
    assert ended.record.exit_code == 4
    rate = next(one for one in ended.record.findings if one.metric == "toxicity.continuations.rate")
    assert (rate.value, rate.verdict) == (None, "not_measured")
    assert faults_of(ended.folder) == []


def test_the_same_seed_gives_the_same_record_and_another_seed_another_order(tmp_path: Path, small_model: Path) -> None:
    def told(seed: int, out: str) -> Record:
        small = check_plan(str(small_model), {"audit.only": ["toxicity.*"], "audit.limit": 6, "audit.seed": seed})
        model = Scripted(lambda prompt, sample: f"word {len(prompt)} {sample}")
        return engine.run(small, model, tmp_path / out, now=NOW).record

    one, same, other = told(1, "a"), told(1, "b"), told(2, "c")
    assert one.findings == same.findings
    items = [
        {line.item for own in run_folder.read_transcripts(tmp_path / out / "latest").values() for line in own}
        for out in ("a", "b", "c")
    ]
    assert items[0] == items[1] != items[2]
    assert other.seed == 2


def test_secrets_stand_in_the_journal_alone(tmp_path: Path, small_model: Path) -> None:
    small = check_plan(str(small_model), {"audit.only": ["privacy.secret_in_context"], "audit.limit": 15})
    leaky = Scripted(lambda prompt, _: prompt[:400])
    ended = engine.run(small, leaky, tmp_path, now=NOW)
    rate = next(one for one in ended.record.findings if one.metric == "privacy.secret_in_context.leak_rate")
    assert rate.value is not None and rate.value > 0.9
    probe = small.selected[0].probe
    secrets = {str(i.content["secret"]) for i in probe.items() if ("ask", "entitled") not in i.groups}
    secrets = {one for one in secrets if "." not in one}  # a price may stand anywhere by chance
    for file in ended.folder.iterdir():
        text = file.read_bytes().decode("utf-8", "replace")
        found = [one for one in secrets if one in text]
        assert bool(found) == (file.name == "journal.sqlite"), f"{file.name} shows {found[:3]}"
