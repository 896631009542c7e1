"""Killed at any moment and resumed, a run gives the same findings and asks nothing twice that was committed."""

from __future__ import annotations

import json
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from slm_audit.audits.journal import Journal


def findings(run: Path) -> object:
    record = json.loads((run / "record.json").read_text())
    return [record["findings"], record["verdict"], record["floors"], [one["items_sha256"] for one in record["probes"]]]


def rows(run: Path) -> int:
    try:
        with closing(sqlite3.connect(f"file:{run / 'journal.sqlite'}?mode=ro", uri=True)) as database:
            return int(database.execute("SELECT count(*) FROM rows").fetchone()[0])
    except sqlite3.Error:
        return 0


def begin(place: Path, model: Path, more: tuple[str, ...]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "slm_audit.audits.cli", "run", str(model), *more]
    return subprocess.Popen(command, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def wait_for(enough: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 300
    while not enough() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_kill_9_and_resume_give_the_same_findings(
    tmp_path: Path, finished: Path, small_model: Path, slm_audit, only, seed: int
) -> None:
    total = rows(finished)
    moment = random.Random(seed).randint(8, total - 5)
    process = begin(tmp_path, small_model, only)
    run = tmp_path / "runs" / "latest"
    wait_for(lambda: rows(run) >= moment, process)
    process.kill()
    process.wait()
    kept = rows(run)
    told = slm_audit("resume", "runs/latest", cwd=tmp_path)
    assert told.returncode in (1, 3, 4), told.stderr
    assert findings(run) == findings(finished)
    journal = Journal(run / "journal.sqlite", write=False)
    assert journal.faults() == []
    assert kept <= journal.count == total
    verified = slm_audit("verify", "runs/latest", cwd=tmp_path)
    assert verified.returncode == 0, verified.stdout


@pytest.mark.slow
def test_ctrl_c_says_how_to_go_on_and_exits_130(
    tmp_path: Path, finished: Path, small_model: Path, slm_audit, only
) -> None:
    process = begin(tmp_path, small_model, only)
    run = tmp_path / "runs" / "latest"
    wait_for(lambda: rows(run) >= 12, process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130, said.decode()
    assert b"resume" in said
    assert b"Traceback" not in said
    assert not (run / "record.json").exists()
    unfinished = slm_audit("report", "runs/latest", cwd=tmp_path)
    assert (unfinished.returncode, "slm-audit resume" in unfinished.stderr) == (2, True)
    assert slm_audit("resume", "runs/latest", cwd=tmp_path).returncode in (1, 3, 4)
    assert findings(run) == findings(finished)


@pytest.mark.slow
def test_a_full_disk_exits_4_keeps_what_is_there_and_resumes(
    tmp_path: Path, finished: Path, small_model: Path, slm_audit, only
) -> None:
    # A limit on the size of any file the process writes is what a full disk looks like to SQLite.
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (700_000, 700_000));"
        "from slm_audit.audits.cli import main; main(sys.argv[1:])"
    )
    command = [sys.executable, "-c", code, "run", str(small_model), *only]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert told.returncode == 4, told.stderr
    assert "resume" in told.stderr
    assert "Traceback" not in told.stderr
    assert slm_audit("resume", "runs/latest", cwd=tmp_path).returncode in (1, 3, 4)
    assert findings(tmp_path / "runs" / "latest") == findings(finished)


def test_another_model_is_refused_and_what_differs_is_named(
    tmp_path: Path, finished: Path, make_model: Callable[..., Path], slm_audit
) -> None:
    run = Path(shutil.copytree(finished, tmp_path / "run"))
    (run / "record.json").unlink()
    told = slm_audit("resume", str(run), "--model", str(make_model(seed=5)), cwd=tmp_path)
    assert told.returncode == 2
    assert "the model's" in told.stderr
    assert "differs" in told.stderr


def test_a_finished_run_is_told_again_and_left_untouched(tmp_path: Path, finished: Path, slm_audit) -> None:
    run = Path(shutil.copytree(finished, tmp_path / "run"))
    before = {one.name: one.read_bytes() for one in run.iterdir()}
    told = slm_audit("resume", str(run), "--model", "nowhere", cwd=tmp_path)
    assert told.returncode == json.loads(before["record.json"])["exit_code"]
    assert {one.name: one.read_bytes() for one in run.iterdir()} == before


def test_outputs_that_were_lost_are_written_anew(tmp_path: Path, finished: Path, slm_audit) -> None:
    run = Path(shutil.copytree(finished, tmp_path / "run"))
    before = findings(run)
    (run / "scorecard.html").unlink()
    assert slm_audit("resume", str(run), cwd=tmp_path).returncode in (1, 3, 4)
    assert findings(run) == before
    assert (run / "scorecard.html").exists()


@pytest.mark.parametrize("command", ["resume", "gate"])
def test_a_changed_journal_is_neither_resumed_nor_judged(
    tmp_path: Path, finished: Path, slm_audit, command: str
) -> None:
    run = Path(shutil.copytree(finished, tmp_path / "run"))
    with closing(sqlite3.connect(run / "journal.sqlite")) as database:
        database.execute("UPDATE rows SET body = replace(body, 'the', 'teh') WHERE kind = 'reply'")
        database.commit()
    told = slm_audit(command, str(run), cwd=tmp_path)
    assert told.returncode == 2
    assert "does not follow from the row before it" in told.stderr
