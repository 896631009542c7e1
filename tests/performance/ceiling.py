"""The rate that a core reaches on large float32 matrix products: the ceiling of everything else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import torch
from slm_audit.audits.models.linear import PackedLinear

SIZE = 1536


def rates(threads: int) -> Callable[[], float]:
    """A function that measures: the best product of all cores at work together, in operations a CPU second of one."""
    with torch.inference_mode():
        given = torch.randn(SIZE, SIZE)
        plain = torch.nn.Linear(SIZE, SIZE, bias=False)
        layers = (plain, PackedLinear(plain))

    def measure() -> float:
        best = [0.0] * threads
        some = [threading.Thread(target=_best, args=(layers, given, best, at)) for at in range(threads)]
        for one in some:
            one.start()
        for one in some:
            one.join()
        return sum(best) / threads

    return measure


def _best(layers: Sequence[torch.nn.Module], given: torch.Tensor, best: list[float], at: int) -> None:
    torch.set_num_threads(1)
    with torch.inference_mode():
        for layer in layers:
            for _ in range(5):
                begun = time.thread_time()
                layer(given)
                best[at] = max(best[at], 2 * SIZE**3 / (time.thread_time() - begun))
