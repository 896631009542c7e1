"""Ray clusters as `ray start` begins them, of processes of their own, and runs of the real command on them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

STEADY = {"RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S": "200", "GRPC_ENABLE_FORK_SUPPORT": "0"}
"""On a busy machine a client's own server may take longer to start than Ray waits; and gRPC's care for forks, on by
default, now and then kills such a server at birth (of 14 that began in pairs 2 died; without it none of 75)."""
RAY = [sys.executable, "-c", "from ray.scripts.scripts import main; main()"]


def _below(process: int) -> Iterator[tuple[int, str]]:
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


def free_ports(count: int) -> list[int]:
    """Ports below those that Ray gives to its workers."""
    found: list[int] = []
    for port in range(6400 + os.getpid() % 1000, 9900):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.append(port)
        if len(found) == count:
            break
    return found


class Cluster:
    """A cluster of this machine: a head, and further nodes if they are started."""

    def __init__(self, ports: Sequence[int] = ()) -> None:
        self.port, self.client_port = ports or free_ports(2)
        self.folder = tempfile.mkdtemp(prefix="ray-")  # a short path: sockets lie below it
        self._nodes: list[subprocess.Popen[str]] = []

    @property
    def environment(self) -> dict[str, str]:
        """Variables by which `auto` finds this cluster; Ray leaves others behind in a process that used it."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        return kept | {"RAY_TMPDIR": self.folder, "RAY_USAGE_STATS_ENABLED": "0", **STEADY}

    def start(self, *options: str, variables: Mapping[str, str] | None = None) -> Cluster:
        """Start the head."""
        ports = ["--port", str(self.port), "--ray-client-server-port", str(self.client_port)]
        self._start(["--head", *ports, "--include-dashboard", "false", *options], variables or {})
        until = time.monotonic() + 120
        while time.monotonic() < until:  # the client server comes up after the runtime has been called started
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.client_port), 1):
                break
            time.sleep(0.1)
        return self

    def join(self, *options: str, variables: Mapping[str, str] | None = None) -> Cluster:
        """Start one more node."""
        return self._start(["--address", f"127.0.0.1:{self.port}", *options], variables or {})

    def _start(self, options: Sequence[str], variables: Mapping[str, str]) -> Cluster:
        command = [*RAY, "start", "--block", "--object-store-memory", "80000000", *options]
        log = Path(self.folder, f"{len(self._nodes)}.log")
        with log.open("w") as stream:
            self._nodes.append(
                subprocess.Popen(command, env=self.environment | variables, stdout=stream, stderr=subprocess.STDOUT)
            )
        until = time.monotonic() + 120
        while "Ray runtime started" not in log.read_text() and time.monotonic() < until:
            assert self._nodes[-1].poll() is None, log.read_text()
            time.sleep(0.1)
        return self

    def workers(self) -> list[int]:
        """The processes that hold models."""
        return [one for node in self._nodes for one, title in _below(node.pid) if title.startswith("ray::Replica")]

    def kill(self) -> None:
        """End all of it at once, as when its machines lose their power."""
        for node in self._nodes:
            for one in [node.pid, *(one for one, _ in _below(node.pid))]:
                with contextlib.suppress(OSError):
                    os.kill(one, signal.SIGKILL)
            node.wait()
        self._nodes.clear()

    def stop(self) -> None:
        """End all of it as its owner does."""
        for node in reversed(self._nodes):
            node.terminate()
        for node in self._nodes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                node.wait(20)
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def _alive(process: int) -> bool:
    """Whether a process runs."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Audit:
    """A folder with a model and its spec, in which the real command runs."""

    def __init__(self, folder: Path, model: Path, environment: Mapping[str, str] | None = None) -> None:
        self.folder, self.run = folder, folder / "runs" / "latest"
        self.environment = environment
        shutil.copytree(model, folder / "model")

    def write(self, execution: Mapping[str, object], model: Mapping[str, object] | None = None) -> None:
        """Write model.yaml."""
        spec = {"version": 1, "model": model or {"path": "model"}, "execution": execution}
        (self.folder / "model.yaml").write_text(json.dumps(spec))

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin a command."""
        command = [sys.executable, "-m", "slm_audit.audits.cli", *arguments]
        environment = dict(self.environment) if self.environment is not None else None
        return subprocess.Popen(
            command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def ended(self, process: subprocess.Popen[str], codes: Sequence[int] = (1, 3, 4)) -> str:
        """Its standard error, when it has ended with one of these codes and without a traceback."""
        try:
            _, said = process.communicate(timeout=300)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        assert process.returncode in codes, said
        assert "Traceback" not in said, said
        return said

    def replies(self, run: Path | None = None) -> list[str]:
        """The hashes of the replies that are committed here, or in another run."""
        try:
            journal = (run or self.run) / "journal.sqlite"
            with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as database:
                rows = database.execute("SELECT hash FROM rows WHERE kind = 'reply' ORDER BY seq").fetchall()
        except sqlite3.Error:
            return []  # the run has not come so far
        return [row[0] for row in rows]

    def wait_for_replies(self, process: subprocess.Popen[str], more_than: int = 0) -> None:
        """Wait until so many are there while the process runs."""
        until = time.monotonic() + 300
        while len(self.replies()) <= more_than and process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        assert process.poll() is None, "".join(process.communicate())

    def same_as(self, other: Path) -> None:
        """The same findings as another run's: metrics, n and verdicts equal, values and bounds to 1e-4."""
        one, two = (json.loads((folder / "record.json").read_text()) for folder in (self.run, other))
        assert (one["verdict"], one["floors"]) == (two["verdict"], two["floors"])
        assert len(one["findings"]) == len(two["findings"]) > 0
        for mine, its in zip(one["findings"], two["findings"], strict=True):
            figures = ("value", "low", "high")
            assert {key: mine[key] for key in mine if key not in figures} == {
                key: its[key] for key in its if key not in figures
            }
            assert [mine[key] for key in figures] == [pytest.approx(its[key], abs=1e-4) for key in figures]


@pytest.fixture(scope="session")
def below() -> Callable[[int], Iterator[tuple[int, str]]]:
    """The processes below another one."""
    return _below


@pytest.fixture(scope="session")
def alive() -> Callable[[int], bool]:
    """Whether a process runs."""
    return _alive


@pytest.fixture(scope="module")
def start_cluster() -> Iterator[Callable[..., Cluster]]:
    """Start a cluster of this machine, which ends with the module; see Cluster.start."""
    with contextlib.ExitStack() as stack:

        def start(*options: str, **more: Any) -> Cluster:
            cluster = Cluster()
            stack.callback(cluster.stop)
            return cluster.start(*options, **more)

        yield start


@pytest.fixture
def audit(tmp_path: Path, small_model: Path) -> Callable[..., Audit]:
    """Make a folder in which small_model can be audited."""
    return lambda environment=None: Audit(tmp_path, small_model, environment)
