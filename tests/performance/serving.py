"""What every peer's process does: take jobs as JSON lines, do them, and tell results, time and peak memory."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any


def serve(work: Callable[[Mapping[str, Any]], object], rate: Callable[[], float] = lambda: 0.0) -> None:
    """Do jobs in this process; `work` gets a job and gives its results, `rate` is measured around it."""

    def measured(job: Mapping[str, Any]) -> dict[str, Any]:
        before = rate()
        wall, cpu = time.perf_counter(), time.process_time()
        results = work(job)
        spent = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "peak": _peak()}
        return {"results": results, **spent, "rate": (before + rate()) / 2}

    answer(measured)


def answer(measured: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
    """Answer each line of standard input by its results, `wall` and `cpu` seconds, `peak` bytes and `rate`."""
    told = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries that print must not mix with the answers
    for line in sys.stdin:
        told.write(json.dumps(measured(json.loads(line))) + "\n")
        told.flush()


def _peak() -> int:
    """The most memory this process ever had, in bytes."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
