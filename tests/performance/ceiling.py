"""The rate that a core reaches on large float32 matrix products: the ceiling of everything else.

Measured in a process of its own, whose memory is not counted as the engine's. Argument: the number of threads.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence

import torch
from slm_audit.audits.models.linear import PackedLinear

SIZE = 1536


def rates(threads: int) -> Callable[[], float]:
    """A function that measures: the best product of all cores at work together, in operations a CPU second of one."""
    process = subprocess.Popen(
        [sys.executable, __file__, str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None and process.stdout is not None
    asked, told = process.stdin, process.stdout

    def measure() -> float:
        asked.write("\n")
        asked.flush()
        return float(told.readline())

    return measure


def _measured(threads: int, layers: Sequence[torch.nn.Module], given: torch.Tensor) -> float:
    best = [0.0] * threads
    some = [threading.Thread(target=_best, args=(layers, given, best, at)) for at in range(threads)]
    for one in some:
        one.start()
    for one in some:
        one.join()
    return sum(best) / threads


def _best(layers: Sequence[torch.nn.Module], given: torch.Tensor, best: list[float], at: int) -> None:
    torch.set_num_threads(1)
    with torch.inference_mode():
        for layer in layers:
            for _ in range(5):
                begun = time.thread_time()
                layer(given)
                best[at] = max(best[at], 2 * SIZE**3 / (time.thread_time() - begun))


if __name__ == "__main__":
    with torch.inference_mode():
        given = torch.randn(SIZE, SIZE)
        plain = torch.nn.Linear(SIZE, SIZE, bias=False)
        layers = (plain, PackedLinear(plain))
    for _ in sys.stdin:
        print(_measured(int(sys.argv[1]), layers, given), flush=True)
