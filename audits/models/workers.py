"""One single-threaded worker for each core: torch's own threads hardly help at the sizes of small models."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # spinning threads starve whoever shares the machine

import torch

from .resources import one_heap

Job = TypeVar("Job")
Done = TypeVar("Done")


class Workers:
    """Threads that share the weights and take one job after the other."""

    def __init__(self, count: int) -> None:
        """So many; one works in the thread that asks."""
        one_heap()  # before its threads begin
        self.count = count
        self.stop = threading.Event()
        """Set when the results are no longer wanted: a long job looks at it and ends."""
        self._pool = ThreadPoolExecutor(count, "worker", torch.set_num_threads, (1,)) if count > 1 else None

    def each(self, work: Callable[[Job], Done], jobs: Iterable[Job]) -> list[Done]:
        """The results of all jobs, in order; the first error ends the rest."""

        def quietly(job: Job) -> Done:
            with torch.inference_mode():
                return work(job)

        torch.set_num_threads(1)
        self.stop.clear()
        if self._pool is None:
            return [quietly(job) for job in jobs]
        waiting = [self._pool.submit(quietly, job) for job in jobs]
        try:
            return [one.result() for one in waiting]
        except BaseException:
            self.stop.set()
            for one in waiting:
                one.cancel()
            wait(waiting)
            raise
