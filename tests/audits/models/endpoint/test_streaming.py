"""Requests that are timed are streamed; a stream that goes wrong is an error or tried again, never a shorter text."""

from __future__ import annotations

import pytest
from slm_audit.audits.model_file import EndpointFile
from slm_audit.audits.models import Leave
from slm_audit.audits.models.endpoint.model import EndpointModel
from slm_audit.probes.contract import Completion, Decoding, Generation, Message

WHOLE = "".join(f" word{at}" for at in range(8))
FIRST, PAUSE = 0.03, 0.005
"""Seconds that the server sleeps, at the least, before its first event and behind each."""


def ask(*urls: str, **more: object) -> EndpointModel:
    spec = {"kind": "endpoint", "url": list(urls), "name": "good", "time_out": 10, "retries": 1, **more}
    return EndpointModel(EndpointFile.model_validate(spec), Leave(), pause=0.01)


def timed(model: EndpointModel, *prompts: str) -> list[Completion]:
    decoding = Decoding(max_tokens=8)
    return [one for (one,) in model.generate([Generation(prompt=p, decoding=decoding, alone=True) for p in prompts])]


@pytest.fixture(scope="module")
def url(serve) -> str:
    return serve("streaming.py")[0]


@pytest.fixture(scope="module")
def model(url: str) -> EndpointModel:
    return ask(url)


def test_what_is_timed_is_streamed_and_its_first_token_and_tokens_are_known(model: EndpointModel) -> None:
    chat = Generation(prompt=(Message(role="user", content="a"),), decoding=Decoding(max_tokens=8), alone=True)
    for reply in (*timed(model, "a"), model.generate([chat])[0][0]):
        assert (reply.text, reply.finish, reply.error) == (WHOLE, "stop", "")
        assert (reply.prompt_tokens, reply.tokens) == (3, 8)
        assert reply.first_token_seconds is not None and reply.seconds is not None
        assert FIRST <= reply.first_token_seconds < reply.seconds
        assert reply.seconds >= FIRST + 8 * PAUSE
    assert not any("could not be timed" in note for note in model.notes)


def test_what_is_not_timed_is_not_streamed(model: EndpointModel) -> None:
    ((reply,),) = model.generate([Generation(prompt="a", decoding=Decoding(max_tokens=8))])
    assert reply.text.startswith(" word") and reply.text not in WHOLE
    assert (reply.seconds, reply.first_token_seconds) == (None, None)


FAULTS = {
    "[cut-off]": "server: the stream ended before its [DONE]",
    "[no-done]": "server: the stream ended before its [DONE]",
    "[no-finish]": "server: the stream does not tell why its text ends",
    "[snapped]": "server: the connection broke",
    "[garbage]": "server: the stream holds a line that is none of an event",
    "[half-json]": "server: the stream holds an event that is no JSON",
    "[no-text]": "server: the stream holds a text that is none",
    "[endless]": "server: the reply is larger than 8,000,000 bytes",
    "[error]": "server: 500: it broke",
    "[error 400]": "refused: 400: it broke",
}


def test_a_stream_that_goes_wrong_is_an_error_and_none_of_its_text_counts(model: EndpointModel) -> None:
    for prompt, reply in zip(FAULTS, timed(model, *FAULTS), strict=True):
        assert reply.error.startswith(FAULTS[prompt]), (prompt, reply.error)
        assert (reply.text, reply.tokens, reply.seconds, reply.first_token_seconds) == ("", None, None, None)


def test_a_stream_that_is_too_slow_is_given_up(url: str) -> None:
    (reply,) = timed(ask(url, time_out=1.5), "[slow]")
    assert (reply.error, reply.text) == ("time_out: no reply within 1.5 s", "")


def test_a_stream_that_goes_wrong_once_is_asked_for_again(model: EndpointModel) -> None:
    assert [one.text for one in timed(model, "[cut-once]", "[error 429 1]", "[error 503 1] b")] == [WHOLE] * 3


def test_a_text_that_comes_all_at_once_is_timed_as_a_whole(model: EndpointModel) -> None:
    (reply,) = timed(model, "[whole]")
    assert (reply.text, reply.first_token_seconds) == (WHOLE, None)
    assert reply.seconds is not None and reply.seconds > 0


def test_a_server_that_cannot_stream_is_asked_for_whole_replies_and_that_is_said(serve) -> None:
    model = ask(serve("misbehaving.py")[0])
    (reply,) = timed(model, "a")
    assert (reply.error, reply.first_token_seconds) == ("", None)
    assert reply.seconds is not None
    assert any("could not be timed token by token (it sends its text whole" in note for note in model.notes)
