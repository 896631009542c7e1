"""A model on a real Ray cluster of this machine, with two workers: the same findings, and no death costs a reply."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from slm_audit.audits.errors import UserError
from slm_audit.audits.execution import Execution
from slm_audit.audits.journal import Journal
from slm_audit.audits.model_file import CallableFile, LocalFile
from slm_audit.audits.models import Leave, open_model
from slm_audit.probes.contract import Decoding, Generation, Scoring

pytest.importorskip("ray", reason="ray is not installed: pip install '.[cluster]'")
pytestmark = pytest.mark.slow

EXECUTION = {"engine": "ray", "address": "local", "replicas": 2, "cpus_per_replica": 0.5}
"""Half a CPU each, so that two fit on any machine; each computes with one thread."""
CONTEXTS = [f"A request of {at} kinds is approved or denied" for at in range(30)]
SCORED = [Scoring(context=one, continuation=more, per_token=True) for more in (" yes", " no") for one in CONTEXTS]
DRAWN = [
    Generation(prompt=one, decoding=Decoding(max_tokens=6, temperature=temperature), samples=2, seed=3)
    for temperature in (0.0, 1.0)
    for one in CONTEXTS
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Callable[..., object]]:
    """Opens models on one cluster, which ends with this module."""
    from slm_audit.audits.models.cluster.connection import Connection

    with contextlib.closing(Connection("local")):
        yield lambda spec, path="", **more: open_model(spec, str(path), Leave(code=True), Execution(**EXECUTION | more))


def test_two_workers_say_what_one_process_says(cluster, small_model: Path) -> None:
    spec = LocalFile(path=str(small_model))
    alone, shared = open_model(spec, str(small_model), Leave(code=True)), cluster(spec, small_model)
    assert (shared.identity, shared.access, shared.context_tokens) == (
        alone.identity,
        alone.access,
        alone.context_tokens,
    )
    for one, other in zip(alone.score(SCORED), shared.score(SCORED), strict=True):
        assert other.logprob == pytest.approx(one.logprob, abs=1e-4)
        assert other.token_logprobs == pytest.approx(one.token_logprobs, abs=1e-4)
    assert [[one.text for one in texts] for texts in shared.generate(DRAWN)] == [
        [one.text for one in texts] for texts in alone.generate(DRAWN)
    ]
    found = shared.footprint
    assert found.parameters == alone.footprint.parameters
    assert found.peak_bytes and found.peak_bytes > alone.footprint.bytes_on_disk
    assert any("2 workers on 1 machines" in line for line in shared.notes)


def test_batches_are_shared_out_and_a_timed_request_has_the_cluster_to_itself(cluster, tmp_path: Path) -> None:
    (tmp_path / "spoken.py").write_text(
        "import os, time\n"
        "def reply(prompt, **_):\n"
        "    begun = time.time()\n"
        "    time.sleep(0.05)\n"
        "    return f'{os.getpid()} {begun} {time.time()}'\n"
    )
    model = cluster(CallableFile(kind="callable", reply="spoken:reply"), tmp_path)
    plain = [Generation(prompt=one, decoding=Decoding(max_tokens=9)) for one in CONTEXTS]
    timed = [dataclasses.replace(one, alone=True) for one in plain[:4]]
    requests = [*plain[:15], *timed, *plain[15:]]
    plan = model.batches(requests)
    told: dict[int, tuple[str, float, float]] = {}
    for at, replies in model.generate_each([requests[place] for place in batch] for batch in plan):
        for place, (reply,) in zip(plan[at], replies, strict=True):
            process, begun, ended = reply.text.split()
            told[place] = (process, float(begun), float(ended))
    assert len(told) == len(requests)
    assert len({process for process, _, _ in told.values()}) == 2
    for place in range(15, 19):
        _, begun, ended = told[place]
        others = [told[other] for other in told if other != place]
        assert all(other_end <= begun or ended <= other_begun for _, other_begun, other_end in others)


def test_what_a_model_raises_is_raised_here(cluster, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise SystemError('no such luck')\n")
    with pytest.raises(UserError, match=f"a worker on {socket.gethostname()}: .*no such luck"):
        cluster(CallableFile(kind="callable", reply="broken:reply"), tmp_path)


def test_more_than_the_cluster_carries_is_refused(cluster, small_model: Path) -> None:
    spec = LocalFile(path=str(small_model))
    with pytest.raises(UserError, match=r"execution.replicas is 1000, but the cluster \(1 machines, .* carries \d+ of"):
        cluster(spec, small_model, replicas=1000)
    with pytest.raises(UserError, match="gpus_per_replica is 1, but no machine of the cluster has a GPU; leave it out"):
        cluster(spec.model_copy(update={"device": "cuda"}), small_model, gpus_per_replica=1)


def test_a_cluster_that_is_not_there_is_said_soon(
    small_model: Path, tmp_path: Path, slm_audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]  # free as soon as it is closed
    monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{port}")
    (tmp_path / "model.yaml").write_text(
        f"version: 1\nmodel: {{path: '{small_model}'}}\nexecution: {{engine: ray, address: 'ray://127.0.0.1:{port}'}}\n"
    )
    told = slm_audit("run", "model.yaml", "--allow-path", cwd=tmp_path)
    assert (told.returncode, "Traceback" in told.stderr) == (2, False)
    assert f"no Ray cluster answers at 127.0.0.1:{port}" in told.stderr
    (tmp_path / "model.yaml").write_text(f"version: 1\nmodel: {{path: '{small_model}'}}\nexecution: {{engine: ray}}\n")
    told = slm_audit("run", "model.yaml", "--allow-path", cwd=tmp_path)
    assert told.returncode == 2
    assert "execution.address: auto: no Ray cluster answers at" in told.stderr
    assert not (tmp_path / "runs").exists()


# Whole audits by the real command, each on a cluster of its own.


def place_with(tmp_path: Path, model: Path) -> Path:
    shutil.copytree(model, tmp_path / "model")
    execution = json.dumps(EXECUTION)
    (tmp_path / "model.yaml").write_text(f"version: 1\nmodel: {{path: model}}\nexecution: {execution}\n")
    return tmp_path / "runs" / "latest"


def begin(place: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "slm_audit.audits.cli", *arguments]
    return subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def replies(run: Path) -> list[str]:
    try:
        with closing(sqlite3.connect(f"file:{run / 'journal.sqlite'}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT hash FROM rows WHERE kind = 'reply' ORDER BY seq").fetchall()
    except sqlite3.Error:
        return []  # the run has not come so far
    return [row[0] for row in rows]


def wait_for_replies(run: Path, process: subprocess.Popen[str], more_than: int = 0) -> None:
    until = time.monotonic() + 300
    while len(replies(run)) <= more_than and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    assert process.poll() is None, process.communicate()


def below(process: int) -> Iterator[tuple[int, str]]:
    """The processes that come from this one, and their titles."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit():
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    for one in parents:
        above = one
        while above in parents and above != process:
            above = parents[above]
        if above == process != one:
            with contextlib.suppress(OSError):
                yield one, Path(f"/proc/{one}/cmdline").read_bytes().decode(errors="replace")


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def workers(process: subprocess.Popen[str]) -> list[int]:
    return [one for one, title in below(process.pid) if title.startswith("ray::Replica")]


