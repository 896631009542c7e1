"""An event loop in a thread of its own, so that plain code may wait for many requests at once, a notebook's too."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


class Loop:
    """Runs coroutines to their end; an interrupt of the waiting thread cancels them."""

    def __init__(self) -> None:
        """Start the thread; it never keeps the process from ending."""
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="slm-audit requests", daemon=True).start()

    def begin(self, job: Coroutine[object, None, T]) -> Future[T]:
        """What a coroutine will give."""
        return asyncio.run_coroutine_threadsafe(job, self._loop)

    def run(self, job: Coroutine[object, None, T]) -> T:
        """What a coroutine gives, or what it raises."""
        future = self.begin(job)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise


async def together(jobs: Sequence[Coroutine[object, None, T]]) -> list[T]:
    """What each of the coroutines gives, in their order; where one raises, the others are cancelled."""
    tasks = [asyncio.ensure_future(one) for one in jobs]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for one in tasks:
            one.cancel()
