"""A server without a model, run as a process of its own: it answers well, or misbehaves as the prompt bids it.

A prompt that holds `[name]` meets that fault. `GET /heard` tells every request with the headers that came with it.
The first line on stdout is the port. Arguments: the key that it wants ("" for none), and the port (0 for any), and the
seconds that a reply takes.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import struct
import sys
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = sys.argv[1] if len(sys.argv) > 1 else ""
SECONDS = float(sys.argv[3]) if len(sys.argv) > 3 else 0.0
HEARD: list[dict[str, object]] = []
MET: Counter[str] = Counter()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/heard":
            return self.say(200, HEARD)
        HEARD.append({"path": self.path, "headers": dict(self.headers), "at": time.time()})
        if KEY and self.headers.get("authorization") != f"Bearer {KEY}":
            return self.say(401, {"error": {"message": f"wrong key: {self.headers.get('authorization')}"}})
        if self.path != "/v1/models":
            return self.say(404, {"detail": "Not Found"})
        self.say(200, {"data": [{"id": "good", "max_model_len": 64}, {"id": "goodly", "aliases": ["well"]}]})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"]))
        body = json.loads(raw)
        HEARD.append({"path": self.path, "headers": dict(self.headers), "at": time.time(), "body": body})
        time.sleep(SECONDS)
        if KEY and self.headers.get("authorization") != f"Bearer {KEY}":
            return self.say(401, {"error": {"message": f"wrong key: {self.headers.get('authorization')}"}})
        if body["model"] not in ("good", "goodly", "well"):
            return self.say(404, {"error": {"message": f"The model `{body['model']}` does not exist."}})
        prompt = body.get("prompt") or body["messages"][-1]["content"]
        name = prompt.split("[", 1)[1].split("]", 1)[0] if "[" in prompt else ""
        MET[prompt] += 1
        fault = getattr(self, "fault_" + name.split(" ")[0].replace("-", "_"), None)
        if fault is None:
            return self.answer(body, prompt)
        fault(body, prompt, *name.split(" ")[1:])

    def answer(self, body: dict[str, object], prompt: str, **more: object) -> None:
        said = f" {prompt} {body['seed'] if body['temperature'] else ''}"
        text = " word" + hashlib.sha256(said.encode()).hexdigest()[:8]
        reply = {"text": text, "message": {"role": "assistant", "content": text}, "finish_reason": "stop", **more}
        usage = {"prompt_tokens": len(json.dumps(body.get("messages", prompt)).split()), "completion_tokens": 2}
        self.say(200, {"model": body["model"], "choices": [reply], "usage": usage})

    def say(self, status: int, said: object, **headers: str) -> None:
        data = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def fault_busy(self, body: dict[str, object], prompt: str, times: str, after: str = "") -> None:
        """429 for the first so many times, with a Retry-After if one is given."""
        if MET[prompt] <= int(times):
            return self.say(429, {"error": {"message": "slow down"}}, **({"retry_after": after} if after else {}))
        self.answer(body, prompt)

    def fault_broken(self, body: dict[str, object], prompt: str, times: str) -> None:
        if MET[prompt] <= int(times):
            return self.say(500, b"<html>Internal Server Error</html>")
        self.answer(body, prompt)

    def fault_hang(self, *_: object) -> None:
        time.sleep(30)

    def fault_drip(self, *_: object) -> None:
        self.send_response(200)
        self.send_header("content-length", "1000")
        self.end_headers()
        for _one in range(100):
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(0.3)

    def fault_reset(self, *_: object) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.fileno())

    def fault_truncated(self, *_: object) -> None:
        self.say(200, b'{"choices": [{"text": " half a')

    def fault_cut(self, *_: object) -> None:
        self.send_response(200)
        self.send_header("content-length", "1000")
        self.end_headers()
        self.wfile.write(b'{"choices": [')
        self.close_connection = True

    def fault_schema(self, *_: object) -> None:
        self.say(200, {"choices": {"0": {"text": 5}}, "usage": "much"})

    def fault_list(self, *_: object) -> None:
        self.say(200, ["no", "object"])

    def fault_empty(self, *_: object) -> None:
        self.say(200, {"choices": []})

    def fault_nan(self, *_: object) -> None:
        self.say(200, b'{"choices": [{"text": "x", "logprobs": {"token_logprobs": [NaN]}}]}')

    def fault_deep(self, *_: object) -> None:
        self.say(200, b"[" * 200_000)

    def fault_huge(self, body: dict[str, object], *_: object) -> None:
        self.answer(body, "x" * 10, text=" y" * 5_000_000)

    def fault_redirect(self, _body: object, _prompt: str, port: str) -> None:
        self.say(307, b"", location=f"http://127.0.0.1:{port}/v1/completions")

    def fault_long(self, *_: object) -> None:
        self.say(400, {"error": {"message": "This model's maximum context length is 64 tokens."}})

    def fault_forbidden(self, *_: object) -> None:
        self.say(403, {"error": "not this one"})

    def fault_filter(self, *_: object) -> None:
        self.say(400, {"error": {"code": "content_filter", "message": "flagged by the content management policy"}})

    def fault_filtered(self, body: dict[str, object], prompt: str) -> None:
        self.answer(body, prompt, finish_reason="content_filter")

    def fault_echo(self, body: dict[str, object], *_: object) -> None:
        """A server that repeats the key to its caller."""
        self.answer(body, "x", text=f" your key is {self.headers.get('authorization')}")


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing of connections that broke, for they were broken on purpose."""


if __name__ == "__main__":
    server = Server(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
