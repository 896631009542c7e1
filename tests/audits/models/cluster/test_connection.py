"""A ray:// server that dies as it is born, which Ray's do now and then, is asked for again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="ray is not installed: pip install '.[cluster]'")

DIES_ONCE = """
import os, subprocess, sys, time
from pathlib import Path

begun = Path(os.environ["BEGUN"])
if "--mode=specific-server" in sys.orig_argv:
    if not begun.exists():
        begun.touch()
        os._exit(1)
elif "--mode=proxy" in sys.orig_argv:
    class Popen(subprocess.Popen):
        def __init__(self, *given, **more):
            super().__init__(*given, **more)
            time.sleep(1)  # so that its death is seen at once, as on a busy machine
    subprocess.Popen = Popen
"""
JOIN = """
import sys
from slm_audit.audits.models.cluster.connection import Connection
connection = Connection(sys.argv[1])
print(connection.alive())
connection.close()
"""


@pytest.mark.slow
def test_a_client_whose_server_dies_at_birth_gets_another(start_cluster, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(DIES_ONCE)
    begun = tmp_path / "begun"
    wait = {"RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S": "10"}  # Ray's log stream waits so long for the dead one
    variables = {"PYTHONPATH": str(tmp_path), "BEGUN": str(begun)} | wait
    cluster = start_cluster("--num-cpus", "1", variables=variables)
    command = [sys.executable, "-c", JOIN, f"ray://127.0.0.1:{cluster.client_port}"]
    told = subprocess.run(command, env=cluster.environment, capture_output=True, text=True, timeout=300)
    assert told.stdout == "True\n", told.stderr
    assert begun.exists()
