"""A finished run of a small random model, made once by the real command."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ONLY = ("--probes", "privacy.secret_in_context", "--probes", "fairness.*", "--probes", "toxicity.*", "--limit", "12")
Command = Callable[..., subprocess.CompletedProcess[str]]


def _slm_audit(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "slm_audit.audits.cli", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=600)


@pytest.fixture(scope="session")
def slm_audit() -> Command:
    """The real command in a process of its own, in a folder `cwd`."""
    return _slm_audit


@pytest.fixture(scope="session")
def only() -> tuple[str, ...]:
    """Options that make a run short."""
    return ONLY


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, small_model: Path) -> Path:
    """The folder of a finished run."""
    place = tmp_path_factory.mktemp("finished")
    told = _slm_audit("run", str(small_model), *ONLY, cwd=place)
    assert told.returncode in (1, 3, 4), told.stderr
    return (place / "runs" / "latest").resolve()


@pytest.fixture
def copied(tmp_path: Path, finished: Path) -> Path:
    """A copy of the finished run, for tests that add to its folder."""
    return Path(shutil.copytree(finished, tmp_path / "copied"))
