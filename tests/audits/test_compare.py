"""Comparing finds what a variant changed and how far, acquits a copy, and refuses runs that were not asked the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from slm_audit import Access, Score, Scoring, Scripted
from slm_audit.audits import engine
from slm_audit.audits.cli import main
from slm_audit.audits.compare import compare
from slm_audit.audits.plan import check_plan
from slm_audit.audits.policy import DELTA
from slm_audit.audits.run_folder import read_record
from slm_audit.probes.fairness.people import ORIGINS
from slm_audit.reports.compared import Compared, Comparison
from slm_audit.reports.policy import Floor, Limit, Policy

NOW = datetime(2026, 6, 1, tzinfo=UTC)
FLIPS, TOXIC = "fairness.decisions.flip_rate", "toxicity.continuations.rate"
RUDE, KIND = "you are a stupid idiot and I hate you", "the weather was fine and we went home"
Audit = Callable[..., Path]
NAMES = json.loads((Path(__file__).parents[2] / "probes/fairness/names.json").read_text("utf-8"))["origins"]
WOMEN = {name for origin in NAMES.values() for name in origin["woman"]}


def margins(*limits: Limit) -> Policy:
    return Policy(name="margins", confidence=0.95, requires=(), limits=limits, sha256="0" * 64)


def decides(skewed: int = 0, says: str | Callable[[str, int], str] = KIND, **more: object) -> Scripted:
    """Approves every file alike, but for women in one of `skewed` of them (0: in none)."""

    def likelihood(context: str, option: str) -> float:
        rule = context.split("\n")[0]
        woman = any(name in context for name in WOMEN)
        approve = not (skewed and woman and hashlib.sha256(rule.encode()).digest()[0] % skewed == 0)
        return -1.0 if (option.strip() == "approved") == approve else -3.0

    return Scripted(says, likelihood, **more)  # type: ignore[arg-type]


@pytest.fixture
def audit(tmp_path: Path, small_model: Path) -> Audit:
    def run(model: Scripted, **given: object) -> Path:
        chosen = {"audit.only": ["fairness.*", "toxicity.*"], "audit.limit": 80, "audit.seed": 3}
        plan = check_plan(str(small_model), {**chosen, **{key.replace("_", ".", 1): one for key, one in given.items()}})
        return engine.run(plan, model, tmp_path / "runs").folder

    return run


def only(comparison: Comparison) -> Compared:
    (one,) = comparison.variants
    return one


@pytest.mark.planted
def test_a_copy_is_acquitted_and_every_difference_is_nothing(audit: Audit) -> None:
    found = only(
        compare(audit(decides()), [audit(decides())], margins(Limit(metric=FLIPS + DELTA, at_most=0.1)), now=NOW)
    )
    assert found.record.verdict == "pass"
    assert found.record.exit_code == 0
    moved = [one for one in found.record.findings if one.metric.split("[")[0].endswith(DELTA)]
    assert moved
    assert all(one.value in (0, None) for one in moved)
    assert not [one for one in found.deltas if one.called in ("worse", "better")]
    assert all(one.to_safe == one.to_unsafe == 0 for one in found.flips)


@pytest.mark.planted
def test_a_planted_change_is_found_with_its_size_and_called(audit: Audit) -> None:
    base, variant = audit(decides()), audit(decides(skewed=2, says=lambda prompt, at: RUDE if at % 2 else KIND))
    limits = (Limit(metric=FLIPS + DELTA, at_most=0.05), Limit(metric=TOXIC + DELTA, at_most=0.05))
    found = only(compare(base, [variant], margins(*limits), now=NOW))
    assert found.record.verdict == "fail"
    before, after = ({one.metric: one for one in read_record(run).findings} for run in (base, variant))
    called = {one.metric: one.called for one in found.deltas}
    for metric in (FLIPS, TOXIC):
        finding = next(one for one in found.record.findings if one.metric == metric + DELTA)
        assert finding.verdict == "fail"
        assert finding.low is not None and finding.low > 0.05
        assert called[metric + DELTA] == "worse"
    # A figure that needs no correction moved by exactly what both records say.
    for delta in found.deltas:
        name = delta.metric.replace(DELTA, "", 1)
        if "continuations.rate" not in name and name in before and (old := before[name].value) is not None:
            moved = next(one.value for one in found.record.findings if one.metric == delta.metric)
            assert moved == pytest.approx((after[name].value or 0) - old, abs=1e-9), name
    (flips,) = (one for one in found.flips if one.metric == FLIPS)
    assert flips.to_unsafe > 0 == flips.to_safe
    assert flips.flips[0].base_said and flips.flips[0].variant_said
    assert flips.flips[0].base_said[0].turns and flips.flips[0].variant_said[0].turns


@pytest.mark.planted
def test_the_other_way_round_it_became_better(audit: Audit) -> None:
    base, variant = audit(decides(skewed=2)), audit(decides())
    found = only(compare(base, [variant], margins(Limit(metric=FLIPS + DELTA, at_most=0.05)), now=NOW))
    assert found.record.verdict == "pass"
    assert {one.metric: one.called for one in found.deltas}[FLIPS + DELTA] == "better"


def test_what_lies_under_the_noise_floor_is_never_called(audit: Audit) -> None:
    sound = decides()
    base, variant = audit(sound), audit(decides(skewed=2))
    policy = margins(Limit(metric=FLIPS + DELTA, at_most=0.05))
    named = FLIPS + DELTA
    assert {one.metric: one.called for one in only(compare(base, [variant], policy, now=NOW)).deltas}[named] == "worse"
    first = sum(isinstance(one, Scoring) for one in sound.heard)

    class Moody(Scripted):
        """Sound when first asked, skewed in the repeat."""

        def score(self, requests: Sequence[Scoring]) -> list[Score]:
            asked = sum(isinstance(one, Scoring) for one in self.heard)
            self.heard += requests
            return decides(skewed=0 if asked < first else 1).score(requests)

    noisy = audit(Moody(KIND), audit_repeat=2)
    moved = {one.metric: one for one in only(compare(noisy, [variant], policy, now=NOW)).deltas}[named]
    assert moved.noise is not None and moved.variant is not None and moved.base is not None
    assert moved.noise >= abs(moved.variant - moved.base) > 0
    assert moved.called == "within noise"


def test_where_the_base_can_do_nothing_no_margin_holds(audit: Audit) -> None:
    floor = Floor(metric="fairness.decisions.accuracy", dimensions=("fairness",), above_chance=0.1)
    policy = replace(margins(Limit(metric=FLIPS + DELTA, at_most=0.1)), floors=(floor,))
    found = only(compare(audit(decides()), [audit(decides())], policy, now=NOW))
    assert found.record.verdict == "inconclusive"


def test_a_variant_that_cannot_be_asked_is_missing_evidence(audit: Audit) -> None:
    silent = Scripted(KIND, access=frozenset({Access.score}))
    policy = margins(Limit(metric=TOXIC + DELTA, at_most=0.1))
    found = only(compare(audit(decides()), [audit(silent)], policy, now=NOW))
    assert (found.record.verdict, found.record.exit_code) == ("incomplete", 4)
    assert "generate" in next(one.reason for one in found.record.findings if one.metric == TOXIC + DELTA)


def test_the_worst_of_several_variants_is_the_verdict(audit: Audit) -> None:
    base = audit(decides())
    policy = margins(Limit(metric=FLIPS + DELTA, at_most=0.1))
    found = compare(base, [audit(decides()), audit(decides(skewed=1)), audit(decides())], policy, now=NOW)
    assert [one.record.verdict for one in found.variants] == ["pass", "fail", "pass"]
    assert (found.verdict, found.exit_code) == ("fail", 1)


def cli(*arguments: str, cwd: Path) -> Result:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        return CliRunner().invoke(main, ["compare", *arguments])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"audit_seed": 4}, "seed: 3 and 4"),
        ({"audit_limit": 60}, "asked other items of fairness.decisions"),
        ({"audit_only": ["toxicity.*"]}, "only one asked fairness.decisions"),
        ({"audit_probes": {"fairness.decisions": {"origins": ["African American", "white"]}}}, "another options"),
    ],
)
def test_unrelated_runs_are_refused_and_what_differs_is_named(
    audit: Audit, tmp_path: Path, given: dict[str, object], said: str
) -> None:
    if "audit_probes" in given:
        given = {"audit_probes": {"fairness.decisions": {"origins": list(ORIGINS[:2])}}}
    told = cli(str(audit(decides())), str(audit(decides(), **given)), cwd=tmp_path)
    assert told.exit_code == 2
    assert said in told.stderr
    assert not list(tmp_path.glob("runs/compare-*"))


def test_the_same_run_and_what_is_no_run_are_refused(audit: Audit, tmp_path: Path) -> None:
    run = str(audit(decides()))
    told = cli(run, run, cwd=tmp_path)
    assert (told.exit_code, "the same run" in told.stderr) == (2, True)
    told = cli(run, str(tmp_path), cwd=tmp_path)
    assert (told.exit_code, "not a run folder" in told.stderr) == (2, True)


@pytest.mark.parametrize("skewed", [0, 1])
@pytest.mark.parametrize("fail_on", ["inconclusive", "fail"])
def test_every_output_and_the_exit_code_agree(audit: Audit, tmp_path: Path, skewed: int, fail_on: str) -> None:
    hostile = "<script>alert(1)</script> [x](javascript:1) \u202e \x1b[31m"
    base, variant = audit(decides(says=hostile)), audit(decides(skewed=skewed, says=hostile))
    policy = tmp_path / "p.yaml"
    policy.write_text(
        f"version: 1\nname: p\nlimits:\n  - {{metric: {FLIPS}.delta, at_most: 0.1}}\n"
        f"  - {{metric: {TOXIC}.delta, at_most: 0.001}}\n"
    )
    told = cli(str(base), str(variant), "--policy", str(policy), "--fail-on", fail_on, cwd=tmp_path)
    assert told.exception is None or isinstance(told.exception, SystemExit), told.output
    folder = tmp_path / "runs" / "latest-comparison"
    data = json.loads((folder / "comparison.json").read_text())
    assert data["verdict"] == ("fail" if skewed else "inconclusive")
    assert told.exit_code == data["exit_code"] == (1 if skewed else 3 if fail_on == "inconclusive" else 0)
    assert f"Verdict: {data['verdict'].upper()}, exit {told.exit_code}" in told.stdout
    suites = ElementTree.fromstring((folder / "junit.xml").read_bytes())
    red = int(suites.get("failures", 0)) + int(suites.get("errors", 0))
    assert (red > 0) == (told.exit_code != 0)
    for name in ("comparison.html", "comparison.md"):
        page = (folder / name).read_text()
        assert f"xit code {told.exit_code}" in page
        assert "<script>" not in page
        assert "\u202e" not in page and "\x1b" not in page
    assert not (tmp_path / "runs" / "latest").resolve().name.startswith("compare-")


def test_margins_belong_to_compare_and_name_what_is_measured(audit: Audit, tmp_path: Path) -> None:
    run = str(audit(decides()))
    policy = tmp_path / "p.yaml"
    for metric, said in (
        ("fairness.decisions.flop_rate.delta", "did you mean 'fairness.decisions.flip_rate.delta'?"),
        ("fairness.decisions.approval_rate.delta", "only shown"),
    ):
        policy.write_text(f"version: 1\nname: p\nlimits: [{{metric: {metric}, at_most: 0.1}}]\n")
        told = cli(run, run, "--policy", str(policy), cwd=tmp_path)
        assert told.exit_code == 2
        assert said in told.stderr
