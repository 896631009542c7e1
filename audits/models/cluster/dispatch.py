"""Hand shares of requests to workers, collect the replies, and ask again what a lost worker leaves behind."""

from __future__ import annotations

import collections
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, ParamSpec

from ...errors import EvidenceError, UserError
from ...journalled import Answer, Asked
from .connection import Connection, gist
from .placement import Replicas
from .shares import is_alone, work
from .worker import Handle, Worker, WorkerLost, told

IN_FLIGHT = 2
"""Shares given to a worker: one that it answers, and one so that it need not wait for the next."""
LOOK_SECONDS = 2.0
"""So often it is looked whether a worker is overdue, and whether the cluster is there."""
MOST_LOSSES = 3
"""A share that has cost so many workers is answered by errors: it, and not the cluster, is taken to be at fault."""
PATIENCE = 20
Given = ParamSpec("Given")


class Patience:
    """How long a share may take: `least` seconds, or PATIENCE times as long for its work as the slowest so far."""

    def __init__(self, least: float) -> None:
        """Know of no share yet."""
        self._least = least
        self._slowest = 0.0

    def learn(self, work: int, seconds: float) -> None:
        """A share of so much work has taken so long."""
        self._slowest = max(self._slowest, seconds / max(1, work))

    def seconds(self, work: int) -> float:
        """The most that a share of so much work may take."""
        return max(self._least, PATIENCE * self._slowest * work)


@dataclass(eq=False)
class Share(Generic[Asked]):
    """Requests that go to one worker, their place among the shares, and how many workers they have cost.

    A `suspect` was with a worker that was lost, whose last answer may be lost too, so that it is not known which share
    it was at. Such a share has its next worker to itself: if that one is lost as well, there is no doubt.
    """

    at: int
    requests: Sequence[Asked]
    losses: int = 0
    suspect: bool = False

    @cached_property
    def work(self) -> int:
        """About how many characters are read and written."""
        return sum(map(work, self.requests))

    @cached_property
    def timed(self) -> bool:
        """Whether a request is timed: it has the cluster to itself, for workers of one machine slow each other."""
        return any(map(is_alone, self.requests))


@dataclass(slots=True)
class _Queue(Generic[Asked]):
    """What a worker was given, in the order in which it answers, and since when it has been at the first."""

    shares: collections.deque[tuple[Handle, Share[Asked]]] = field(default_factory=collections.deque)
    since: float = field(default_factory=time.monotonic)


