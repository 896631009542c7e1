"""Fit for a deployment: shown only where the card demands both sides and both were measured."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from slm_audit import Completion, Generation, Scripted
from slm_audit.audits import engine
from slm_audit.audits.fitness import card_limits, unshown, with_card
from slm_audit.audits.plan import check_plan
from slm_audit.audits.policy import policy_document, read_policy
from slm_audit.audits.spec import Card
from slm_audit.audits.verify import faults_of
from slm_audit.probes.contract import Footprint, Load
from slm_audit.reports.policy import Limit

BOTH = {
    "used_for": {"at_least": 0.6},
    "deployed_on": {"memory_gb": 4, "latency_ms": 300, "tokens_per_second": 10, "joules_per_token": 2},
}
MEASURED = {"fitness.resources", "fitness.ability"}


def test_a_card_sets_its_limits_and_the_policys_own_stand() -> None:
    card = Card.model_validate(BOTH)
    assert {one.metric: str(one) for one in card_limits(card)} == {
        "fitness.resources.memory_gb": "at most 4",
        "fitness.resources.latency_ms": "at most 300",
        "fitness.resources.tokens_per_second": "at least 10",
        "fitness.resources.joules_per_token": "at most 2",
        "fitness.ability.accuracy": "at least 0.6",
    }
    policy = read_policy(policy_document("pre-deployment", Path.cwd()))
    own = Limit(metric="fitness.resources.memory_gb", at_most=1.0)
    held = with_card(replace(policy, limits=(*policy.limits, own)), card)
    assert [one for one in held.limits if one.metric == own.metric] == [own]
    assert with_card(policy, Card()) == policy


def test_fit_is_shown_by_both_sides_alone() -> None:
    card = Card.model_validate(BOTH)
    assert unshown(card, MEASURED) == ()
    for lacking, measured in (
        (card, {"fitness.ability"}),
        (card, {"fitness.resources"}),
        (Card.model_validate({"used_for": BOTH["used_for"]}), MEASURED),
        (Card.model_validate({"deployed_on": BOTH["deployed_on"]}), MEASURED),
        (Card(), set()),
    ):
        (line,) = unshown(lacking, measured)
        assert line.startswith("fit not shown")


@pytest.mark.slow
def test_a_resumed_run_and_verify_report_what_was_measured_first(tmp_path: Path, small_model: Path, slm_audit) -> None:
    (tmp_path / "model").symlink_to(small_model)
    rows = [{"text": f"The number {at} is", "label": "odd" if at % 2 else "even"} for at in range(30)]
    (tmp_path / "task.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "model.yaml").write_text(
        "version: 1\nmodel: {path: model}\n"
        "card: {used_for: {at_least: 0.99}, deployed_on: {memory_gb: 0.01, latency_ms: 100000}}\n"
        "audit: {probes: {fitness.ability: {task: task.jsonl}}}\n"
    )
    told = slm_audit("run", "model.yaml", "--allow-path", "--probes", "fitness.*", cwd=tmp_path)
    assert told.returncode == 1, told.stderr  # it holds more than 10 MB
    run = tmp_path / "runs" / "latest"
    before = json.loads((run / "record.json").read_text())
    verdicts = {one["metric"]: one["verdict"] for one in before["findings"]}
    assert verdicts["fitness.resources.memory_gb"] == "fail"
    assert verdicts["fitness.resources.latency_ms"] == "pass"
    assert verdicts["fitness.ability.accuracy"] in ("fail", "inconclusive")
    assert not any("fit not shown" in line for line in before["not_covered"])
    values = {one["metric"]: one["value"] for one in before["findings"]}
    weights = sum(one.stat().st_size for one in small_model.glob("*.safetensors"))
    assert values["fitness.resources.disk_gb"] == pytest.approx(weights / 1e9)
    assert slm_audit("verify", "runs/latest", cwd=tmp_path).returncode == 0
    (run / "record.json").unlink()
    (run / "scorecard.html").unlink()
    assert slm_audit("resume", "runs/latest", cwd=tmp_path).returncode == 1
    assert json.loads((run / "record.json").read_text())["findings"] == before["findings"]


def _peak_gb(command: list[str], cwd: Path) -> float:
    """The most memory that a process held, by GNU time."""
    told = subprocess.run(["/usr/bin/time", "-f", "%M", *command], cwd=cwd, capture_output=True, text=True, timeout=300)
    return int(told.stderr.strip().splitlines()[-1]) * 1024 / 1e9


PLAINLY = """
import sys, torch
import slm_audit.audits.models.lean  # else transformers loads 160 MB of which nothing is used
import transformers
tokenizer = transformers.AutoTokenizer.from_pretrained(sys.argv[1])
model = transformers.AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32)
model.generate(**tokenizer("The night train stops at a small station. " * 8, return_tensors="pt"), max_new_tokens=32)
"""


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("time", path="/usr/bin") or os.uname().sysname != "Linux", reason="no GNU time")
def test_the_memory_is_what_the_system_says_of_the_process(tmp_path: Path, small_model: Path) -> None:
    (tmp_path / "model").symlink_to(small_model)
    (tmp_path / "model.yaml").write_text("version: 1\nmodel: {path: model}\ncard: {deployed_on: {memory_gb: 8}}\n")
    arguments = ["run", "model.yaml", "--allow-path", "--probes", "fitness.resources", "--quiet"]
    whole = _peak_gb([sys.executable, "-m", "slm_audit.audits.cli", *arguments], tmp_path)
    record = json.loads((tmp_path / "runs/latest/record.json").read_text())
    found = {one["metric"].rsplit(".", 1)[-1]: one for one in record["findings"]}
    # Outputs are written after the reading, so the process may have held somewhat more in the end.
    assert 0.85 * whole < found["audit_memory_gb"]["value"] <= whole
    memory = found["memory_gb"]
    assert (memory["n"], memory["verdict"]) == (8, "pass")
    assert found["loaded_memory_gb"]["value"] <= memory["value"] <= memory["high"] < found["audit_memory_gb"]["value"]
    plainly = _peak_gb([sys.executable, "-c", PLAINLY, str(small_model)], tmp_path)
    assert 0.85 * plainly < memory["value"] < 1.2 * plainly  # our engine and its libraries are in it
    load = found["load_seconds"]
    assert load["n"] == 8 and 0 < load["low"] <= load["value"] <= load["high"] < 60
    assert found["joules_per_token"]["value"] is not None or "energy" in found["joules_per_token"]["reason"]


class Powered(Scripted):
    """Spends 2 J on each of 5 tokens, but never as much again."""

    def __init__(self) -> None:
        super().__init__("one two three four five")
        self.footprint = Footprint(parameters=1, bytes_on_disk=1, load_seconds=1.0, energy_of=("package-0",))

    def generate(self, requests: Sequence[Generation]) -> list[list[Completion]]:
        spent = 10.0 + len(self.heard) / 1e6
        said = super().generate(requests)
        return [[replace(one, seconds=1.0, first_token_seconds=0.5, joules=spent) for one in some] for some in said]

    def loads(self) -> Sequence[Load]:
        now = 1.0 + len(self.heard) / 1e3
        return [Load(seconds=now + at, loaded_bytes=10**8, peak_bytes=2 * 10**8) for at in range(8)]


def test_energy_and_loads_are_journalled_and_held_against_the_card(tmp_path: Path, small_model: Path) -> None:
    (tmp_path / "model").symlink_to(small_model)
    card = "card: {deployed_on: {joules_per_token: 1.5, memory_gb: 0.3}}\n"
    (tmp_path / "model.yaml").write_text(f"version: 1\nmodel: {{path: model}}\n{card}audit: {{only: [fitness.*]}}\n")
    plan = check_plan(str(tmp_path / "model.yaml"), {}, allow_path=True)
    ended = engine.run(plan, Powered(), tmp_path / "runs")
    found = {one.metric.rsplit(".", 1)[-1]: one for one in ended.record.findings}
    energy, memory = found["joules_per_token"], found["memory_gb"]
    assert energy.value == pytest.approx(2.0, abs=1e-3)
    assert (energy.verdict, energy.method) == ("fail", "50% quantile between order statistics; counted: package-0")
    assert (memory.verdict, memory.value) == ("pass", pytest.approx(0.2))
    assert faults_of(ended.folder) == []
    (ended.folder / "record.json").unlink()
    again = engine.resume(ended.folder, lambda _s, _b: Powered(), allow_code=False, progress=engine.Silent())
    assert again.record.findings == ended.record.findings
