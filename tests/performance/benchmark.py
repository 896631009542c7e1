"""This engine against its peers on the same texts and weights, in turn; prints a table and writes latest.json.

Run by `make benchmark`. Every peer is a process of its own for each workload, with as many threads as this machine
gives. Ratios are of medians of alternated runs, by wall clock and by CPU seconds: on a machine that others use too,
read the latter. The ceiling is the least arithmetic that the answers need, at the rate of the fastest large matrix
product measured here: of the linear layers alone, and with that of attention.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workloads import SHAPES, Job, build, jobs

HERE = Path(__file__).resolve().parent
PEERS = {"lm_eval": "peer_lm_eval.py", "generate": "peer_generate.py", "llama.cpp": "peer_llama_cpp.py"}
LLAMA_CPP = {"samples k=5": "llama-server", "samples k=8": "llama-server", "windows": "llama-perplexity"}
"""What llama.cpp is asked to do, and by which of its programs."""


class Peer:
    """A process that does jobs."""

    def __init__(self, python: str, script: str, folder: Path, threads: int, *more: str) -> None:
        """Start it."""
        quiet = {"OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": str(threads)}
        command = [python, str(HERE / script), str(folder), str(threads), *more]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **quiet}
        )

    def work(self, job: Job) -> dict[str, Any]:
        """Do one job and tell results, seconds and peak memory."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(dataclasses.asdict(job)) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self._process.args} ended early")
        return dict(json.loads(answer))

    def end(self) -> None:
        """Let it go."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def main() -> None:
    """Measure, print and write."""
    told = argparse.ArgumentParser(description=__doc__)
    told.add_argument("--peers", required=True, metavar="PYTHON", help="the interpreter that has lm_eval and gguf")
    told.add_argument("--models", type=Path, required=True, help="where the two models are kept between runs")
    told.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    told.add_argument("--repeat", type=int, default=3, help="alternated runs, at least 3")
    told.add_argument("--shapes", nargs="+", default=list(SHAPES), choices=list(SHAPES))
    told.add_argument("--workloads", nargs="+", default=None)
    told.add_argument("--out", type=Path, default=HERE / "latest.json")
    given = told.parse_args()
    for shape in given.shapes:
        folder = given.models / shape
        if not (folder / "model.safetensors").exists():
            build(shape, folder)
        for name in jobs(shape, 0):
            if given.workloads and name not in given.workloads:
                continue
            _keep(_compared(shape, name, folder, given), given)
    print(f"{given.threads} threads; written to {given.out}")


def _keep(rows: Sequence[dict[str, Any]], given: argparse.Namespace) -> None:
    """Print rows and put them into the file; rows of other workloads stay there."""
    measured = {(row["workload"], row["model"]) for row in rows}
    before = json.loads(given.out.read_text("utf-8"))["rows"] if given.out.exists() else []
    for row in rows:
        print(*(f"{name} {value}" for name, value in row.items()), sep=" | ", flush=True)
    report = {
        "measured": time.strftime("%Y-%m-%d"),
        "machine": {"processor": _processor(), "threads": given.threads},
        "versions": _versions(given.peers),
        "repeat": given.repeat,
        "rows": [*(row for row in before if (row["workload"], row["model"]) not in measured), *rows],
    }
    given.out.write_text(json.dumps(report, indent=1) + "\n", "utf-8")


def _compared(shape: str, name: str, folder: Path, given: argparse.Namespace) -> list[dict[str, Any]]:
    sampled = bool(jobs(shape, 0)[name].prompts)
    names = ["lm_eval", "generate"] if sampled else ["lm_eval"]
    if name in LLAMA_CPP and shutil.which(LLAMA_CPP[name]):
        names.append("llama.cpp")
    ours = Peer(sys.executable, "peer_ours.py", folder, given.threads)
    others = {
        peer: Peer(sys.executable if peer == "generate" else given.peers, PEERS[peer], folder, given.threads)
        for peer in names
    }
    seen: dict[str, list[dict[str, Any]]] = {peer: [] for peer in ("ours", *names)}
    floors, apart = [], {peer: 0.0 for peer in names}
    for repetition in range(given.repeat):
        job = jobs(shape, repetition)[name]
        floors.append(least_flops(shape, folder, job))
        for peer in ("ours", *names):
            seen[peer].append((ours if peer == "ours" else others[peer]).work(job))
        for peer in names:
            apart[peer] = max(apart[peer], _apart(job, seen["ours"][-1]["results"], seen[peer][-1]["results"]))
    if sampled:
        greedy = dataclasses.replace(job, samples=1, temperature=0.0)
        texts = ours.work(greedy)["results"]
        for peer in names:
            theirs = others[peer].work(greedy)["results"]
            apart[peer] = float(sum(a != b for a, b in zip(texts, theirs, strict=True)))
    for peer in (ours, *others.values()):
        peer.end()
    from_plain = None
    if not sampled:
        plain = Peer(sys.executable, "peer_ours.py", folder, given.threads, "plain")
        from_plain = _apart(job, seen["ours"][-1]["results"], plain.work(job)["results"])
        plain.end()
    linear, whole = (
        statistics.median(flops / (one["cpu"] * one["rate"]) for flops, one in zip(some, seen["ours"], strict=True))
        for some in zip(*floors, strict=True)
    )
    rows = [
        {
            "workload": name,
            "model": shape,
            "peer": peer,
            "ratio": round(_ratio(seen, peer, "wall"), 2),
            "cpu_ratio": round(_ratio(seen, peer, "cpu"), 2),
            "ceiling_fraction": round(linear, 3),
            "ceiling_fraction_with_attention": round(whole, 3),
            "gflops_a_core": round(statistics.median(one["rate"] for one in seen["ours"]) / 1e9, 1),
            "memory_ratio": round(max(o["peak"] for o in seen["ours"]) / max(o["peak"] for o in seen[peer]), 3),
            "max_abs_diff_from_plain": from_plain,
            ("differing_greedy_texts" if sampled else "max_abs_diff"): apart[peer],
            "cpu_seconds": [round(statistics.median(one["cpu"] for one in seen[who]), 3) for who in ("ours", peer)],
            "wall_seconds": [round(statistics.median(one["wall"] for one in seen[who]), 3) for who in ("ours", peer)],
        }
        for peer in names
    ]
    return rows


def _ratio(seen: Mapping[str, Sequence[Mapping[str, float]]], peer: str, clock: str) -> float:
    return statistics.median(one[clock] for one in seen[peer]) / statistics.median(one[clock] for one in seen["ours"])


def _apart(job: Job, ours: Sequence[Any], theirs: Sequence[Any]) -> float:
    return 0.0 if job.prompts else max(abs(a - b) for a, b in zip(ours, theirs, strict=True))


def least_flops(shape: str, folder: Path, job: Job) -> tuple[float, float]:
    """Multiplications and additions of the linear layers alone, and with those of attention.

    Each distinct beginning of a text is read once, each token looks at itself and at all before it, and the head is
    computed once behind each beginning that something wanted follows.
    """
    from tokenizers import Tokenizer

    size = SHAPES[shape]
    hidden, heads = size["hidden_size"], size["num_attention_heads"]
    narrow = hidden * size["num_key_value_heads"] // heads
    layer = 2 * hidden * hidden + 2 * hidden * narrow + 3 * hidden * size["intermediate_size"]
    body, head = 2 * layer * size["num_hidden_layers"], 2 * hidden * size["vocab_size"]
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    read: set[int] = set()
    wanted: set[int] = set()
    looks = 0
    for context, continuation in [*job.pairs, *(("", text) for text in job.texts), *((one, "") for one in job.prompts)]:
        start = [] if context else [0]
        ids = start + tokenizer.encode(context + continuation).ids
        first = len(start + tokenizer.encode(context).ids) - 1
        until = len(ids) - 1 if continuation else len(ids)
        key = 0
        for at in range(until):
            key = hash((key, ids[at]))
            looks += 0 if key in read else at + 1
            read.add(key)
            if at >= first:
                wanted.add(key)
        if job.prompts:
            looks += job.samples * sum(range(len(ids) + 1, len(ids) + job.max_tokens))
    drawn = len(job.prompts) * job.samples * max(0, job.max_tokens - 1)
    linear = body * (len(read) + drawn) + head * (len(wanted) + drawn)
    return linear, linear + 4 * hidden * size["num_hidden_layers"] * looks


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def _versions(peers: str) -> dict[str, str]:
    code = "import importlib.metadata as m; print(*(m.version(n) for n in ('lm_eval','torch','transformers')))"
    theirs = subprocess.run([peers, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    ours = subprocess.run(
        [sys.executable, "-c", code.replace("'lm_eval',", "")], capture_output=True, text=True, check=True
    ).stdout.split()
    return {
        "ours": f"torch {ours[0]}, transformers {ours[1]}",
        "lm_eval": f"{theirs[0]}, torch {theirs[1]}, transformers {theirs[2]}",
        **{tool: _tool(tool) for tool in sorted(set(LLAMA_CPP.values()))},
    }


def _tool(name: str) -> str:
    """What a program of llama.cpp says of its version."""
    if not shutil.which(name):
        return "not found on the PATH: not measured"
    told = subprocess.run([name, "--version"], capture_output=True, text=True, check=True)
    return next(line for line in (told.stderr + told.stdout).splitlines() if "version" in line)


if __name__ == "__main__":
    main()
