"""A server that misbehaves costs the requests that it spoils and no other; one that is gone ends the asking."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest
from slm_audit import EvidenceError, UserError
from slm_audit.audits.model_file import EndpointFile
from slm_audit.audits.models import Leave
from slm_audit.audits.models.endpoint.client import BREAKS, Client
from slm_audit.audits.models.endpoint.faults import RequestFault
from slm_audit.audits.models.endpoint.model import EndpointModel
from slm_audit.probes.contract import Access, Completion, Decoding, Generation, Message, Scoring

ONE = Decoding(max_tokens=4)


def ask(*urls: str, **more: object) -> EndpointModel:
    spec = {"kind": "endpoint", "url": list(urls), "name": "good", "time_out": 1.5, "retries": 3, **more}
    return EndpointModel(EndpointFile.model_validate(spec), Leave(), pause=0.01)


def texts(model: EndpointModel, *prompts: str) -> list[Completion]:
    return [reply for (reply,) in model.generate([Generation(prompt=one, decoding=ONE) for one in prompts])]


@pytest.fixture(scope="module")
def url(serve) -> str:
    return serve("misbehaving.py")[0]


@pytest.fixture(scope="module")
def model(url: str) -> EndpointModel:
    return ask(url)


def heard(url: str, prompt: str) -> list[dict]:
    rows = httpx.get(url.removesuffix("/v1") + "/heard").json()
    return [one for one in rows if one.get("body", {}).get("prompt") == prompt]


def test_what_the_server_can_do_is_found_out(model: EndpointModel) -> None:
    assert {Access.generate, Access.chat, Access.system, Access.seeded} == model.access
    assert model.context_tokens == 64
    (score,) = model.score([Scoring(context="a", continuation=" b")])
    assert score.error.startswith("refused: the server tells no log-probabilities")


def test_a_model_may_be_named_by_another_of_its_names(url: str) -> None:
    assert texts(ask(url, name="well"), "a")[0].error == ""


FAULTS = {
    "[broken 99]": "server: 500: <html>Internal Server Error</html>",
    "[hang]": "time_out: no reply within 1.5 s",
    "[drip]": "time_out: no reply within 1.5 s",
    "[reset]": "server: the connection broke",
    "[cut]": "server: the connection broke",
    "[truncated]": "server: the reply is no JSON object",
    "[list]": "server: the reply is no JSON object",
    "[nan]": "server: the reply is no JSON object",
    "[deep]": "server: the reply is no JSON object",
    "[schema]": "server: the reply holds no text",
    "[empty]": "server: the reply holds no text",
    "[huge]": "server: the reply is larger than 8,000,000 bytes",
    "[long]": "too_long: 400: This model's maximum context length",
    "[filter]": "filtered: 400: flagged",
    "[filtered]": "filtered: the server's filter",
    "[forbidden]": "refused: 403: not this one",
    "[redirect 9]": "redirect: it points to 127.0.0.1:9, which is not followed",
}


def test_each_fault_is_the_error_of_its_request_and_the_others_are_answered(model: EndpointModel) -> None:
    prompts = [text for fault in FAULTS for text in (f"{fault} {fault}", f"fine before {fault[1:-1]}")]
    replies = texts(model, *prompts)
    for prompt, reply in zip(prompts, replies, strict=True):
        if prompt.startswith("fine"):
            assert (reply.error, reply.text[:5]) == ("", " word")
        else:
            assert reply.error.startswith(FAULTS[prompt.split(" [")[0]]), (prompt, reply.error)
            assert reply.finish == ("filtered" if "filter" in prompt else "error")


def test_what_passes_is_tried_again_and_retry_after_is_honoured(url: str, model: EndpointModel) -> None:
    (one, other, third) = texts(model, "[broken 2] a", "[busy 1 1.2] b", "[busy 2] c")
    assert {one.error, other.error, third.error} == {""}
    first, second = heard(url, "[busy 1 1.2] b")
    assert second["at"] - first["at"] >= 1.2
    assert len(heard(url, "[broken 2] a")) == 3


def test_a_question_of_one_address_that_breaks_the_connection_is_given_up_soon(url: str) -> None:
    async def asked() -> None:
        client = Client([url], "", concurrency=1, time_out=5.0, retries=9, pause=0.01)
        body = {"model": "good", "prompt": "[reset] by discovery", "max_tokens": 1, "temperature": 0.0}
        with pytest.raises(RequestFault, match="the connection broke"):
            await client.at(client.addresses[0], "POST", "completions", body)

    asyncio.run(asked())
    assert len(heard(url, "[reset] by discovery")) == BREAKS


def test_a_server_that_stays_busy_or_asks_for_a_long_rest_ends_the_asking(url: str) -> None:
    # A model of their own: an address that must rest would make the other tests wait.
    with pytest.raises(EvidenceError, match=r"429: slow down; what was answered is kept"):
        texts(ask(url), "[busy 99] a")
    begun = time.monotonic()
    with pytest.raises(EvidenceError, match=r"left alone for 4000 s"):
        texts(ask(url), "[busy 1 4000] b")
    assert time.monotonic() - begun < 10


def test_two_addresses_share_the_work_and_one_that_dies_is_done_without(serve) -> None:
    (one, first), (two, _) = serve("misbehaving.py"), serve("misbehaving.py")
    both = ask(one, two, concurrency=2)
    replies = texts(both, *(f"prompt {at}" for at in range(40)))
    hosts = {reply.responder for reply in replies}
    assert hosts == {url.split("/")[2] for url in (one, two)}
    first.kill()
    first.wait()
    again = texts(both, *(f"prompt {at}" for at in range(40)))
    assert [reply.text for reply in again] == [reply.text for reply in replies]
    assert {reply.responder for reply in again} == {two.split("/")[2]}


def test_a_dead_server_ends_the_asking_but_is_no_error_of_a_request(serve) -> None:
    address, process = serve("misbehaving.py")
    model = ask(address)
    process.kill()
    process.wait()
    with pytest.raises(EvidenceError, match="cannot be reached"):
        texts(model, "a")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"name": "goood"}, "serves no model 'goood'; did you mean 'good'?"),
        ({"url": "http://127.0.0.1:9"}, "cannot be reached"),
        ({"url": "http://127.0.0.1:9/v1", "key": "HOME"}, "does not begin with SLM_AUDIT_KEY_"),
        ({"key": "SLM_AUDIT_KEY_NOT_SET"}, "the variable SLM_AUDIT_KEY_NOT_SET holds no key"),
    ],
)
def test_what_a_user_can_mend_is_said_in_one_sentence(url: str, spec: dict[str, object], said: str) -> None:
    with pytest.raises(UserError) as raised:
        ask(*[str(spec.pop("url", url))], retries=0, **spec)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_chats_go_through_the_chat_interface(url: str, model: EndpointModel) -> None:
    turns = (Message(role="system", content="s"), Message(role="user", content="u"))
    assert model.generate([Generation(prompt=turns, decoding=ONE)])[0][0].error == ""
    begun = model.generate([Generation(prompt=turns, decoding=ONE, prefill="Well")])[0][0]
    assert begun.error.startswith("refused: the server does not go on with a reply")