class Dispatch(Generic[Asked, Answer]):
    """One list of shares on its way to the workers and back."""

    def __init__(
        self,
        connection: Connection,
        replicas: Replicas,
        patience: Patience,
        send: Callable[[Handle, Sequence[Asked]], Handle],
        spoilt: Callable[[Asked, str], Answer],
    ) -> None:
        """`send` asks a worker; `spoilt` is the answer to a request that no worker survives, with the reason."""
        self._connection = connection
        self._replicas = replicas
        self._patience = patience
        self._send: Callable[[Handle, Sequence[Asked]], Handle] = send
        self._spoilt: Callable[[Asked, str], Answer] = spoilt
        self._waiting: collections.deque[Share[Asked]] = collections.deque()
        self._queues: dict[Worker, _Queue[Asked]] = {}
        self._lost_in_a_row = 0
        self._why = ""

    def each(self, batches: Iterable[Sequence[Asked]]) -> Iterator[tuple[int, Sequence[Answer]]]:
        """The answers to each batch with its place, as they come back.

        Raises EvidenceError when the cluster is gone, or no worker is left or survives.
        """
        new = (Share(at, batch) for at, batch in enumerate(batches))
        while True:
            try:
                self._hand_out(new)
                if not self._queues and not self._waiting:
                    return
                if not self._replicas.ready and not self._replicas.coming:
                    raise EvidenceError(f"no worker of the cluster is left ({self._why}); mend that and resume")
                yield from self._collect()
            except ConnectionError as error:
                raise _gone(gist(error)) from error

    def _hand_out(self, new: Iterator[Share[Asked]]) -> None:
        """Give shares to workers while one has room, and a timed one only to a cluster that does nothing else."""
        while (worker := self._free()) is not None or not self._queues:
            self._waiting.extend([] if self._waiting else itertools.islice(new, 1))
            given: list[Share[Asked]] = [share for queue in self._queues.values() for _, share in queue.shares]
            if (
                worker is None
                or not self._waiting
                or (given and (self._waiting[0].timed or any(share.timed for share in given)))
                or (self._waiting[0].suspect and worker in self._queues)
            ):
                return
            share = self._waiting.popleft()
            queue = self._queues.setdefault(worker, _Queue())
            queue.shares.append((self._send(worker.handle, share.requests), share))

    def _free(self) -> Worker | None:
        """The worker with the least to do, if it has room."""
        busy = {one: self._to_do(one) for one in self._replicas.ready}
        least = min(busy, key=busy.__getitem__, default=None)
        return None if least is None or busy[least] >= IN_FLIGHT else least

    def _to_do(self, worker: Worker) -> int:
        """How many shares it has been given; one with a suspect is given no more."""
        given: list[Share[Asked]] = (
            [share for _, share in self._queues[worker].shares] if worker in self._queues else []
        )
        return IN_FLIGHT if any(one.suspect for one in given) else len(given)

    def _collect(self) -> Iterator[tuple[int, Sequence[Answer]]]:
        """Wait a while for one reply, and see to the workers that are lost."""
        import ray

        working: dict[Handle, Worker] = {queue.shares[0][0]: worker for worker, queue in self._queues.items()}
        came, _ = ray.wait([*working, *self._replicas.coming], num_returns=1, timeout=LOOK_SECONDS)
        if not came and not self._connection.alive():
            raise _gone("its head does not answer")
        for reply in came:
            if reply not in working:
                self._see_to(self._replicas.go_on, reply)
                continue
            try:
                answers = told(reply)
            except WorkerLost as lost:
                yield from self._lost(working[reply], str(lost))
            else:
                yield self._answered(working[reply]).at, answers
        self._see_to(self._replicas.refuse_overdue)
        for worker, queue in list(self._queues.items()):
            reply, share = queue.shares[0]
            most = self._patience.seconds(share.work)
            if time.monotonic() - queue.since > most and not ray.wait([reply], timeout=0)[0]:
                yield from self._lost(worker, f"no answer in {most:.0f} s")

    def _answered(self, worker: Worker) -> Share[Asked]:
        queue = self._queues[worker]
        _, share = queue.shares.popleft()
        now = time.monotonic()
        self._patience.learn(share.work, now - queue.since)
        queue.since = now
        if not queue.shares:
            del self._queues[worker]
        self._lost_in_a_row = 0
        return share

    def _lost(self, worker: Worker, why: str) -> Iterator[tuple[int, Sequence[Answer]]]:
        """Replace a worker and ask its shares again; the one that it was at gets errors if it has cost too many."""
        if not self._connection.alive():
            raise _gone(why)
        self._why = why
        self._lost_in_a_row += 1
        if self._lost_in_a_row > MOST_LOSSES * self._replicas.wanted:
            raise EvidenceError(
                f"{self._lost_in_a_row} workers of the cluster were lost one after the other ({why}); "
                "mend that and resume"
            )
        self._see_to(self._replicas.replace, worker)
        shares: list[Share[Asked]] = [share for _, share in self._queues.pop(worker).shares]
        for share in shares:
            share.suspect = True
        first = shares[0]
        self._waiting.extend(shares[1:])
        first.losses += 1
        if first.losses < MOST_LOSSES:
            self._waiting.append(first)
        else:
            reason = f"worker: {MOST_LOSSES} workers were lost while they answered this, the last one so: {why}"
            yield first.at, [self._spoilt(one, reason) for one in first.requests]

    def _see_to(self, act: Callable[Given, None], *given: Given.args, **named: Given.kwargs) -> None:
        """Do what a new worker needs; one that cannot work is done without, as long as there are others."""
        try:
            act(*given, **named)
        except UserError as error:
            self._why = str(error)


def _gone(why: str) -> EvidenceError:
    return EvidenceError(f"the cluster is gone ({why}); resume when it is back")
