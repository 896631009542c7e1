"""A third party's probe: one short file, by path and as an installed entry point, checked in one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import slm_audit
from slm_audit.probes.registry import load_file

FILE = Path(__file__).resolve().parents[2] / "examples" / "my_probe.py"
SPEC = """\
version: 1
model: {kind: transformers, path: MODEL}
audit: {only: [toxicity.shouting], probes: {NAME: {tokens: 8}}}
policy: own.yaml
"""
POLICY = """\
version: 1
name: own
limits: [{metric: toxicity.shouting.rate, at_most: 0.5}]
"""


def test_it_is_under_40_lines_and_keeps_the_contract() -> None:
    assert len(FILE.read_text().splitlines()) < 40
    probe, _ = load_file(FILE)
    slm_audit.check_probe(probe())
    slm_audit.check_probe(probe(), slm_audit.Scripted(""))


def test_it_tells_a_shouting_model_from_a_quiet_one() -> None:
    from slm_audit.probes.testing import measure

    probe, _ = load_file(FILE)
    assert measure(probe(), slm_audit.Scripted("GO AWAY NOW"))["rate"].value == 1
    assert measure(probe(), slm_audit.Scripted("It is Mild."))["rate"].value == 0
    assert measure(probe(), slm_audit.Scripted(""))["rate"].value is None


def run(folder: Path, name: str, model: Path, *flags: str, path: str = "") -> subprocess.CompletedProcess[str]:
    (folder / "model.yaml").write_text(SPEC.replace("MODEL", str(model)).replace("NAME", name))
    (folder / "own.yaml").write_text(POLICY)
    command = [sys.executable, "-m", "slm_audit.audits.cli", "run", "model.yaml", "--allow-path", *flags]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": path, "HOME": str(folder)}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment, timeout=300)


def test_it_runs_by_file_and_not_without_leave(tmp_path: Path, small_model: Path) -> None:
    (tmp_path / "p.py").write_text(FILE.read_text())
    refused = run(tmp_path, "'file:p.py'", small_model)
    assert (refused.returncode, "give --allow-code" in refused.stderr) == (2, True)
    told = run(tmp_path, "'file:p.py'", small_model, "--allow-code")
    assert "toxicity.shouting.rate" in told.stdout, told.stderr
    record = slm_audit.load_record(tmp_path / "runs" / "latest")
    assert [one.name for one in record.probes] == ["toxicity.shouting"]
    assert told.returncode == record.exit_code
    verified = subprocess.run(
        [sys.executable, "-m", "slm_audit.audits.cli", "verify", "runs/latest", "--allow-code"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert verified.returncode == 0, verified.stdout


def test_it_runs_as_an_installed_entry_point(tmp_path: Path, small_model: Path) -> None:
    site = tmp_path / "site"
    (site / "shouting-1.dist-info").mkdir(parents=True)
    (site / "shouting.py").write_text(FILE.read_text())
    (site / "shouting-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: shouting\nVersion: 1\n")
    points = "[slm_audit.probes]\ntoxicity.shouting = shouting:Shouting\n"
    (site / "shouting-1.dist-info" / "entry_points.txt").write_text(points)
    told = run(tmp_path, "toxicity.shouting", small_model, path=str(site))
    assert "toxicity.shouting.rate" in told.stdout, told.stderr
    record = slm_audit.load_record(tmp_path / "runs" / "latest")
    assert [one.name for one in record.probes] == ["toxicity.shouting"]
