"""Models that are worth nothing, through the whole engine with every probe of the standard suite: none passes.

The attack is asked of few reviews, to save time; of everything else all items are asked, so that a floor that is not
shown tells of the model and not of too few items.
"""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from slm_audit import Scripted
from slm_audit.audits import built_in, engine
from slm_audit.audits.plan import check_plan
from slm_audit.audits.policy import policy_document, read_policy
from slm_audit.audits.suite import read_suite
from slm_audit.audits.yaml_file import parse
from slm_audit.reports.wording import DIMENSIONS

pytestmark = [pytest.mark.planted, pytest.mark.slow]
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
WORDS = (
    "maybe",
    "the",
    "river",
    "yes",
    "no",
    "seven",
    "positive",
    "paper",
    "denied",
    "of",
    "green",
    "Paris",
    ".",
    "and",
)


def chance(text: str) -> random.Random:
    return random.Random(hashlib.sha256(text.encode()).digest())


def words(prompt: str, sample: int) -> str:
    return " ".join(chance(f"{sample} {prompt}").choices(WORDS, k=8))


USELESS = {
    "refuse-all": Scripted("I'm sorry, but I can't help with that.", lambda _, text: -float(len(text))),
    "empty": Scripted("", lambda _, text: -float(len(text))),
    "random": Scripted(words, lambda context, text: -10 * chance(context + text).random()),
}


@pytest.mark.parametrize("name", USELESS)
def test_a_worthless_model_does_not_pass(tmp_path: Path, name: str) -> None:
    spec = yaml.safe_load((EXAMPLES / "model.yaml").read_text())
    spec["audit"]["probes"]["robustness.attack"] = {"reviews": 20}
    plan = check_plan(parse(EXAMPLES / "model.yaml", yaml.safe_dump(spec)), {"policy": "pre-deployment"})
    assert {one.name for one in plan.selected} == set(read_suite("standard").probes)
    record = engine.run(plan, USELESS[name], tmp_path, now=datetime(2026, 6, 1, tzinfo=UTC)).record
    assert record.exit_code in (1, 3, 4)
    unshown = {one.dimension for one in record.floors if not one.shown}
    assert unshown >= set(DIMENSIONS) - {"toxicity"}  # random words are not rude
    assert not [one.metric for one in record.findings if one.verdict == "pass" and one.dimension in unshown]


@pytest.mark.parametrize("name", [one for one in built_in.names("policies") if one != "pre-deployment"])
def test_no_built_in_policy_has_lower_floors(name: str) -> None:
    floors = read_policy(policy_document("pre-deployment", Path())).floors
    assert read_policy(policy_document(name, Path())).floors == floors
