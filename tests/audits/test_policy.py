"""A policy that extends another stands alone in the end, and what is wrong with it is said at its place."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
import yaml
from slm_audit.audits import built_in
from slm_audit.audits.deltas import delta_metrics
from slm_audit.audits.errors import UserError
from slm_audit.audits.gate import CORE, VALID
from slm_audit.audits.plan import check_plan
from slm_audit.audits.policy import check_names, policy_document, read_policy
from slm_audit.audits.run_folder import sha256
from slm_audit.audits.selection import known_metrics
from slm_audit.audits.suite import read_suite
from slm_audit.audits.yaml_file import parse
from slm_audit.probes.contract import Metric
from slm_audit.probes.registry import installed
from slm_audit.reports.policy import Policy

README = Path(__file__).resolve().parents[2] / "README.md"
HEAD = "version: 1\nname: own\n"
TOXIC, FLIPS = "toxicity.continuations.rate", "fairness.decisions.flip_rate"


def read(folder: Path, **files: str) -> Policy:
    """Write the files `name.yaml` and read the one that is called own."""
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(HEAD + text)
    document = policy_document("own.yaml", folder)
    policy = read_policy(document)
    assert read_policy(parse(Path("policy.yaml"), document.text)) == policy, "the text does not stand alone"
    return policy


def bounds(policy: Policy) -> dict[str, float | None]:
    return {one.metric: one.at_most for one in policy.limits}


def test_an_entry_takes_the_place_of_its_parents(tmp_path: Path) -> None:
    parent = read_policy(policy_document("pre-deployment", tmp_path))
    own = read(
        tmp_path,
        own=f"extends: pre-deployment\nconfidence: 0.9\nlimits: [{{metric: {TOXIC}, at_most: 0.5}}]\n"
        f"floors: [{{metric: {CORE}, at_least: 0.5, for: toxicity}}]\n",
    )
    assert bounds(own) == {**bounds(parent), TOXIC: 0.5}
    assert list(bounds(own)) == list(bounds(parent))
    assert own.limits[0] == parent.limits[0]
    assert (own.name, own.confidence, own.requires) == ("own", 0.9, parent.requires)
    assert [(one.metric, one.dimensions) for one in own.floors if one.metric == CORE] == [(CORE, ("toxicity",))]
    assert len(own.floors) == len(parent.floors)
    assert own.sha256 != parent.sha256


def test_requires_is_replaced_and_what_is_dropped_is_gone(tmp_path: Path) -> None:
    own = read(tmp_path, own=f"extends: pre-deployment\nrequires: [toxicity]\ndrop: [{FLIPS}, {CORE}]\n")
    assert own.requires == ("toxicity",)
    assert FLIPS not in bounds(own)
    assert CORE not in {one.metric for one in own.floors}
    assert len(own.limits) == 8


def test_a_chain_and_its_waivers(tmp_path: Path) -> None:
    """A waiver is taken over with its limit; a limit that is replaced or dropped takes it along."""
    waiver = "{metric: %s, at_most: 0.9, owner: o, reason: r, expires: 2027-01-01}"
    files = {
        "base": f"limits: [{{metric: {TOXIC}, at_most: 0.1}}, {{metric: {FLIPS}, at_most: 0.1}}]\n"
        f"waivers: [{waiver % TOXIC}, {waiver % FLIPS}]\n",
        "middle": "extends: base.yaml\n",
    }
    kept = read(tmp_path, **files, own="extends: middle.yaml\n")
    assert [(one.metric, one.expires) for one in kept.waivers] == [(TOXIC, date(2027, 1, 1)), (FLIPS, date(2027, 1, 1))]
    replaced = read(tmp_path, **files, own=f"extends: middle.yaml\nlimits: [{{metric: {TOXIC}, at_most: 0.05}}]\n")
    assert [one.metric for one in replaced.waivers] == [FLIPS]
    dropped = read(tmp_path, **files, own=f"extends: middle.yaml\ndrop: [{TOXIC}]\n")
    assert (list(bounds(dropped)), [one.metric for one in dropped.waivers]) == ([FLIPS], [FLIPS])


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ("extends: pre-deploymint\n", "own.yaml:3: extends: no policy is called 'pre-deploymint'; did you mean"),
        ("extends: none.yaml\n", "none.yaml does not exist; name a built-in policy"),
        ("extends: ../base.yaml\n", "own.yaml:3: extends: '../base.yaml' lies outside the policy's folder"),
        ("extends: own.yaml\n", "own.yaml:3: extends: own.yaml extends this policy in turn; break the circle"),
        ("extends: other.yaml\n", "other.yaml:3: extends: own.yaml extends this policy in turn; break the circle"),
        ("extends: deep1.yaml\n", "deep5.yaml:3: extends: more than 5 policies extend one another"),
        (
            f"extends: pre-deployment\ndrop:\n- {TOXIC}s\n",
            "own.yaml:5: drop.0: pre-deployment has no limit or floor on",
        ),
        (f"drop: [{TOXIC}]\nlimits: [{{metric: {TOXIC}, at_most: 1}}]\n", "name that policy under extends"),
        ("extends: pre-deployment\ndrop: all\n", "drop:"),
        ("extends: [a, b]\n", "extends:"),
        ("extends: pre-deployment\nextend: x\n", "unknown key; did you mean 'extends'?"),
        ("requires: [toxicity]\n", "a policy without limits decides nothing"),
        (f"extends: bare.yaml\ndrop: [{TOXIC}]\n", "a policy without limits decides nothing"),
        (
            "extends: bare.yaml\n"
            f"waivers: [{{metric: {FLIPS}, at_most: 1, owner: o, reason: r, expires: 2027-01-01}}]\n",
            "has no limit to waive",
        ),
    ],
)
def test_what_can_be_wrong_with_extends(tmp_path: Path, own: str, said: str) -> None:
    (tmp_path / "below").mkdir()
    bare = f"limits: [{{metric: {TOXIC}, at_most: 0.1}}]\n"
    deep = {f"deep{at}": f"extends: deep{at + 1}.yaml\n" for at in range(1, 9)}
    with pytest.raises(UserError) as refused:
        read(tmp_path / "below", other="extends: own.yaml\n", bare=bare, deep9=bare, **deep, own=own)
    assert said in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_a_fault_in_an_inherited_entry_names_its_own_file(tmp_path: Path) -> None:
    wrong = TOXIC.removesuffix("e")
    (tmp_path / "base.yaml").write_text(
        HEAD + f"limits:\n- {{metric: {FLIPS}, at_most: 0.1}}\n- {{metric: {wrong}, at_most: 1}}\n"
    )
    (tmp_path / "own.yaml").write_text(HEAD + "extends: base.yaml\n" + f"limits:\n- {{metric: {wrong}x, at_most: 1}}\n")
    document = policy_document("own.yaml", tmp_path)
    with pytest.raises(UserError) as refused:
        check_names(read_policy(document), document, known_metrics(read_policy(document)))
    first, second = str(refused.value).splitlines()
    assert "base.yaml:5: limits.1: no metric is called" in first
    assert "own.yaml:5: limits.0: no metric is called" in second


def test_a_run_keeps_the_policy_whole(tmp_path: Path, small_model: Path) -> None:
    (tmp_path / "base.yaml").write_text(HEAD + f"limits: [{{metric: {TOXIC}, at_most: 0.1}}]\n")
    (tmp_path / "own.yaml").write_text(HEAD + f"extends: base.yaml\nlimits: [{{metric: {FLIPS}, at_most: 0.1}}]\n")
    plan = check_plan(str(small_model), {"policy": str(tmp_path / "own.yaml")})
    kept = tmp_path / "kept.yaml"
    kept.write_text(plan.policy_document.text)
    assert "extends" not in yaml.safe_load(kept.read_text())
    assert set(bounds(plan.policy)) == {TOXIC, FLIPS}
    assert plan.policy.sha256 == sha256(kept)


def test_a_comparison_may_limit_differences() -> None:
    """The known metrics are the caller's to give: a run has none that end in .delta."""
    document = parse(Path("own.yaml"), HEAD + f"limits: [{{metric: {TOXIC}.delta, at_most: 0.05}}]\n")
    policy, known = read_policy(document), {TOXIC: Metric(name="rate", meaning=""), CORE: VALID}
    with pytest.raises(
        UserError, match="is a difference between two models; take the limit out, or judge it by 'slm-audit compare'"
    ):
        check_names(policy, document, known)
    check_names(policy, document, {**known, f"{TOXIC}.delta": Metric(name="rate.delta", meaning="", range=(-1, 1))})


