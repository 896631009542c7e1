"""A cluster begun by `ray start`, joined by each kind of address, with every kind of loss on the way."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from slm_audit.audits.errors import UserError
from slm_audit.audits.models.cluster.connection import answering

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


SET_ASIDE = """
import json, sys, time, ray
from slm_audit.audits.execution import Execution
from slm_audit.audits.model_file import CallableFile
from slm_audit.audits.models import Leave
from slm_audit.audits.models.cluster.connection import Connection
from slm_audit.audits.models.cluster.placement import Replicas

connection = Connection(sys.argv[1])
spec = CallableFile(kind="callable", reply="spoken:reply")
replicas = Replicas(Execution(**json.loads(sys.argv[2])), spec, ".", Leave(code=True))
time.sleep(2)  # what is left is told with a delay
left = ray.available_resources()
print(len(replicas.ready), left.get("CPU", 0), left.get("GPU", 0))
connection.close()
"""


@pytest.mark.parametrize(("gpus", "cpus"), [(1, 0.5), (0.25, 1)])
def test_gpus_are_asked_of_the_cluster(live, tmp_path: Path, gpus: float, cpus: float) -> None:
    """No GPU is there: what is looked at is what Ray sets aside."""
    (tmp_path / "spoken.py").write_text("def reply(prompt, **_):\n    return prompt\n")
    execution = json.dumps(SHARED_OUT | {"gpus_per_replica": gpus, "cpus_per_replica": cpus})
    command = [sys.executable, "-c", SET_ASIDE, f"127.0.0.1:{live.port}", execution]
    told = subprocess.run(command, cwd=tmp_path, env=live.environment, capture_output=True, text=True, timeout=120)
    assert [float(one) for one in told.stdout.split()] == [2, 2 - 2 * cpus, 2 - 2 * gpus], told.stderr


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

    live.start("--num-cpus", "2")
    here.ended(here.begin("resume", "runs/latest"))
    assert here.replies()[: len(second)] == second  # what was committed stays, and is not asked again
    assert len(here.replies()) == len(here.replies(finished))
    here.same_as(finished)
