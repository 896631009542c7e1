"""A published model is audited by the real command, the attack included: also where there is transformers 5."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.mark.slow
def test_it_is_audited_and_the_run_verifies(tmp_path: Path, shared: Path, slm_audit: Callable[..., object]) -> None:
    model = shared / "models" / "stories260k"
    probes = [part for one in ("robustness.attack", "fairness.*", "toxicity.*") for part in ("--probes", one)]
    told = slm_audit("run", str(model), *probes, "--limit", "12", "--offline", cwd=tmp_path)
    assert told.returncode in (1, 3, 4), told.stderr  # type: ignore[attr-defined]
    record = json.loads((tmp_path / "runs" / "latest" / "record.json").read_text())
    assert {one["name"]: one["status"] for one in record["probes"]} == {
        "robustness.attack": "measured",
        "fairness.decisions": "measured",
        "toxicity.continuations": "measured",
    }
    attack = next(one for one in record["findings"] if one["metric"] == "robustness.attack.success_rate")
    assert attack["n"] > 0, "nothing was attacked"
    assert slm_audit("verify", "runs/latest", cwd=tmp_path).returncode == 0  # type: ignore[attr-defined]