@pytest.mark.parametrize("name", built_in.names("policies"))
def test_a_built_in_policy_gives_a_reason_for_each_number(name: str) -> None:
    document = policy_document(name, Path())
    policy = read_policy(document)
    known = known_metrics(policy)
    check_names(policy, document, {**known, **delta_metrics(known)})
    assert policy.name == name
    assert all(len(one.reason) > 20 for one in policy.limits)


def test_strict_is_stricter_and_exploratory_looser() -> None:
    strict, middle, loose = (
        read_policy(policy_document(name, Path())) for name in ("strict", "pre-deployment", "exploratory")
    )
    for metric, bound in bounds(middle).items():
        below, above = bounds(strict)[metric], bounds(loose)[metric]
        assert below is not None and bound is not None and above is not None
        assert below <= bound < above
    assert {one.metric for one in strict.limits if one.if_not_measured == "accept"} == set()
    assert not loose.requires and all(one.if_not_measured == "accept" for one in loose.limits)


@pytest.mark.parametrize("name", built_in.names("suites"))
def test_a_suite_asks_every_built_in_probe(name: str) -> None:
    ours = {name for name, point in installed().items() if point.value.startswith("slm_audit.")}
    ours = {name for name in ours if not name.startswith("fitness.")}  # which is asked where the card demands it
    assert set(read_suite(name).probes) == ours
    assert read_suite(name).gates == (read_suite(name).most_clusters is None)


def test_the_policy_in_the_readme_is_one(tmp_path: Path) -> None:
    (text,) = [one for one in re.findall(r"```yaml\n(.*?)```", README.read_text(), re.DOTALL) if "extends:" in one]
    (tmp_path / "own.yaml").write_text(text)
    document = policy_document("own.yaml", tmp_path)
    policy = read_policy(document)
    check_names(policy, document, known_metrics(policy))
    assert bounds(policy)[TOXIC] == 0.10
    assert "robustness.attack.success_rate" not in bounds(policy)
