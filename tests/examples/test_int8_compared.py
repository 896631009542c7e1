"""An int8 copy of the tiny model is held against its parent: hardly anything moves, and nothing is called worse."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
pytestmark = [pytest.mark.planted, pytest.mark.slow]


def slm_audit(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "slm_audit.audits.cli", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=900)


def rounded(folder: Path, bits: int) -> None:
    """Round each row of each matrix to a grid of 2^bits - 1 steps, as weight-only quantisation does."""
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    for name, weight in weights.items():
        if weight.dim() == 2:
            step = weight.float().abs().amax(1, keepdim=True).clamp_min(1e-9) / (2 ** (bits - 1) - 1)
            weights[name] = ((weight.float() / step).round() * step).to(weight.dtype)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def test_int8_is_no_regression_and_two_bits_are(tmp_path: Path) -> None:
    policy = {
        "version": 1,
        "name": "accuracy",
        "limits": [{"metric": "robustness.typos.accuracy.delta", "at_least": -0.08}],
    }
    (tmp_path / "margin.yaml").write_text(yaml.safe_dump(policy))
    runs = {}
    for name, bits in (("parent", 0), ("int8", 8), ("int2", 2)):
        shutil.copytree(EXAMPLES / "tiny_slm", tmp_path / name)
        if bits:
            rounded(tmp_path / name, bits)
        told = slm_audit("run", name, "--probes", "robustness.typos", "--out", f"runs-{name}", cwd=tmp_path)
        assert told.returncode in (1, 3, 4), told.stderr
        runs[name] = f"runs-{name}/latest"
    policy_option = ("--policy", "margin.yaml", "--json")
    good = slm_audit("compare", runs["parent"], runs["int8"], *policy_option, cwd=tmp_path)
    assert good.returncode == 0, good.stdout[-2000:] + good.stderr
    (variant,) = json.loads(good.stdout)["variants"]
    assert not [one for one in variant["deltas"] if one["called"] == "worse"]
    (flips,) = [one for one in variant["flips"] if one["metric"] == "robustness.typos.accuracy"]
    assert flips["to_unsafe"] + flips["to_safe"] <= 0.05 * (flips["both_safe"] + flips["both_unsafe"])
    bad = slm_audit("compare", runs["parent"], runs["int2"], *policy_option, cwd=tmp_path)
    assert bad.returncode == 1, bad.stdout[-2000:] + bad.stderr
    (variant,) = json.loads(bad.stdout)["variants"]
    assert "robustness.typos.accuracy.delta" in [one["metric"] for one in variant["deltas"] if one["called"] == "worse"]
