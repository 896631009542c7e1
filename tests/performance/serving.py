"""What every peer's process does: take jobs as JSON lines, do them, and tell results, time and peak memory."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any


def serve(work: Callable[[Mapping[str, Any]], object], rate: Callable[[], float] = lambda: 0.0) -> None:
    """Answer each line of standard input; `work` gets a job and gives its results, `rate` is measured around it."""
    told = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries that print must not mix with the answers
    for line in sys.stdin:
        job = json.loads(line)
        before = rate()
        wall, cpu = time.perf_counter(), time.process_time()
        results = work(job)
        answer = {
            "results": results,
            "wall": time.perf_counter() - wall,
            "cpu": time.process_time() - cpu,
            "peak": _peak(),
        }
        answer["rate"] = (before + rate()) / 2
        told.write(json.dumps(answer) + "\n")
        told.flush()


def _peak() -> int:
    """The most memory this process ever had, in bytes."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
