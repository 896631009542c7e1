"""Tools and their calls in the form that OpenAI gave them, both ways."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence

from ....probes.contract import Message, Tool, ToolCall
from .faults import RequestFault


def offered(tools: Sequence[Tool]) -> list[dict[str, object]]:
    """The tools of a request."""
    return [
        {
            "type": "function",
            "function": {"name": one.name, "description": one.description, "parameters": dict(one.parameters)},
        }
        for one in tools
    ]


def turns_of(messages: Sequence[Message]) -> list[dict[str, object]]:
    """The messages of a chat.

    Not every server gives the calls that it answers with an id, but many want one back: a call without one gets a
    number here, and a tool's turn that names no call answers the first of those that is still open.
    """
    turns: list[dict[str, object]] = []
    open_calls: deque[str] = deque()
    unnamed = 0
    for one in messages:
        turn: dict[str, object] = {"role": one.role, "content": one.content}
        calls = []
        for call in one.calls:
            name = call.id
            if not name:
                name = f"call_{unnamed}"
                unnamed += 1
                open_calls.append(name)
            function = {"name": call.name, "arguments": call.arguments}
            calls.append({"id": name, "type": "function", "function": function})
        if calls:
            turn["tool_calls"] = calls
        if one.role == "tool":
            turn["tool_call_id"] = one.call_id or (open_calls.popleft() if open_calls else "")
        turns.append(turn)
    return turns


def calls_of(said: object) -> tuple[ToolCall, ...]:
    """The calls in a reply's `tool_calls`; RequestFault where one is not of the form that a call has.

    Arguments that are no JSON are the model's fault, not the server's: they stay as they are, for a probe to judge.
    """
    if said is not None and not isinstance(said, list):
        raise RequestFault("server", "the reply's tool_calls are no list")
    return tuple(_call(one) for one in said or ())


def _call(said: object) -> ToolCall:
    function = said.get("function") if isinstance(said, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(said, dict) or not isinstance(function, dict) or not isinstance(name, str) or not name:
        raise RequestFault("server", "the reply holds a tool call that names no function")
    arguments, own = function.get("arguments"), said.get("id")
    if arguments is None or isinstance(arguments, dict):  # some servers hand them over as they are
        arguments = json.dumps(arguments or {}, ensure_ascii=False)
    if not isinstance(arguments, str):
        raise RequestFault("server", "the reply holds a tool call whose arguments are no text")
    return ToolCall(name=name, arguments=arguments, id=own if isinstance(own, str) else "")
