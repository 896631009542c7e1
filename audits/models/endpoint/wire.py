"""What is sent to an OpenAI-compatible server for a generation, and what is read from its reply."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ....probes.contract import Completion, Generation, Message
from ....probes.contract.requests import Finish
from .faults import RequestFault
from .tools import calls_of, offered, turns_of

PLAIN, CHAT = "completions", "chat/completions"
_FINISHES: Mapping[object, Finish] = {
    "length": "length",
    "max_tokens": "length",
    "content_filter": "filtered",
    "tool_calls": "tool",
}


def dig(said: object, *path: str | int) -> object:
    """The value at a path of a JSON value, or None."""
    for part in path:
        if isinstance(part, str):
            said = said.get(part) if isinstance(said, dict) else None
        else:
            said = said[part] if isinstance(said, list) and -len(said) <= part < len(said) else None
    return said


def asked(model: str, request: Generation) -> tuple[str, dict[str, object]]:
    """The path and the body for one text: only the fields that are needed, since strict servers refuse others.

    One that is `alone` is streamed, so that its first token can be timed.
    """
    decoding = request.decoding
    body: dict[str, object] = {"model": model, "max_tokens": decoding.max_tokens, "temperature": decoding.temperature}
    body["seed"] = request.seed
    if decoding.temperature > 0 and decoding.top_p < 1:
        body["top_p"] = decoding.top_p
    if decoding.temperature > 0 and decoding.top_k:
        body["top_k"] = decoding.top_k
    if decoding.stop:
        body["stop"] = list(decoding.stop)
    if request.tools:
        body["tools"] = offered(request.tools)
    if request.alone:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    if isinstance(request.prompt, str):
        if request.token_logprobs:
            body["logprobs"] = 1
        return PLAIN, {**body, "prompt": request.prompt + request.prefill}
    if request.token_logprobs:
        body["logprobs"] = True
    return CHAT, {**body, **turns(request.prompt, request.prefill)}


def turns(messages: Sequence[Message], begun: str = "") -> dict[str, object]:
    """The messages of a chat; `begun` is the model's own turn so far, which it is to go on with."""
    said = turns_of(messages)
    if not begun:
        return {"messages": said}
    own = {"role": "assistant", "content": begun}
    return {"messages": [*said, own], "add_generation_prompt": False, "continue_final_message": True}


def read(said: object, request: Generation) -> Completion:
    """The completion in a reply; RequestFault if it has another shape than the interface gives it."""
    choice = dig(said, "choices", 0)
    chat = not isinstance(request.prompt, str)
    text = dig(choice, "message", "content") if chat else dig(choice, "text")
    thought = dig(choice, "message", "reasoning_content") or dig(choice, "message", "reasoning")
    if text is None and isinstance(dig(choice, "message"), dict):
        text = ""  # a chat reply of tool calls or thoughts alone
    if not isinstance(text, str):
        raise RequestFault("server", "the reply holds no text where choices[0] should have it")
    calls = calls_of(dig(choice, "message", "tool_calls"))
    finish = _FINISHES.get(dig(choice, "finish_reason"), "tool" if calls else "stop")
    for stop in request.decoding.stop:
        text = text.split(stop, 1)[0]
    return Completion(
        text=text,
        finish=finish,
        error="filtered: the server's filter ended the reply" if finish == "filtered" else "",
        prompt_tokens=count(said, "prompt_tokens"),
        tokens=count(said, "completion_tokens"),
        token_logprobs=logprobs_of(choice) if request.token_logprobs else None,
        reasoning=thought if isinstance(thought, str) else "",
        calls=calls,
    )


def count(said: object, name: str) -> int | None:
    """A count of the reply's usage, where the server tells it."""
    found = dig(said, "usage", name)
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None


def logprobs_of(choice: object) -> tuple[float, ...] | None:
    """The log-probabilities (nats) of the tokens drawn, of either interface; None where they are not told."""
    content = dig(choice, "logprobs", "content")
    told = [dig(one, "logprob") for one in content] if isinstance(content, list) else None
    if told is None:
        plain = dig(choice, "logprobs", "token_logprobs")
        told = list(plain) if isinstance(plain, list) else None
    numbers = [number for one in told or [] if (number := finite(one)) is not None]
    return tuple(numbers) if told is not None and len(numbers) == len(told) else None


def finite(said: object) -> float | None:
    """A JSON value as a finite number, or None."""
    number = isinstance(said, int | float) and not isinstance(said, bool)
    return float(said) if number and math.isfinite(said) else None  # type: ignore[arg-type]
