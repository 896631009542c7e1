"""A cluster begun by `ray start`, joined by each kind of address, with every kind of loss on the way."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import time
from contextlib import closing
from pathlib import Path

import pytest
from slm_audit.audits.errors import UserError
from slm_audit.audits.execution import Execution
from slm_audit.audits.model_file import CallableFile
from slm_audit.audits.models import Leave
from slm_audit.audits.models.cluster.connection import Connection, answering
from slm_audit.audits.models.cluster.placement import Replicas
from slm_audit.audits.models.cluster.worker import end

pytest.importorskip("ray", reason="ray is not installed: pip install '.[cluster]'")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are found by /proc"),
]

SHARED_OUT = {"engine": "ray", "replicas": 2, "cpus_per_replica": 0.5}


@pytest.fixture(scope="module")
def live(start_cluster):
    """Two processors, and two GPUs that Ray takes on trust."""
    return start_cluster("--num-cpus", "2", "--num-gpus", "2")


def test_a_worker_that_hangs_and_one_that_is_killed(live, audit, finished: Path, only) -> None:
    here = audit(live.environment)
    here.write(SHARED_OUT | {"address": "auto", "time_out": 6})
    process = here.begin("run", "model.yaml", *only)
    here.wait_for_replies(process)
    hung, killed = live.workers()
    os.kill(hung, signal.SIGSTOP)
    os.kill(killed, signal.SIGKILL)
    try:
        here.ended(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(hung, signal.SIGCONT)
    here.same_as(finished)
    assert len(here.replies()) == len(here.replies(finished))


def test_both_workers_killed_at_once(live, audit, finished: Path, only) -> None:
    here = audit(live.environment)
    here.write(SHARED_OUT | {"address": f"ray://127.0.0.1:{live.client_port}"})
    process = here.begin("run", "model.yaml", "--json", *only)
    here.wait_for_replies(process)
    for one in live.workers():
        os.kill(one, signal.SIGKILL)
    told, said = process.communicate(timeout=300)
    assert process.returncode in (1, 3, 4), said
    assert "Traceback" not in said, said
    assert json.loads(told)["verdict"]  # nothing but the record on standard output
    here.same_as(finished)


def test_gpus_are_asked_of_the_cluster(live, tmp_path: Path) -> None:
    """No GPU is there: what is looked at is what Ray sets aside."""
    import ray

    def wait_for(cpus: float, gpus: float) -> None:
        until = time.monotonic() + 60
        while (found := ray.available_resources()) and time.monotonic() < until:
            if (found.get("CPU", 0), found.get("GPU", 0)) == (cpus, gpus):
                return
            time.sleep(0.1)
        pytest.fail(f"{cpus} CPUs and {gpus} GPUs were to be left, not {found}")

    (tmp_path / "spoken.py").write_text("def reply(prompt, **_):\n    return prompt\n")
    spec = CallableFile(kind="callable", reply="spoken:reply")
    with closing(Connection(f"127.0.0.1:{live.port}")):
        for size in ({"gpus_per_replica": 1, "cpus_per_replica": 0.5}, {"gpus_per_replica": 0.25}):
            wait_for(2, 2)
            replicas = Replicas(Execution(**SHARED_OUT | size), spec, str(tmp_path), Leave(code=True))
            assert len(replicas.ready) == 2
            wait_for(1, 2 - 2 * size["gpus_per_replica"])
            for worker in replicas.ready:
                end(worker)
        carries = r"execution.replicas is 3, but the cluster \(1 machines, 2 CPUs, 2 GPUs\) carries 2 of that size"
        with pytest.raises(UserError, match=carries):
            Replicas(Execution(**SHARED_OUT | {"replicas": 3, "gpus_per_replica": 1}), spec, "", Leave())


def test_the_wrong_port_is_told_soon(live) -> None:
    begun = time.monotonic()
    with pytest.raises(UserError, match=f"is the port of the cluster's own machines; write 127.0.0.1:{live.port} on"):
        answering(f"ray://127.0.0.1:{live.port}")
    with pytest.raises(UserError, match=f"is not the port of a cluster's head; .* ray://127.0.0.1:{live.client_port}"):
        answering(f"127.0.0.1:{live.client_port}")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(UserError, match=f"no Ray cluster answers at {place}"):
            answering(place)
    assert time.monotonic() - begun < 60


def test_the_driver_killed_then_the_head_killed_then_finished(live, audit, finished: Path, only) -> None:
    here = audit(live.environment)
    here.write(SHARED_OUT | {"address": f"127.0.0.1:{live.port}"})
    process = here.begin("run", "model.yaml", *only)
    here.wait_for_replies(process)
    process.kill()
    process.communicate()
    first = here.replies()

    process = here.begin("resume", "runs/latest")
    here.wait_for_replies(process, more_than=len(first))
    live.kill()
    said = here.ended(process, (4,))
    assert "Stopped: the cluster is gone" in said
    assert "resume when it is back" in said
    second = here.replies()
    assert len(first) < len(second) < len(here.replies(finished))

    here.ended(here.begin("resume", "runs/latest"), (2,))  # it is not back yet
    live.start("--num-cpus", "2")
    here.ended(here.begin("resume", "runs/latest"))
    assert here.replies()[: len(second)] == second  # what was committed stays, and is not asked again
    assert len(here.replies()) == len(here.replies(finished))
    here.same_as(finished)
