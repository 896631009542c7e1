"""One changed byte anywhere in a run's folder is noticed, and an untouched run verifies."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from slm_audit.audits import run_folder
from slm_audit.audits.cli import main
from slm_audit.audits.verify import differing, faults_of

FILES = (
    "record.json", "record.json.sha256", "journal.sqlite", "observations.jsonl", "scorecard.html", "scorecard.md",
    "junit.xml", "spec.yaml", "policy.yaml", "audit.log",
)  # fmt: skip


@pytest.fixture
def run(tmp_path: Path, finished: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run"))


def test_an_untouched_run_verifies_and_is_left_untouched(run: Path) -> None:
    before = run_folder.digests(run)
    assert faults_of(run) == []
    assert faults_of(run, digest=run_folder.sha256(run / "record.json").upper()) == []
    assert run_folder.digests(run) == before


def test_the_folder_holds_what_the_design_names(run: Path) -> None:
    assert {one.name for one in run.iterdir()} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_one_changed_byte_is_noticed(run: Path, name: str) -> None:
    whole = (run / name).read_bytes()
    rng = random.Random(name)
    places = {0, len(whole) - 1, *(rng.randrange(len(whole)) for _ in range(25))}
    for place in places:
        changed = bytearray(whole)
        changed[place] ^= 1 << rng.randrange(8)
        (run / name).write_bytes(changed)
        assert faults_of(run), f"{name}: byte {place} was changed unnoticed"
    (run / name).write_bytes(whole)
    (run / name).unlink()
    assert any(name in one for one in faults_of(run)), f"{name} was taken away unnoticed"


def test_a_file_more_is_noticed_and_another_digest_too(run: Path) -> None:
    (run / "added.txt").write_text("x")
    assert any("added.txt" in one for one in faults_of(run))
    (run / "added.txt").unlink()
    (run / "notes").mkdir()
    assert any("notes" in one for one in faults_of(run))
    (run / "notes").rmdir()
    assert any("not the one that was filed" in one for one in faults_of(run, digest="0" * 64))


def test_a_digest_cut_short_is_not_called_another_one(run: Path) -> None:
    told = CliRunner().invoke(main, ["verify", str(run), "--digest", "3f5a"])
    assert told.exit_code == 2
    assert "--digest 3f5a is no SHA-256; give all 64 of its digits" in told.stderr


def test_a_figure_rewritten_with_all_digests_is_computed_anew(run: Path) -> None:
    record = run_folder.read_record(run)
    text = (run / "record.json").read_text()
    value = next(one.value for one in record.findings if one.value and 0 < one.value < 1)
    (run / "record.json").write_text(text.replace(repr(value), repr(value / 2), 1))
    digest = run_folder.sha256(run / "record.json")
    (run / "record.json.sha256").write_text(f"{digest}  record.json\n")
    assert any("computed anew" in one for one in faults_of(run))


def test_numbers_may_differ_by_a_millionth_and_nothing_else_may() -> None:
    assert differing({"a": [1.0, None]}, {"a": [1.0 + 1e-7, None]}, "r") == []
    assert differing({"a": 1.0}, {"a": 1.0 + 1e-5}, "r")
    assert differing({"a": None}, {"a": 0.0}, "r")
    assert differing([1], [1, 2], "r")
    assert differing({"a": "x"}, {"b": "x"}, "r")
