"""The pipelines under examples/ci do what they say: their own shell lines are run, on the tiny model with few items."""

from __future__ import annotations

import glob
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SPEC = """\
version: 1
model: {kind: transformers, path: model}
audit: {only: ['fairness.*'], limit: 5}
policy: policy.yaml
"""
POLICY = """\
version: 1
name: own
limits: [{{metric: fairness.decisions.flip_rate, at_most: {bound}}}]
"""
NOT_HERE = ("pip install",)
"""What is not run: the package under test is installed, and no registry is at hand."""


def github() -> tuple[list[tuple[str, bool]], list[str]]:
    """The shell lines with whether they run after a failure, and the patterns of the files that are kept."""
    (job,) = yaml.safe_load((EXAMPLES / "ci" / "github-actions.yml").read_text())["jobs"].values()
    steps = job["steps"]
    (kept,) = [one for one in steps if "upload-artifact" in one.get("uses", "")]
    assert kept["if"] == "always()"
    lines = [(line, one.get("if") == "always()") for one in steps for line in one.get("run", "").splitlines()]
    return lines, kept["with"]["path"].split()


def gitlab() -> tuple[list[tuple[str, bool]], list[str]]:
    (job,) = yaml.safe_load((EXAMPLES / "ci" / "gitlab-ci.yml").read_text()).values()
    lines = [(line, False) for line in (*job["before_script"], *job["script"])]
    lines += [(line, True) for line in job["after_script"]]
    assert job["artifacts"]["when"] == "always"
    return lines, [*job["artifacts"]["paths"], job["artifacts"]["reports"]["junit"]]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A checkout with a model, and `slm-audit` and `python` of this environment first on the path."""
    (tmp_path / "model").mkdir()
    for name in (
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ):
        (tmp_path / "model" / name).write_bytes((EXAMPLES / "tiny_slm" / name).read_bytes())
    command = tmp_path / "bin" / "slm-audit"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m slm_audit.audits.cli "$@"\n')
    command.chmod(0o755)
    yield tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("pipeline", [github, gitlab])
@pytest.mark.parametrize(("bound", "code"), [(1.0, 0), (0.0, 1)])
def test_its_lines_gate_the_model(place: Path, pipeline, bound: float, code: int) -> None:  # type: ignore[no-untyped-def]
    (place / "model.yaml").write_text(SPEC)
    (place / "policy.yaml").write_text(POLICY.format(bound=bound))
    lines, kept = pipeline()
    environment = os.environ | {
        "PATH": f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "GITHUB_STEP_SUMMARY": str(place / "summary.md"),
    }
    ended = 0
    for line, always in lines:
        if any(one in line for one in NOT_HERE) or (ended and not always):
            continue
        told = subprocess.run(["sh", "-ec", line], cwd=place, env=environment, capture_output=True, text=True)
        assert told.returncode == 0 or line.startswith("slm-audit run"), told.stderr
        ended = ended or told.returncode
    assert ended == code
    for pattern in kept:
        assert glob.glob(pattern, root_dir=place), f"{pattern} is not there to be kept"
    if pipeline is github:
        assert f"exit code {code}" in (place / "summary.md").read_text()


@pytest.mark.parametrize("pipeline", [github, gitlab])
def test_it_installs_and_nothing_hides_the_exit_code(pipeline) -> None:  # type: ignore[no-untyped-def]
    lines = [line for line, _ in pipeline()[0]]
    assert any("pip install slm-audit" in line for line in lines)
    (gate,) = [line for line in lines if line.startswith("slm-audit run")]
    assert not {"||", "|", ";", "&"} & set(gate.split())
    text = "".join(path.read_text() for path in (EXAMPLES / "ci").iterdir())
    assert "continue-on-error" not in text and "allow_failure" not in text
