"""Tools and calls go to a server and come back in its form, and what it spoils is told from what the model spoils."""

from __future__ import annotations

import pytest
from slm_audit.audits.model_file import EndpointFile
from slm_audit.audits.models import Leave
from slm_audit.audits.models.endpoint.model import EndpointModel
from slm_audit.audits.models.endpoint.wire import asked
from slm_audit.probes.contract import Access, Completion, Decoding, Generation, Message, Tool, ToolCall

WEATHER = Tool(
    name="get_weather",
    description="Tells the weather.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}},
)
DECODING = Decoding(max_tokens=8)


def ask(url: str) -> EndpointModel:
    spec = {"kind": "endpoint", "url": url, "name": "good", "retries": 0, "time_out": 5}
    return EndpointModel(EndpointFile.model_validate(spec), Leave(), pause=0.01)


@pytest.fixture(scope="module")
def model(serve) -> EndpointModel:
    return ask(serve("streaming.py")[0])


def said(model: EndpointModel, *turns: Message | str) -> Completion:
    prompt = tuple(Message(role="user", content=one) if isinstance(one, str) else one for one in turns)
    return model.generate([Generation(prompt=prompt, decoding=DECODING, tools=(WEATHER,))])[0][0]


def test_that_a_server_calls_tools_is_found_out(model: EndpointModel, serve) -> None:
    assert Access.tools in model.access
    deaf = ask(serve("misbehaving.py")[0])  # takes the field, and never calls
    assert Access.tools not in deaf.access
    assert said(deaf, "a").error.startswith("refused: the server takes no tools")
    turns = (Message(role="assistant", content="", calls=(ToolCall(name="f", arguments="{}"),)),)
    told = deaf.generate([Generation(prompt=turns, decoding=DECODING)])[0][0]
    assert told.error.startswith("refused: the server takes no tools")


def test_a_call_comes_back_as_a_call(model: EndpointModel) -> None:
    reply = said(model, "What is the weather in Paris?")
    assert reply.calls == (ToolCall(name="get_weather", arguments='{"city": "Paris"}', id="call-7"),)
    assert (reply.text, reply.finish, reply.error) == ("", "tool", "")
    plain = model.generate([Generation(prompt="raw", decoding=DECODING, tools=(WEATHER,))])[0][0]
    assert plain.error.startswith("refused:")


def test_the_form_of_tools_calls_and_answers_is_openais() -> None:
    # As the public reference of the chat interface has it: "tools", "tool_calls" and "tool_call_id".
    call = ToolCall(name="get_weather", arguments='{"city": "Paris"}', id="call-7")
    turns = (
        Message(role="user", content="Weather?"),
        Message(role="assistant", content="", calls=(call,)),
        Message(role="tool", content="sunny", call_id="call-7"),
    )
    path, body = asked("good", Generation(prompt=turns, decoding=DECODING, tools=(WEATHER,)))
    assert path == "chat/completions"
    assert body["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "get_weather",
                "description": "Tells the weather.",
                "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
            },
        }
    ]
    function = {"name": "get_weather", "arguments": '{"city": "Paris"}'}
    assert body["messages"] == [
        {"role": "user", "content": "Weather?"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "call-7", "type": "function", "function": function}],
        },
        {"role": "tool", "content": "sunny", "tool_call_id": "call-7"},
    ]


def test_calls_without_an_id_and_their_answers_are_given_one_each() -> None:
    call = ToolCall(name="get_weather", arguments="{}")
    turns = (
        Message(role="assistant", content="", calls=(call, call)),
        Message(role="tool", content="sunny"),
        Message(role="tool", content="rainy"),
        Message(role="assistant", content="", calls=(call,)),
        Message(role="tool", content="foggy"),
    )
    _, body = asked("good", Generation(prompt=turns, decoding=DECODING))
    messages = body["messages"]
    assert isinstance(messages, list)
    given = [one["id"] for turn in messages for one in turn.get("tool_calls", ())]
    assert len(set(given)) == 3
    assert [turn["tool_call_id"] for turn in messages if turn["role"] == "tool"] == given


def test_what_the_model_spoils_is_kept_as_it_is_for_a_probe_to_judge(model: EndpointModel) -> None:
    assert said(model, "[calls no-json]").calls[0].arguments == '{"city": Par'
    both = said(model, "[calls no-id]")
    assert both.calls == (ToolCall(name="get_weather", arguments="{}"), ToolCall(name="other", arguments="{}"))
    assert both.error == ""
    assert said(model, "[calls object]").calls[0].arguments == '{"city": "Paris"}'


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ("no-name", "names no function"),
        ("no-function", "names no function"),
        ("number", "whose arguments are no text"),
        ("no-list", "tool_calls are no list"),
    ],
)
def test_what_the_server_spoils_is_an_error(model: EndpointModel, form: str, error: str) -> None:
    reply = said(model, f"[calls {form}]")
    assert reply.error.startswith("server: the reply") and error in reply.error
    assert (reply.calls, reply.text) == ((), "")