def same(run: Path, other: Path) -> None:
    """The same findings: metrics, n and verdicts equal, values and bounds to 1e-4."""
    one, two = (json.loads((folder / "record.json").read_text()) for folder in (run, other))
    assert (one["verdict"], one["floors"]) == (two["verdict"], two["floors"])
    assert len(one["findings"]) == len(two["findings"]) > 0
    for mine, its in zip(one["findings"], two["findings"], strict=True):
        figures = ("value", "low", "high")
        assert {key: mine[key] for key in mine if key not in figures} == {
            key: its[key] for key in its if key not in figures
        }
        assert [mine[key] for key in figures] == [pytest.approx(its[key], abs=1e-4) for key in figures]


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are found by /proc")
def test_a_worker_that_is_killed_costs_nothing(tmp_path: Path, finished: Path, small_model: Path, only) -> None:
    run = place_with(tmp_path, small_model)
    process = begin(tmp_path, "run", "model.yaml", "--offline", "--json", *only)
    wait_for_replies(run, process)
    victim, other = workers(process)
    os.kill(victim, signal.SIGKILL)
    told, said = process.communicate(timeout=300)
    assert process.returncode in (1, 3, 4), said
    assert "Traceback" not in said
    assert json.loads(told)["verdict"]  # nothing but the record on standard output
    same(run, finished)
    assert len(replies(run)) == len(replies(finished))
    assert Journal(run / "journal.sqlite", write=False).faults() == []
    assert not alive(other)  # the cluster ends with the run


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are found by /proc")
def test_all_workers_killed_then_the_driver_killed_then_finished(
    tmp_path: Path, finished: Path, small_model: Path, slm_audit, only
) -> None:
    run = place_with(tmp_path, small_model)
    process = begin(tmp_path, "run", "model.yaml", *only)
    wait_for_replies(run, process)
    for one in workers(process):
        os.kill(one, signal.SIGKILL)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 4, said
    assert "no worker of the cluster is left" in said
    assert "Traceback" not in said, said
    first = replies(run)

    process = begin(tmp_path, "resume", "runs/latest")
    wait_for_replies(run, process, more_than=len(first))
    left = workers(process)
    process.kill()
    process.communicate()
    second = replies(run)
    assert second[: len(first)] == first
    assert len(first) < len(second) < len(replies(finished))
    until = time.monotonic() + 60
    while any(map(alive, left)) and time.monotonic() < until:
        time.sleep(0.1)
    assert not any(map(alive, left))

    told = slm_audit("resume", "runs/latest", "--local", cwd=tmp_path)
    assert told.returncode in (1, 3, 4), told.stderr
    assert replies(run)[: len(second)] == second  # what was committed stays, and is not asked again
    assert len(replies(run)) == len(replies(finished))
    same(run, finished)
