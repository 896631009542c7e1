"""A key goes to its own server alone, and what that server says of it is not repeated: not in pieces, not in errors."""

from __future__ import annotations

import traceback

import httpx
import pytest
from slm_audit import EvidenceError, UserError
from slm_audit.audits.model_file import EndpointFile
from slm_audit.audits.models import Leave
from slm_audit.audits.models.endpoint.model import EndpointModel
from slm_audit.probes.contract import Completion, Decoding, Generation, Message, Tool, to_json

KEY = 'sk-not/a+real=key.<&">0123456789'
DECODING = Decoding(max_tokens=8)


def ask(url: str, monkeypatch: pytest.MonkeyPatch, key: str = KEY) -> EndpointModel:
    monkeypatch.setenv("OWN_NAME", key)
    spec = EndpointFile.model_validate({"kind": "endpoint", "url": url, "name": "good", "retries": 1})
    return EndpointModel(spec, Leave(key_env="OWN_NAME"), pause=0.01)


@pytest.fixture(scope="module")
def url(serve) -> str:
    return serve("streaming.py", KEY)[0]


def said(model: EndpointModel, prompt: str, **more: object) -> Completion:
    return model.generate([Generation(prompt=prompt, decoding=DECODING, **more)])[0][0]  # type: ignore[arg-type]


def test_a_server_that_repeats_the_key_is_not_quoted(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = ask(url, monkeypatch)
    assert said(model, "[echo]").text == " your key is Bearer [key]"
    assert said(model, "[spell]", alone=True).text == "Bearer [key]"  # a piece for each of its characters
    assert said(model, "[error 400]", alone=True).error == "refused: 400: it broke for Bearer [key]"
    assert said(model, "[quote html]").error == "refused: 400: Bearer [key]"
    assert said(model, "[quote json]").error == 'refused: 400: "Bearer [key]"'
    assert said(model, "[quote url]").error == "refused: 400: Bearer%20[key]"
    chat = (Message(role="user", content="[calls key]"),)
    tools = (Tool(name="get_weather", description=""),)
    ((reply,),) = model.generate([Generation(prompt=chat, decoding=DECODING, tools=tools)])
    assert reply.calls[0].arguments == '{"city": "Bearer [key]"}'


def test_a_key_in_what_ends_a_run_is_in_no_exception_and_no_traceback(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = ask(url, monkeypatch)
    with pytest.raises(EvidenceError) as ended:
        said(model, "[error 401]", alone=True)
    with pytest.raises(UserError) as refused:
        ask(url, monkeypatch, KEY + "-old")
    for one in (ended.value, refused.value):
        told = "".join(traceback.format_exception(one))
        assert "Bearer [key]" in told
        assert "sk-not" not in told and "0123456789" not in told


def test_a_key_does_not_travel_with_a_redirect(serve, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    other, _ = serve("misbehaving.py")
    model = ask(url, monkeypatch)
    port = other.split(":")[2].split("/")[0]
    for alone in (False, True):
        reply = said(model, f"[redirect {port}]", alone=alone)
        assert reply.error.startswith("redirect: it points to 127.0.0.1:")
        pointed = said(model, "[point]", alone=alone)
        assert pointed.error.startswith("redirect: it points to key.example, which is not followed")
        assert "sk-not" not in str(to_json(pointed))
    assert httpx.get(other.removesuffix("/v1") + "/heard").json() == []
