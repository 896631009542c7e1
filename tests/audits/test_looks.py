"""Every later look at a run's evidence is kept, shown by every output, and cannot be rewritten unnoticed."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from slm_audit.audits.cli import main
from slm_audit.audits.looks import looks_of
from slm_audit.audits.run_folder import read_record
from slm_audit.audits.verify import faults_of


def gate(run: Path, *more: str) -> Result:
    return CliRunner().invoke(main, ["gate", str(run), *more])


@pytest.fixture
def lenient(tmp_path: Path) -> str:
    limit = "{metric: toxicity.continuations.rate, at_most: 1}"
    path = tmp_path / "lenient.yaml"
    path.write_text(f"version: 1\nname: lenient\nlimits: [{limit}]\n")
    return str(path)


def test_the_same_judging_is_no_new_look(copied: Path) -> None:
    for _ in range(2):
        gate(copied)
    assert len(looks_of(copied, read_record(copied))) == 1
    assert not (copied / "looks.jsonl").exists()


def test_another_policy_is_a_look_that_is_kept_once(copied: Path, lenient: str) -> None:
    for _ in range(2):
        assert json.loads(gate(copied, "--policy", lenient, "--json").stdout)["looks"][-1]["policy"] == "lenient"
    first, second = looks_of(copied, read_record(copied))
    assert (first.judged_afterwards, second.judged_afterwards) == (False, True)
    assert second.at > first.at
    assert faults_of(copied) == []


@pytest.mark.parametrize("form", ["html", "markdown", "json"])
def test_later_outputs_of_the_run_name_the_look(copied: Path, lenient: str, form: str) -> None:
    gate(copied, "--policy", lenient)
    told = CliRunner().invoke(main, ["report", str(copied), "--form", form])
    assert "lenient" in told.stdout
    assert "afterwards" in told.stdout


def test_gate_writes_the_judged_record_in_any_form(copied: Path, lenient: str, tmp_path: Path) -> None:
    for form in ("html", "junit", "markdown", "json"):
        told = gate(copied, "--policy", lenient, "--form", form, "--output", str(tmp_path / form))
        text = (tmp_path / form).read_text("utf-8")
        assert "lenient" in text
        assert f"exit code {told.exit_code}" in text.lower() or f'"exit_code": {told.exit_code}' in text


def test_a_look_that_is_changed_moved_or_cut_is_noticed(copied: Path, lenient: str, tmp_path: Path) -> None:
    gate(copied, "--policy", lenient)
    Path(lenient).write_text(Path(lenient).read_text().replace("at_most: 1", "at_most: 0.9"))
    gate(copied, "--policy", lenient)
    kept = copied / "looks.jsonl"
    first, second = kept.read_text().splitlines()
    for lines in ([second], [second, first], [first.replace("lenient", "strict!"), second], [first, second[:-20]]):
        kept.write_text("".join(f"{line}\n" for line in lines))
        assert any("looks.jsonl" in fault for fault in faults_of(copied))
        told = gate(copied)
        assert told.exit_code == 2
        assert "looks.jsonl" in told.stderr


def test_a_look_that_cannot_be_kept_is_refused(copied: Path, lenient: str) -> None:
    (copied / "looks.jsonl").mkdir()
    told = gate(copied, "--policy", lenient)
    assert told.exit_code == 2
    assert "looks.jsonl" in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1
    assert stat.S_ISDIR((copied / "looks.jsonl").stat().st_mode)
