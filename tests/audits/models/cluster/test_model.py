"""A model on a real Ray cluster of this machine, with two workers: the same findings, and no death costs a reply."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from slm_audit.audits.errors import EvidenceError, UserError
from slm_audit.audits.execution import Execution
from slm_audit.audits.journal import Journal
from slm_audit.audits.model_file import CallableFile, LocalFile
from slm_audit.audits.models import Leave, open_model
from slm_audit.audits.models.cluster import placement
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

    with closing(Connection("local")):
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


def test_a_share_that_kills_each_of_its_workers_becomes_errors(cluster, tmp_path: Path) -> None:
    (tmp_path / "deadly.py").write_text(
        "import os, signal\n"
        "def reply(prompt, **_):\n"
        "    if prompt == 'poison':\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return prompt\n"
    )
    model = cluster(CallableFile(kind="callable", reply="deadly:reply"), tmp_path)
    batches = [[Generation(prompt=one, decoding=Decoding(max_tokens=9), samples=2)] for one in [*CONTEXTS, "poison"]]
    told = dict(model.generate_each(batches))
    assert sorted(told) == list(range(len(batches)))  # each once
    for at, prompt in enumerate(CONTEXTS):
        assert [one.text for one in told[at][0]] == [prompt] * 2
    for one in told[len(CONTEXTS)][0]:
        assert (one.text, one.finish) == ("", "error")
        assert "3 workers were lost while they answered this" in one.error
    assert len(told[len(CONTEXTS)][0]) == 2
    assert model.generate(batches[0])[0][0].text == CONTEXTS[0]  # and the cluster works on


def test_a_cluster_that_no_share_survives_ends_the_run(cluster, tmp_path: Path) -> None:
    (tmp_path / "hopeless.py").write_text(
        "import os, signal\ndef reply(prompt, **_):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    model = cluster(CallableFile(kind="callable", reply="hopeless:reply"), tmp_path, replicas=1)
    batches = [[Generation(prompt=one, decoding=Decoding(max_tokens=9))] for one in CONTEXTS]
    with pytest.raises(EvidenceError, match=r"4 workers of the cluster were lost one after the other .*resume"):
        list(model.generate_each(batches))


def test_a_worker_that_comes_to_other_weights_is_refused(cluster, make_model, small_model: Path, tmp_path) -> None:
    shutil.copytree(small_model, tmp_path / "model")
    model = cluster(LocalFile(path="model"), tmp_path / "model", replicas=1)
    shutil.copytree(make_model(seed=1), tmp_path / "model", dirs_exist_ok=True)
    (worker,) = model._replicas.ready
    model._replicas.replace(worker)
    with pytest.raises(EvidenceError, match=r"no worker .* is left \(the model's weights was \w+ on .* and is \w+ on"):
        model.score(SCORED)


def test_a_folder_that_a_worker_does_not_have_is_named(cluster, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"{tmp_path}/gone is not there; put it at the same path on every machine"):
        cluster(LocalFile(path="gone"), tmp_path / "gone")


def test_workers_that_find_no_room_are_refused_and_leave(cluster, small_model: Path, monkeypatch) -> None:
    import ray

    spec = LocalFile(path=str(small_model))
    holding = cluster(spec, small_model, replicas=1)
    monkeypatch.setattr(placement, "PLACE_SECONDS", 3.0)
    cores = ray.cluster_resources()["CPU"]
    with pytest.raises(UserError, match=r"only 0 of 1 workers found room on the cluster in 3 s; wait until others"):
        cluster(spec, small_model, replicas=1, cpus_per_replica=cores)
    assert holding.score(SCORED[:1])[0].logprob < 0


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


def workers(process: subprocess.Popen[str], below) -> list[int]:
    return [one for one, title in below(process.pid) if title.startswith("ray::Replica")]


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are found by /proc")
def test_a_worker_that_is_killed_costs_nothing(audit, finished: Path, only, below, alive) -> None:
    here = audit()
    here.write(EXECUTION)
    process = here.begin("run", "model.yaml", "--offline", "--json", *only)
    here.wait_for_replies(process)
    victim, other = workers(process, below)
    os.kill(victim, signal.SIGKILL)
    told, said = process.communicate(timeout=300)
    assert process.returncode in (1, 3, 4), said
    assert "Traceback" not in said
    assert json.loads(told)["verdict"]  # nothing but the record on standard output
    here.same_as(finished)
    assert len(here.replies()) == len(here.replies(finished))
    assert Journal(here.run / "journal.sqlite", write=False).faults() == []
    assert not alive(other)  # the cluster ends with the run


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are found by /proc")
def test_the_driver_killed_and_the_run_finished_without_a_cluster(audit, finished: Path, only, below, alive) -> None:
    here = audit()
    here.write(EXECUTION)
    process = here.begin("run", "model.yaml", *only)
    here.wait_for_replies(process)
    left = workers(process, below)
    process.kill()
    process.communicate()
    first = here.replies()
    assert 0 < len(first) < len(here.replies(finished))
    until = time.monotonic() + 60
    while any(map(alive, left)) and time.monotonic() < until:
        time.sleep(0.1)
    assert not any(map(alive, left))
    here.ended(here.begin("resume", "runs/latest", "--local"))
    assert here.replies()[: len(first)] == first  # what was committed stays, and is not asked again
    assert len(here.replies()) == len(here.replies(finished))
    here.same_as(finished)
