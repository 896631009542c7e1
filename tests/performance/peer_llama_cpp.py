"""llama.cpp on the same weights as a GGUF file of float32. Arguments: the model's folder, the number of threads.

Texts are drawn by `llama-server`, pairs are scored by `llama-perplexity`; both are found on the PATH. What counts is
what these processes spend, beginning when the model is loaded; this one, which asks them, costs nothing.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from as_gguf import convert
from serving import answer

FOLDER, THREADS = Path(sys.argv[1]), sys.argv[2]
FILE = FOLDER / "model.gguf"
TOKENS = 512
"""Of each pair: llama-perplexity cuts its text into such windows and scores all behind the first half and one token."""
FLOAT32 = ("--flash-attn", "off", "--cache-type-k", "f32", "--cache-type-v", "f32")
"""By itself llama.cpp rounds in attention to half precision, which is faster and moves a score by 1e-3 nat."""


class Server:
    """`llama-server` with a slot for each row."""

    def __init__(self, rows: int, *more: str) -> None:
        """Start it and wait until the model is loaded."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self._url = f"http://127.0.0.1:{port}"
        place = ("--host", "127.0.0.1", "--port", str(port), "--log-disable", "--cache-ram", "0")
        size = ("--parallel", str(rows), "--ctx-size", str(128 * rows), "--threads", THREADS)
        self.process = subprocess.Popen(["llama-server", "--model", str(FILE), *place, *size, *more])
        while True:
            try:
                urllib.request.urlopen(f"{self._url}/health")
                return
            except OSError:
                if self.process.poll() is not None:
                    raise SystemExit("llama-server ended early") from None
                time.sleep(0.1)

    def texts(self, job: Mapping[str, Any]) -> list[list[str]]:
        """All prompts at once, each with all of its samples in one request."""
        with ThreadPoolExecutor(len(job["prompts"])) as pool:
            return list(pool.map(lambda prompt: self._asked(prompt, job), job["prompts"]))

    def _asked(self, prompt: str, job: Mapping[str, Any]) -> list[str]:
        body = {
            "prompt": prompt,
            "n_predict": job["max_tokens"],
            "n_cmpl": job["samples"],
            "temperature": job["temperature"],
            "samplers": ["temperature"],
            "cache_prompt": False,
        }
        with urllib.request.urlopen(f"{self._url}/completion", json.dumps(body).encode()) as reply:
            said = json.load(reply)
        some = said if isinstance(said, list) else [said]
        assert not any(one["truncated"] for one in some)
        return [one["content"] for one in some]


def work(job: Mapping[str, Any]) -> dict[str, Any]:
    """What `serving.answer` sends: scores in nats or texts, with what they cost."""
    if not job["prompts"]:
        costs = _scored(job["pairs"])
        return {**costs, "results": _scored(job["pairs"], *FLOAT32)["results"]}
    if not job["temperature"]:
        return {"results": _server("greedy", len(job["prompts"]), *FLOAT32).texts(job)}
    server = _server("drawn", len(job["prompts"]) * job["samples"])
    begun, spent = time.perf_counter(), _spent(server.process)
    texts = server.texts(job)
    cost = {"wall": time.perf_counter() - begun, "cpu": _spent(server.process) - spent, "rate": 0.0}
    return {"results": texts, "peak": _peak(server.process), **cost}


def _server(use: str, rows: int, *more: str) -> Server:
    if use not in servers:
        servers[use] = Server(rows, *more)
    return servers[use]


def _scored(pairs: Sequence[tuple[str, str]], *more: str) -> dict[str, Any]:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as text:
        text.write("".join(context + continuation for context, continuation in pairs))
        text.flush()
        size = ("--ctx-size", str(TOKENS), "--batch-size", str(TOKENS), "--threads", THREADS)
        command = ["llama-perplexity", "--model", str(FILE), "--file", text.name, *size, *more]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        begun, spent, said = 0.0, 0.0, ""
        assert process.stdout is not None
        for line in process.stdout:
            if "tokenizing the input" in line:
                begun, spent = time.perf_counter(), _spent(process)
            said += line
        _, status, usage = os.wait4(process.pid, 0)
    assert status == 0 and begun, said
    return {
        "results": _scores(said, len(pairs)),
        "wall": time.perf_counter() - begun,
        "cpu": usage.ru_utime + usage.ru_stime - spent,
        "peak": usage.ru_maxrss * 1024,
        "rate": 0.0,
    }


def _scores(said: str, pairs: int) -> list[float]:
    """The perplexity of the first n windows is told for each n; the scores are the differences of their logarithms."""
    told = [float(one) for one in re.findall(r"\[\d+\]([\d.]+),", said)]
    assert len(told) == pairs, f"{pairs} pairs of {TOKENS} tokens became {len(told)} windows"
    wanted = TOKENS - TOKENS // 2 - 1
    sums = [0.0, *(-wanted * at * math.log(one) for at, one in enumerate(told, 1))]
    return [after - before for before, after in itertools.pairwise(sums)]


def _spent(process: subprocess.Popen[Any]) -> float:
    """CPU seconds of a process that runs."""
    fields = Path(f"/proc/{process.pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak(process: subprocess.Popen[Any]) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text("utf-8")
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) * 1024  # type: ignore[index]


servers: dict[str, Server] = {}
if not FILE.exists():
    convert(FOLDER, FILE.with_suffix(".part"))
    FILE.with_suffix(".part").rename(FILE)
try:
    answer(work)
finally:
    for server in servers.values():
        server.process.kill()
