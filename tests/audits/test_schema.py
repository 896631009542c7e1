"""The schemas accept what the examples say and refuse what an editor should underline."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from jsonschema import Draft202012Validator
from slm_audit.audits import built_in
from slm_audit.audits.cli import main
from slm_audit.audits.commands.init import TEMPLATE

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def validator(of: str) -> Draft202012Validator:
    told = CliRunner().invoke(main, ["schema", of])
    assert told.exit_code == 0, told.output
    schema = json.loads(told.stdout)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def plain(text: str) -> dict[str, object]:
    """YAML as JSON holds it: a day is its text."""
    return json.loads(json.dumps(yaml.safe_load(text), default=str))  # type: ignore[no-any-return]


SPECS = {
    "example": (EXAMPLES / "model.yaml").read_text(),
    "init": TEMPLATE.format(name="model.yaml", schema="model.schema.json", model="m"),
}
POLICIES = {name: built_in.text_of("policies", name) for name in built_in.names("policies")}
POLICIES["example"] = (EXAMPLES / "policy.yaml").read_text()


@pytest.mark.parametrize("name", SPECS)
def test_our_specs_fit(name: str) -> None:
    validator("spec").validate(plain(SPECS[name]))


@pytest.mark.parametrize("name", POLICIES)
def test_our_policies_fit(name: str) -> None:
    validator("policy").validate(plain(POLICIES[name]))


def spoil(change: Callable[[dict], object], of: dict[str, object]) -> dict[str, object]:  # type: ignore[type-arg]
    spoiled = copy.deepcopy(of)
    change(spoiled)
    return spoiled


@pytest.mark.parametrize(
    "change",
    [
        lambda spec: spec.update(audti={}),
        lambda spec: spec.update(version=2),
        lambda spec: spec.pop("model"),
        lambda spec: spec["audit"].update(suite="qwick"),
        lambda spec: spec["audit"].update(seed="seven"),
        lambda spec: spec["audit"].update(limit=0),
        lambda spec: spec.update(reports=["pdf"]),
    ],
)
def test_a_wrong_spec_does_not(change: Callable[..., object]) -> None:
    assert not validator("spec").is_valid(spoil(change, plain(SPECS["example"])))


@pytest.mark.parametrize(
    "change",
    [
        lambda policy: policy.update(confidence=1),
        lambda policy: policy.update(limit=[]),
        lambda policy: policy.pop("limits"),
        lambda policy: policy.update(requires=["fairnes"]),
        lambda policy: policy["limits"][0].update(at_most="0.05"),
        lambda policy: policy["limits"][0].pop("at_most"),
        lambda policy: policy["limits"][0].update(max=0.1),
        lambda policy: policy["limits"][0].update(if_not_measured="ignore"),
        lambda policy: policy["floors"][0].update({"for": []}),
        lambda policy: policy["waivers"][0].pop("owner"),
        lambda policy: policy["waivers"][0].pop("expires"),
        lambda policy: policy["waivers"][0].pop("at_most"),
    ],
)
def test_a_wrong_policy_does_not(change: Callable[..., object]) -> None:
    assert not validator("policy").is_valid(spoil(change, plain(POLICIES["example"])))


@pytest.mark.parametrize("of", ["spec", "policy"])
def test_every_key_of_ours_is_closed_and_says_what_it_is(of: str) -> None:
    schema = validator(of).schema
    for one in (schema, *(each for each in schema["$defs"].values() if "properties" in each)):
        assert one["additionalProperties"] is False
        assert one["description"]
