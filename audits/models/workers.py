"""One single-threaded worker for each core: torch's own threads hardly help at the sizes of small models."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # spinning threads starve whoever shares the machine

import torch

Job = TypeVar("Job")
Done = TypeVar("Done")


class Workers:
    """Threads that share the weights and take one job after the other."""

    def __init__(self, count: int) -> None:
        """So many; one works in the thread that asks."""
        self.count = count
        self._pool = ThreadPoolExecutor(count, "worker", torch.set_num_threads, (1,)) if count > 1 else None

    def each(self, work: Callable[[Job], Done], jobs: Iterable[Job]) -> list[Done]:
        """The results of all jobs, in order; the first error ends the rest."""

        def quietly(job: Job) -> Done:
            with torch.inference_mode():
                return work(job)

        torch.set_num_threads(1)
        if self._pool is None:
            return [quietly(job) for job in jobs]
        waiting = [self._pool.submit(quietly, job) for job in jobs]
        try:
            return [one.result() for one in waiting]
        finally:
            for one in waiting:
                one.cancel()
