"""The misbehaving server, which here streams and calls tools too: well, or as badly as the prompt bids it.

A streamed reply has a pause before its first token and before each further one. `GET /crowds` tells the most requests
that were answered at a time, and with how many others each streamed one was. Arguments: those of misbehaving.py, and
further fields of the model's entry in `/v1/models` as JSON, with `system_fingerprint` for that of the replies and
`echo` for a server that repeats its caller's key in all of them.
"""

from __future__ import annotations

import html
import json
import os
import socket
import struct
import sys
import threading
import time
from urllib.parse import quote

from misbehaving import MET, Handler, Server

FIRST, PAUSE = 0.03, 0.005
WORDS = tuple(f" word{at}" for at in range(8))
TELLS: dict[str, object] = json.loads(sys.argv[4]) if len(sys.argv) > 4 else {}
FINGERPRINT, ECHO = TELLS.pop("system_fingerprint", None), TELLS.pop("echo", False)
CROWD = {"now": 0, "most": 0}
BESIDE_STREAMS: list[int] = []
COUNTING = threading.Lock()


CALLS: dict[str, object] = {
    "no-json": [{"id": "a", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": Par'}}],
    "no-id": [{"function": {"name": "get_weather", "arguments": "{}"}}, {"id": None, "function": {"name": "other"}}],
    "object": [{"id": "a", "function": {"name": "get_weather", "arguments": {"city": "Paris"}}}],
    "no-name": [{"id": "a", "function": {"arguments": "{}"}}],
    "no-function": ["get_weather"],
    "number": [{"id": "a", "function": {"name": "get_weather", "arguments": 5}}],
    "no-list": {"id": "a", "function": {"name": "get_weather", "arguments": "{}"}},
}


class Streaming(Handler):
    def do_GET(self) -> None:
        if self.path == "/crowds":
            return self.say(200, {"most": CROWD["most"], "beside_streams": BESIDE_STREAMS})
        super().do_GET()

    def do_POST(self) -> None:
        with COUNTING:
            CROWD["now"] += 1
            CROWD["most"] = max(CROWD["most"], CROWD["now"])
        try:
            super().do_POST()
        finally:
            with COUNTING:
                CROWD["now"] -= 1

    def say(self, status: int, said: object, **headers: str) -> None:
        if self.path == "/v1/models" and status == 200:
            said = {"data": [{"id": "good", "created": time.time(), **TELLS}, {"id": "goodly", **TELLS}]}
        elif isinstance(said, dict) and "choices" in said and FINGERPRINT:
            said["system_fingerprint"] = FINGERPRINT
        if isinstance(said, dict) and "choices" in said and ECHO:
            for one in said["choices"]:
                one["text"] += self.headers.get("authorization")
                one["message"]["content"] = one["text"]
        super().say(status, said, **headers)

    def answer(self, body: dict[str, object], prompt: str, **more: object) -> None:
        if body.get("tools") and not any(one["role"] == "tool" for one in body["messages"]):
            call = {"name": body["tools"][0]["function"]["name"], "arguments": '{"city": "Paris"}'}
            return self.called(body, prompt, [{"id": "call-7", "type": "function", "function": call}])
        if body.get("stream"):
            return self.stream(
                self.events(body, (*WORDS, *self.headers.get("authorization", ""))[: None if ECHO else 8])
            )
        super().answer(body, prompt, **more)

    def called(self, body: dict[str, object], prompt: str, calls: object) -> None:
        message = {"role": "assistant", "content": None, "tool_calls": calls}
        super().answer(body, prompt, message=message, finish_reason="tool_calls")

    def events(self, body: dict[str, object], words: tuple[str, ...] = WORDS, **finish: object) -> list[str]:
        """A whole stream, an event each."""
        chat = "messages" in body

        def event(said: str, reason: str | None = None) -> str:
            choice = {"delta": {"content": said} if said else {}} if chat else {"text": said}
            return json.dumps({"choices": [{"index": 0, "finish_reason": reason, **choice}]})

        usage = {"prompt_tokens": 3, "completion_tokens": len(words)}
        return [
            *([json.dumps({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})] if chat else []),
            *(event(one) for one in words),
            *([event("", "stop")] if finish.get("finish", True) else []),
            json.dumps({"choices": [], "usage": usage}),
            "[DONE]",
        ]

    def begin_stream(self) -> None:
        BESIDE_STREAMS.append(CROWD["now"] - 1)
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("connection", "close")
        self.end_headers()

    def stream(self, events: list[str]) -> None:
        self.begin_stream()
        time.sleep(FIRST)
        for one in events:
            self.wfile.write(f"data: {one}\n\n".encode())
            self.wfile.flush()
            time.sleep(PAUSE)
        self.close_connection = True

    def fault_cut_off(self, body: dict[str, object], *_: object) -> None:
        self.stream(self.events(body)[:4])

    def fault_cut_once(self, body: dict[str, object], prompt: str) -> None:
        self.stream(self.events(body)[: 4 if MET[prompt] == 1 else None])

    def fault_no_done(self, body: dict[str, object], *_: object) -> None:
        self.stream(self.events(body)[:-1])

    def fault_no_finish(self, body: dict[str, object], *_: object) -> None:
        self.stream(self.events(body, finish=False))

    def fault_snapped(self, body: dict[str, object], *_: object) -> None:
        """The connection is reset in the middle."""
        self.begin_stream()
        self.wfile.write(f"data: {self.events(body)[0]}\n\n".encode())
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.fileno())

    def fault_garbage(self, body: dict[str, object], *_: object) -> None:
        events = self.events(body)
        self.stream([*events[:3], f"{events[3]}\n\nword3 word4", *events[5:]])

    def fault_half_json(self, body: dict[str, object], *_: object) -> None:
        events = self.events(body)
        self.stream([*events[:3], events[3][:20], *events[4:]])

    def fault_no_text(self, body: dict[str, object], *_: object) -> None:
        events = self.events(body)
        self.stream([*events[:3], '{"choices": [{"index": 0, "text": 5}]}', *events[4:]])

    def fault_endless(self, body: dict[str, object], *_: object) -> None:
        self.stream(self.events(body, words=(" y" * 50_000,) * 100))

    def fault_slow(self, body: dict[str, object], *_: object) -> None:
        self.begin_stream()
        for one in self.events(body) * 30:
            self.wfile.write(f"data: {one}\n\n".encode() if "DONE" not in one else b": still there\n\n")
            self.wfile.flush()
            time.sleep(0.1)

    def fault_error(self, body: dict[str, object], _prompt: str, code: str = "", times: str = "99") -> None:
        """An error in mid-stream, for the first so many times."""
        if MET[_prompt] > int(times):
            return self.stream(self.events(body))
        error = {"message": f"it broke for {self.headers.get('authorization')}", "code": int(code) if code else None}
        self.stream([*self.events(body)[:4], json.dumps({"error": error}), "[DONE]"])

    def fault_whole(self, body: dict[str, object], *_: object) -> None:
        """A stream in name only: all of the text at once."""
        events = self.events(body)
        self.begin_stream()
        self.wfile.write("".join(f"data: {one}\n\n" for one in events).encode())
        self.close_connection = True

    def fault_spell(self, body: dict[str, object], *_: object) -> None:
        """The key, a character at a time."""
        self.stream(self.events(body, tuple(self.headers.get("authorization", ""))))

    def fault_point(self, *_: object) -> None:
        """A redirect whose address holds the key."""
        key = self.headers.get("authorization", "").removeprefix("Bearer ")
        self.say(307, b"", location=f"http://{key}@{quote(key, safe='')}.example/v1")

    def fault_quote(self, _body: object, _prompt: str, form: str) -> None:
        """An error that holds the key, in HTML, in JSON in JSON, or in a URL."""
        said = self.headers.get("authorization", "")
        forms = {"html": html.escape(said), "json": json.dumps(said).replace("/", "\\/"), "url": quote(said, safe="")}
        self.say(400, {"error": {"message": forms[form]}})

    def fault_calls(self, body: dict[str, object], prompt: str, form: str) -> None:
        """Calls in a form of their own, or with the key in JSON that escapes its slashes."""
        secret = json.dumps({"city": self.headers.get("authorization", "")}).replace("/", "\\/")
        key = [{"id": "a", "function": {"name": "get_weather", "arguments": secret}}]
        self.called(body, prompt, key if form == "key" else CALLS[form])

    def fault_until(self, body: dict[str, object], prompt: str, other: str) -> None:
        """Waits until another prompt was met."""
        until = time.monotonic() + 20
        while not MET[other] and time.monotonic() < until:
            time.sleep(0.01)
        self.answer(body, prompt)


if __name__ == "__main__":
    server = Server(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 0), Streaming)
    print(server.server_address[1], flush=True)
    server.serve_forever()
