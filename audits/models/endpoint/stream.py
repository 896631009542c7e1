"""Put the pieces of a streamed reply (server-sent events) together into the reply that a server gives in one."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from .wire import count, dig

DONE = "[DONE]"
LEAST_PIECES = 0.25
"""Pieces for each token. A text in fewer came several tokens at a time: neither its first one nor its pace was seen."""
_SKIPPED = (":", "event:", "id:", "retry:")
"""Comments, which keep a connection alive, and fields that say nothing of the text."""


class Arrived(NamedTuple):
    """Bytes, and the seconds after which they were there."""

    seconds: float
    data: bytes


class Streamed(NamedTuple):
    """The whole reply, or the error in it with its HTTP status; and when the first token came, where that was seen.

    `done` says that it ended as OpenAI's streams do.
    """

    said: dict[str, object]
    status: int
    first_seconds: float | None
    done: bool


class BrokenStream(Exception):
    """What came is not a whole stream: what there is of its text must not count."""


def put_together(parts: Iterable[Arrived]) -> Streamed:
    """The reply that a stream holds, or the error that the server ended it with; BrokenStream if it is not whole.

    Some servers (`transformers serve`) never say that they are done: their last words are the usage, which was asked
    for, behind the reason why the text ends.
    """
    pieces = _Pieces()
    for seconds, text in _events(parts):
        if text == DONE:
            return pieces.whole(done=True)
        try:
            said = json.loads(text)
        except (ValueError, RecursionError):
            raise BrokenStream("holds an event that is no JSON") from None
        if not isinstance(said, dict):
            raise BrokenStream("holds an event that is no JSON object")
        if error := said.get("error"):
            code = dig(error, "code")
            return Streamed({"error": error}, code if isinstance(code, int) and 400 <= code < 600 else 500, None, True)
        pieces.take(said, seconds)
    return pieces.whole(done=False)


def _events(parts: Iterable[Arrived]) -> Iterator[tuple[float, str]]:
    """The data of each event, and when it was whole."""
    data: list[str] = []
    seconds = 0.0
    for seconds, line in _lines(parts):
        if line.startswith("data:"):
            data.append(line.removeprefix("data:").removeprefix(" "))
        elif line and not line.startswith(_SKIPPED):
            raise BrokenStream("holds a line that is none of an event")
        elif not line and data:
            yield seconds, "\n".join(data)
            data = []
    if data:
        yield seconds, "\n".join(data)


def _lines(parts: Iterable[Arrived]) -> Iterator[tuple[float, str]]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    line: list[str] = []
    seconds = 0.0
    for seconds, data in parts:
        for at, piece in enumerate(decoder.decode(data).split("\n")):
            if at:
                yield seconds, "".join(line).removesuffix("\r")
                line = []
            line.append(piece)
    if last := "".join(line):
        yield seconds, last


@dataclass(slots=True)
class _Call:
    """A tool call so far: its id and name come with its first piece, its arguments bit by bit."""

    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class _Pieces:
    """What has come of a reply so far."""

    def __init__(self) -> None:
        self._chat = False
        self._texts: dict[str, list[str]] = {}
        self._calls: dict[int, _Call] = {}
        self._logprobs: dict[str, list[object]] = {}
        self._finish: object = None
        self._told: dict[str, object] = {}
        self._arrivals: list[float] = []

    def take(self, said: dict[str, object], seconds: float) -> None:
        """One event; BrokenStream if what it holds of the text cannot be read."""
        for name, kind in (("usage", dict), ("system_fingerprint", str)):
            if isinstance(said.get(name), kind):
                self._told[name] = said[name]
        choices = _list(said.get("choices"))
        if not choices:  # the usage comes so, at the end
            return
        choice = choices[0]
        if len(choices) > 1 or not isinstance(choice, dict) or choice.get("index", 0) != 0:
            raise BrokenStream("holds an event of another form")
        delta = choice.get("delta")
        if not isinstance(delta, dict) and "text" not in choice:
            raise BrokenStream("holds an event of another form")
        self._chat = self._chat or isinstance(delta, dict)
        more = {name: _text(dig(delta, name)) for name in ("content", "reasoning_content", "reasoning")}
        more["text"] = _text(choice.get("text"))
        for name, text in more.items():
            self._texts.setdefault(name, []).append(text)
        calls = _list(dig(delta, "tool_calls"))
        for one in calls:
            self._take_call(one)
        if (calls or any(more.values())) and self._arrivals[-1:] != [seconds]:
            self._arrivals.append(seconds)
        for name in ("content", "token_logprobs"):
            self._logprobs.setdefault(name, []).extend(_list(dig(choice, "logprobs", name)))
        self._finish = choice.get("finish_reason") or self._finish

    def whole(self, *, done: bool) -> Streamed:
        """The reply; BrokenStream unless it was told why the text ends."""
        if not done and (self._finish is None or "usage" not in self._told):
            raise BrokenStream(f"ended before its {DONE}")
        if self._finish is None:
            raise BrokenStream("does not tell why its text ends")
        logprobs = {name: told for name, told in self._logprobs.items() if told}
        choice: dict[str, object] = {"finish_reason": self._finish, "logprobs": logprobs or None}
        texts = {name: "".join(parts) for name, parts in self._texts.items()}
        if self._chat:
            calls = [
                {"id": one.id, "function": {"name": one.name, "arguments": "".join(one.arguments)}}
                for _, one in sorted(self._calls.items())
            ]
            choice["message"] = {"role": "assistant", **texts, "tool_calls": calls}
        else:
            choice["text"] = texts["text"]
        said: dict[str, object] = {**self._told, "choices": [choice]}
        pieces, tokens = len(self._arrivals), count(said, "completion_tokens") or 1
        seen = pieces >= (1 if tokens == 1 else max(2.0, LEAST_PIECES * tokens))
        return Streamed(said, 200, self._arrivals[0] if seen else None, done)

    def _take_call(self, said: object) -> None:
        index = dig(said, "index")
        if not isinstance(index, int):
            raise BrokenStream("holds a piece of a tool call without its index")
        call = self._calls.setdefault(index, _Call())
        call.id = call.id or _text(dig(said, "id"))
        call.name = call.name or _text(dig(said, "function", "name"))
        call.arguments.append(_text(dig(said, "function", "arguments")))


def _text(said: object) -> str:
    if said is not None and not isinstance(said, str):
        raise BrokenStream("holds a text that is none")
    return said or ""


def _list(said: object) -> list[object]:
    if said is not None and not isinstance(said, list):
        raise BrokenStream("holds an event of another form")
    return said or []
