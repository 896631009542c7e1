"""Fit for a deployment: shown only where the card demands both sides and both were measured."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from slm_audit.audits.fitness import card_limits, unshown, with_card
from slm_audit.audits.policy import policy_document, read_policy
from slm_audit.audits.spec import Card
from slm_audit.reports.policy import Limit

BOTH = {"used_for": {"at_least": 0.6}, "deployed_on": {"memory_gb": 4, "latency_ms": 300, "tokens_per_second": 10}}
MEASURED = {"fitness.resources", "fitness.ability"}


def test_a_card_sets_its_limits_and_the_policys_own_stand() -> None:
    card = Card.model_validate(BOTH)
    assert {one.metric: str(one) for one in card_limits(card)} == {
        "fitness.resources.memory_gb": "at most 4",
        "fitness.resources.latency_ms": "at most 300",
        "fitness.resources.tokens_per_second": "at least 10",
        "fitness.ability.accuracy": "at least 0.6",
    }
    policy = read_policy(policy_document("pre-deployment", Path.cwd()))
    own = Limit(metric="fitness.resources.memory_gb", at_most=1.0)
    from dataclasses import replace

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


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("time", path="/usr/bin") or os.uname().sysname != "Linux", reason="no GNU time")
def test_the_memory_is_what_the_system_says_of_the_process(tmp_path: Path, small_model: Path) -> None:
    import subprocess
    import sys

    command = [
        "/usr/bin/time", "-f", "%M", sys.executable, "-m", "slm_audit.audits.cli",
        "run", str(small_model), "--probes", "fitness.resources", "--quiet",
    ]  # fmt: skip
    spec = "version: 1\nmodel: {path: model}\ncard: {deployed_on: {memory_gb: 8}}\n"
    (tmp_path / "model").symlink_to(small_model)
    (tmp_path / "model.yaml").write_text(spec)
    command[command.index(str(small_model))] = "model.yaml"
    told = subprocess.run([*command, "--allow-path"], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    record = json.loads((tmp_path / "runs/latest/record.json").read_text())
    held = next(one["value"] for one in record["findings"] if one["metric"] == "fitness.resources.memory_gb")
    peak = int(told.stderr.strip().splitlines()[-1]) * 1024 / 1e9
    # Outputs are written after the reading, so the process may have held somewhat more in the end.
    assert 0.85 * peak < held <= peak
