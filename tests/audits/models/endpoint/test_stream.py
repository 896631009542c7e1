"""A stream is the reply that its pieces make, wherever it was cut into packets; a part of one is none at all."""

from __future__ import annotations

import itertools
import json
import random

import pytest
from slm_audit.audits.models.endpoint.stream import Arrived, BrokenStream, put_together
from slm_audit.audits.models.endpoint.wire import read
from slm_audit.probes.contract import Decoding, Generation, Message, ToolCall

DECODING = Decoding(max_tokens=9)
PLAIN = Generation(prompt="a", decoding=DECODING, token_logprobs=True)
CHAT = Generation(prompt=(Message(role="user", content="a"),), decoding=DECODING, token_logprobs=True)


def event(value: object) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"


def chunk(reason: str | None = None, **choice: object) -> str:
    return event({"choices": [{"index": 0, "finish_reason": reason, **choice}]})


def called(index: int, **function: str) -> dict[str, object]:
    own = {"id": function.pop("id")} if "id" in function else {}
    return {"tool_calls": [{"index": index, "function": function, **own}]}


END = event({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}, "system_fingerprint": "f"})
END += "data: [DONE]\n\n"
TEXT = "".join(
    [
        ": a comment\r\n\r\n",
        "event: completion\nid: 7\nretry: 9\n" + chunk(text="Ünï ", logprobs={"token_logprobs": [-0.5]}),
        chunk(text="漢\u2028\n字", logprobs={"token_logprobs": [-1.5]}).replace("\n\n", "\r\n\r\n"),
        chunk("length", text="!", logprobs={"token_logprobs": [-0.25]}),
        END,
    ]
)
TURN = "".join(
    [
        chunk(delta={"role": "assistant", "content": ""}),
        chunk(delta={"reasoning_content": "Let me "}),
        chunk(delta={"reasoning_content": "see."}),
        chunk(delta={"content": "I ask."}, logprobs={"content": [{"token": "", "logprob": -2.0}]}),
        chunk(delta=called(0, id="x", name="first", arguments="")),
        chunk(delta=called(0, arguments='{"a"')),
        chunk(delta=called(1, id="y", name="second", arguments="{}")),
        chunk(delta=called(0, arguments=": 1}")),
        chunk("tool_calls", delta={}),
        END,
    ]
)


def arrived(data: bytes, cuts: list[int]) -> list[Arrived]:
    edges = [0, *sorted(cuts), len(data)]
    return [Arrived(float(at), data[a:b]) for at, (a, b) in enumerate(itertools.pairwise(edges))]


@pytest.mark.parametrize("seed", range(30))
def test_a_stream_is_read_alike_however_it_was_cut(seed: int) -> None:
    dice = random.Random(seed)
    data = TEXT.encode()
    text = read(put_together(arrived(data, dice.sample(range(len(data)), seed))).said, PLAIN)
    assert (text.text, text.finish, text.token_logprobs) == ("Ünï 漢\u2028\n字!", "length", (-0.5, -1.5, -0.25))
    assert (text.prompt_tokens, text.tokens) == (3, 4)
    data = TURN.encode()
    turn = read(put_together(arrived(data, dice.sample(range(len(data)), seed))).said, CHAT)
    assert (turn.text, turn.finish, turn.reasoning, turn.token_logprobs) == ("I ask.", "tool", "Let me see.", (-2.0,))
    assert turn.calls == (
        ToolCall(name="first", arguments='{"a": 1}', id="x"),
        ToolCall(name="second", arguments="{}", id="y"),
    )


@pytest.mark.parametrize(("whole", "asked"), [(TEXT, PLAIN), (TURN, CHAT)])
def test_no_beginning_of_a_stream_counts_unless_all_of_the_text_is_in_it(whole: str, asked: Generation) -> None:
    data = whole.encode()
    all_of_it = read(put_together([Arrived(0.0, data)]).said, asked)
    for length in range(len(data) - len("\n\n")):
        try:
            found = put_together([Arrived(0.0, data[:length])])
        except BrokenStream:
            continue
        assert not found.done  # a server that says when it is done will be asked again
        assert read(found.said, asked) == all_of_it


def test_no_stream_ends_without_the_reason_and_the_usage() -> None:
    for missing in (chunk("length", text="!", logprobs={"token_logprobs": [-0.25]}), END):
        with pytest.raises(BrokenStream):
            put_together([Arrived(0.0, TEXT.replace(missing, "").removesuffix("data: [DONE]\n\n").encode())])


def test_the_first_token_came_with_the_first_piece_of_text() -> None:
    parts = [Arrived(float(at), (one + "\n\n").encode()) for at, one in enumerate(TURN.split("\n\n"))]
    assert put_together(parts).first_seconds == 1.0  # the event before only says whose turn it is


def test_a_text_that_came_at_once_tells_nothing_of_its_first_token() -> None:
    assert put_together([Arrived(1.0, TEXT.encode())]).first_seconds is None
    one = chunk("stop", text="a") + END.replace('"completion_tokens": 4', '"completion_tokens": 1')
    assert put_together([Arrived(1.0, one.encode())]).first_seconds == 1.0  # but of one token it is the first


def test_an_error_in_mid_stream_is_the_reply() -> None:
    for code, status in ((429, 429), (None, 500), (7, 500), ("rate", 500)):
        error = event({"error": {"message": "no", "code": code}})
        assert put_together([Arrived(0.0, (chunk(text="a") + error + END).encode())]).status == status


@pytest.mark.parametrize(
    "odd",
    [
        event([1]),
        event({"choices": 5}),
        event({"choices": ["a"]}),
        event({"choices": [{"index": 1, "text": "a"}]}),
        event({"choices": [{"text": "a"}, {"text": "b"}]}),
        event({"choices": [{"index": 0}]}),
        chunk(text=["a"]),
        chunk(delta={"tool_calls": [{"id": "a"}]}),
        chunk(delta={"tool_calls": [{"index": 0, "function": {"name": 5}}]}),
        chunk(text="a", logprobs={"token_logprobs": "x"}),
        "data: " + "[" * 200_000 + "\n\n",
        "text\n\n",
    ],
)
def test_what_cannot_be_read_breaks_the_stream(odd: str) -> None:
    with pytest.raises(BrokenStream):
        put_together([Arrived(0.0, (TEXT.removesuffix(END) + odd + END).encode())])
