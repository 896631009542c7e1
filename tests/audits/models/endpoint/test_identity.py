"""The same model elsewhere is the same one; another name, or other weights under the name, is another one."""

from __future__ import annotations

import json

import pytest
from slm_audit import UserError
from slm_audit.audits.model_file import EndpointFile
from slm_audit.audits.models import Leave
from slm_audit.audits.models.endpoint.model import EndpointModel
from slm_audit.probes.contract import ModelIdentity

TELLS = {"root": "maker/model", "meta": {"n_params": 1000, "n_ctx": 64}, "system_fingerprint": "b1-abc"}


def ask(*urls: str, name: str = "good") -> EndpointModel:
    return EndpointModel(EndpointFile.model_validate({"kind": "endpoint", "url": urls, "name": name}), Leave())


@pytest.fixture(scope="module")
def tells(serve):
    """Start a server that tells so much of its model."""
    return lambda **more: serve("streaming.py", "", "0", "0", json.dumps({**TELLS, **more}))[0]


@pytest.fixture(scope="module")
def url(tells) -> str:
    return tells()


@pytest.fixture(scope="module")
def identity(url: str) -> ModelIdentity:
    return ask(url).identity


def test_another_address_and_more_of_them_are_the_same_model(tells, url: str, identity: ModelIdentity) -> None:
    other = tells(meta={"n_params": 1000, "n_ctx": 32}, created=7)
    assert ask(other).identity == identity
    assert ask(other, url).identity == identity
    assert not any("tells nothing by which other weights" in note for note in ask(other).notes)


@pytest.mark.parametrize(
    "other",
    [{"root": "maker/another"}, {"meta": {"n_params": 2000, "n_ctx": 64}}, {"system_fingerprint": "b2-abc"}],
)
def test_other_weights_under_the_same_name_are_another_model(
    tells, url: str, identity: ModelIdentity, other: dict
) -> None:
    changed = tells(**other)
    assert ask(changed).identity != identity
    with pytest.raises(UserError, match=rf"serve different models \(they differ in {next(iter(other))}\)"):
        ask(url, changed)


def test_another_name_is_another_model(url: str, identity: ModelIdentity) -> None:
    assert ask(url, name="goodly").identity != identity


def test_a_server_that_tells_nothing_of_its_weights_is_said_to(serve) -> None:
    assert any("tells nothing by which other weights" in note for note in ask(serve("misbehaving.py")[0]).notes)
