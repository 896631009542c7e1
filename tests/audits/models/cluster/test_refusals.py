"""A cluster whose machines lack slm-audit or have another version, and a machine that lacks Ray: a sentence each."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from slm_audit.audits.environment import own_version

WITHOUT_RAY = """
import importlib.machinery as machinery, sys
find = machinery.PathFinder.find_spec
machinery.PathFinder.find_spec = lambda name, *more: None if name == "ray" else find(name, *more)
from slm_audit.audits.cli import main
main()
"""


def test_ray_that_is_not_installed(tmp_path: Path, small_model: Path) -> None:
    (tmp_path / "model.yaml").write_text(f"version: 1\nmodel: {{path: '{small_model}'}}\nexecution: {{engine: ray}}\n")
    command = [sys.executable, "-c", WITHOUT_RAY, "run", "model.yaml", "--allow-path"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert told.returncode == 2, told.stderr
    assert "execution.engine: ray needs ray, which is not installed; pip install 'slm-audit[cluster]'" in told.stderr
    assert "Traceback" not in told.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_machines_without_slm_audit_or_with_another_version(start_cluster, audit, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="ray is not installed: pip install '.[cluster]'")
    (tmp_path / "without" / "slm_audit").mkdir(parents=True)
    (tmp_path / "without" / "slm_audit" / "__init__.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'slm_audit'\", name='slm_audit')\n"
    )
    other = tmp_path / "other" / "slm_audit-0.0.9.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: slm-audit\nVersion: 0.0.9\n")
    cluster = start_cluster("--num-cpus", "2", variables={"PYTHONPATH": str(tmp_path / "without")})
    cluster.join("--num-cpus", "1", "--num-gpus", "1", variables={"PYTHONPATH": str(tmp_path / "other")})

    here = audit()
    (tmp_path / "spoken.py").write_text("def reply(prompt, **_):\n    return prompt\n")

    def refused(**size: float) -> str:
        execution = {"engine": "ray", "address": f"127.0.0.1:{cluster.port}"} | size
        here.write(execution, model={"kind": "callable", "reply": "spoken:reply"})
        begun = time.monotonic()
        said = here.ended(here.begin("run", "model.yaml", "--allow-code"), (2,))
        assert time.monotonic() - begun < 60
        return said

    said = refused(cpus_per_replica=2)
    assert "a worker of the cluster could not be started" in said
    assert "No module named 'slm_audit'); install slm-audit on its machines" in said
    said = refused(gpus_per_replica=1)
    assert f"has slm-audit 0.0.9, this is {own_version()}; install the same on every machine" in said
    assert not here.run.exists()
