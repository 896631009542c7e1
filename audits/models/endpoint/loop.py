"""An event loop in a thread of its own, so that plain code may wait for many requests at once, a notebook's too."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TypeVar

T = TypeVar("T")
Job = TypeVar("Job")


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

    def each(
        self,
        jobs: Iterable[Job],
        begin: Callable[[Job], Coroutine[object, None, T]],
        *,
        most: int,
        alone: Callable[[Job], bool],
    ) -> Iterator[tuple[int, T]]:
        """The place of each job and what its coroutine gives, as they come: `most` at a time, or one that is `alone`.

        Where one raises, what others gave before comes first; those that are not done are cancelled.
        """
        new = enumerate(jobs)
        following = next(new, None)
        flying: dict[Future[T], int] = {}
        try:
            while following or flying:
                alone_now = False
                while following and not alone_now and len(flying) < most:
                    place, job = following
                    alone_now = alone(job)
                    if alone_now and flying:
                        break
                    flying[self.begin(begin(job))] = place
                    following = next(new, None)
                done, _ = wait(flying, return_when=FIRST_COMPLETED)
                whole = [one for one in done if one.exception() is None]
                yield from ((flying.pop(one), one.result()) for one in whole)
                for one in done.difference(whole):
                    one.result()
        finally:
            for one in flying:
                one.cancel()


async def together(jobs: Sequence[Coroutine[object, None, T]]) -> list[T]:
    """What each of the coroutines gives, in their order; where one raises, the others are cancelled."""
    tasks = [asyncio.ensure_future(one) for one in jobs]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for one in tasks:
            one.cancel()
