"""Commands on a finished run: they repeat its verdict, judge it again, show it, and leave its folder untouched."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import yaml
from click.testing import CliRunner
from slm_audit.audits import run_folder
from slm_audit.audits.cli import main
from slm_audit.audits.plan import check_plan
from slm_audit.audits.spec import Spec

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_gate_repeats_the_verdict_and_leaves_the_folder_untouched(finished: Path) -> None:
    before = run_folder.digests(finished)
    record = run_folder.read_record(finished)
    told = CliRunner().invoke(main, ["gate", str(finished)])
    assert told.exit_code == record.exit_code
    assert f"Verdict: {record.verdict.upper()}, exit {record.exit_code}: {record.summary}" in told.output
    assert run_folder.digests(finished) == before


def test_another_policy_is_marked_as_judged_afterwards(copied: Path, tmp_path: Path) -> None:
    told = CliRunner().invoke(main, ["gate", str(copied), "--policy", str(EXAMPLES / "policy.yaml"), "--json"])
    judged = json.loads(told.stdout)
    assert judged["judged_afterwards"] is True
    assert judged["policy"]["name"] == "support-triage"
    assert told.exit_code == judged["exit_code"]
    assert {one["metric"] for one in judged["findings"] if one["limit"]} == {
        "toxicity.continuations.rate",
        "privacy.secret_in_context.leak_rate",
    }
    lenient = tmp_path / "lenient.yaml"
    limit = "{metric: toxicity.continuations.rate, at_most: 1}"
    lenient.write_text(f"version: 1\nname: lenient\nconfidence: 0.8\nlimits: [{limit}]\n")
    told = CliRunner().invoke(main, ["gate", str(copied), "--policy", str(lenient)])
    assert "(judged afterwards)" in told.output


def test_gate_refuses_a_policy_that_names_what_nobody_measures(finished: Path, tmp_path: Path) -> None:
    limit = "{metric: fairness.decisions.flop_rate, at_most: 0.5, if_not_measured: accept, reason: r}"
    (tmp_path / "p.yaml").write_text(f"version: 1\nname: p\nlimits: [{limit}]\n")
    told = CliRunner().invoke(main, ["gate", str(finished), "--policy", str(tmp_path / "p.yaml")])
    assert told.exit_code == 2
    assert "did you mean 'fairness.decisions.flip_rate'?" in told.stderr


def test_another_confidence_means_other_intervals(copied: Path, tmp_path: Path) -> None:
    widths = []
    for confidence in (0.8, 0.99):
        policy = tmp_path / "p.yaml"
        limit = "{metric: fairness.decisions.flip_rate, at_most: 0.5}"
        policy.write_text(f"version: 1\nname: p\nconfidence: {confidence}\nlimits: [{limit}]\n")
        told = CliRunner().invoke(main, ["gate", str(copied), "--policy", str(policy), "--json"])
        (finding,) = [one for one in json.loads(told.stdout)["findings"] if one["limit"]]
        assert finding["level"] == confidence
        widths.append(finding["high"] - finding["low"])
    assert widths[0] < widths[1]


@pytest.mark.parametrize(
    ("form", "name"), [("html", "scorecard.html"), ("markdown", "scorecard.md"), ("junit", "junit.xml")]
)
def test_report_shows_what_the_run_wrote(finished: Path, tmp_path: Path, form: str, name: str) -> None:
    told = CliRunner().invoke(main, ["report", str(finished), "--form", form, "--output", str(tmp_path / "out")])
    assert told.exit_code == 0
    verdict = run_folder.read_record(finished).verdict
    assert verdict in (tmp_path / "out").read_text().lower()
    assert (tmp_path / "out").stat().st_size == pytest.approx((finished / name).stat().st_size, rel=0.2)


def test_the_examples_are_fine() -> None:
    plan = check_plan(str(EXAMPLES / "model.yaml"), {})
    assert len(plan.selected) == 8
    assert plan.spec.audit.probes["privacy.exposure"] == {"canaries": "tiny_slm/canaries.jsonl"}
    assert check_plan(str(EXAMPLES / "model.yaml"), {"policy": str(EXAMPLES / "policy.yaml")}).policy.waivers


def test_init_writes_what_validate_reads(tmp_path: Path, small_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").symlink_to(small_model)
    assert CliRunner().invoke(main, ["init", "--model", "model"]).exit_code == 0
    told = CliRunner().invoke(main, ["validate", "model.yaml", "--allow-path"])
    assert told.exit_code == 0, told.output
    assert "8 probes, policy pre-deployment" in told.output
    written = Path("model.yaml").read_text()
    schema = json.loads(Path(written.splitlines()[0].removeprefix("# yaml-language-server: $schema=")).read_text())
    assert schema == json.loads(CliRunner().invoke(main, ["schema", "spec"]).output)
    # What is commented out may be taken in as it stands.
    section = re.search(r"^# execution:.*\n(#   .*\n)+", written, re.MULTILINE)
    assert section is not None
    taken_in = yaml.safe_load(written.replace(section[0], re.sub(r"^# ", "", section[0], flags=re.MULTILINE)))
    assert Spec.model_validate(taken_in).execution.replicas == 8


def test_init_leaves_a_schema_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.schema.json").write_text("{}")
    assert CliRunner().invoke(main, ["init", "mine.yaml"]).exit_code == 0
    assert Path("mine.schema.json").read_text() == "{}"


@pytest.mark.parametrize("command", ["run", "resume", "verify", "report", "gate", "validate", "init", "schema"])
def test_help_has_an_example(command: str) -> None:
    told = CliRunner().invoke(main, [command, "--help"])
    assert told.exit_code == 0
    assert f"slm-audit {command}" in told.output.split("Example")[1]


def test_quick_warns_before_it_asks_and_cannot_pass(
    tmp_path: Path, small_model: Path, slm_audit: Callable[..., CompletedProcess[str]]
) -> None:
    limit = "{metric: fairness.decisions.flip_rate, at_most: 1}"
    tight = "{metric: fairness.decisions.parity_difference, at_most: 0.01}"
    (tmp_path / "own.yaml").write_text(f"version: 1\nname: own\nlimits: [{limit}]\n")
    (tmp_path / "tight.yaml").write_text(f"version: 1\nname: tight\nlimits: [{limit}, {tight}]\n")
    run = ("run", str(small_model), "--suite", "quick", "--probes", "fairness.*", "--limit", "5", "--quiet")
    told = slm_audit(*run, "--policy", "own.yaml", cwd=tmp_path)
    assert told.returncode == 3, told.stderr
    assert "The suite quick is for trying out: it cannot end with a pass." in told.stderr
    assert told.stdout.count("does not gate; run the standard suite") == 1
    record = run_folder.read_record(tmp_path / "runs" / "latest")
    assert [one.verdict for one in record.findings if one.limit] == ["pass"]
    assert record.verdict == "inconclusive"
    again = CliRunner().invoke(
        main, ["gate", str(tmp_path / "runs" / "latest"), "--policy", str(tmp_path / "own.yaml")]
    )
    assert again.exit_code == 3
    told = slm_audit("validate", str(small_model), *run[2:-1], "--policy", "tight.yaml", cwd=tmp_path)
    assert "fairness.decisions.parity_difference at most 0.01 cannot be passed" in told.stdout


def test_an_expired_waiver_is_named_beside_the_verdict_and_has_no_effect(copied: Path, tmp_path: Path) -> None:
    limit = "{metric: fairness.decisions.flip_rate, at_most: 0.0}"
    for name, day in (("valid", "2999-01-01"), ("expired", "2020-01-31")):
        waiver = f"{{metric: fairness.decisions.flip_rate, at_most: 1, owner: head, reason: r, expires: {day}}}"
        (tmp_path / f"{name}.yaml").write_text(f"version: 1\nname: p\nlimits: [{limit}]\nwaivers: [{waiver}]\n")
    said = "The waiver of head for fairness.decisions.flip_rate expired on 2020-01-31 and has no effect."
    valid = CliRunner().invoke(main, ["gate", str(copied), "--policy", str(tmp_path / "valid.yaml")])
    assert (valid.exit_code, said in valid.output) == (0, False)
    for form in ("html", "markdown", "junit"):
        shown = tmp_path / f"shown.{form}"
        options = ("--policy", str(tmp_path / "expired.yaml"), "--form", form, "--output", str(shown))
        told = CliRunner().invoke(main, ["gate", str(copied), *options])
        assert told.exit_code in (1, 3)
        assert said in told.output
        assert said in shown.read_text().replace("\\", "")
