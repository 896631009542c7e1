"""Ask a handful of a probe's clusters in legs that grow, and weigh each leg: what a forecast is made from."""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import cast

from ..probes.contract import (
    Completion,
    Footprint,
    Generation,
    Item,
    Model,
    NotMeasured,
    Observation,
    Score,
    Scoring,
)
from ..probes.detectors import Detector
from .bench import Detectors, JournalBench
from .items import ORDER, in_order, items_of, windows
from .journal import NAME, Journal
from .journalled import Facade, JournalledModel, OneBatch, batches_of, generating, scoring
from .selection import Selected

ENOUGH, CLUSTERS = 1.5, 32
"""A probe's legs stop growing after so many CPU seconds and clusters, without the first leg, which pays for imports."""

AT_MOST = 8.0
"""CPU seconds after which they stop however few clusters were asked: large models take long over each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """CPU seconds of all threads (user and system), and seconds by the clock."""

    cpu: float = 0.0
    clock: float = 0.0

    @classmethod
    def until_now(cls) -> Spent:
        """What this process has spent so far; the clock has an arbitrary start."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        return cls(cpu=used.ru_utime + used.ru_stime, clock=time.perf_counter())

    def __add__(self, other: Spent) -> Spent:
        """Both together."""
        return Spent(cpu=self.cpu + other.cpu, clock=self.clock + other.clock)

    def __sub__(self, other: Spent) -> Spent:
        """The difference."""
        return Spent(cpu=self.cpu - other.cpu, clock=self.clock - other.clock)

    def __mul__(self, times: float) -> Spent:
        """A multiple."""
        return Spent(cpu=self.cpu * times, clock=self.clock * times)


@dataclass(slots=True, kw_only=True)
class Call:
    """One list of requests, and what was new in it: batches, the forward passes they took, requests and tokens."""

    asked: Sequence[Generation] | Sequence[Scoring]
    batches: int = 0
    passes: int = 0
    requests: int = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """Some clusters asked in one window, and what that took."""

    clusters: int
    spent: Spent
    calls: tuple[Call, ...]

    @property
    def passes(self) -> int:
        """The forward passes that it took."""
        return sum(one.passes for one in self.calls)

    @property
    def requests(self) -> int:
        """The requests that were not answered before."""
        return sum(one.requests for one in self.calls)

    @property
    def tokens(self) -> int:
        """The tokens of those requests and of their replies."""
        return sum(one.tokens for one in self.calls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What asking a probe's first clusters came to. `order` holds all clusters that a run may ask, in its order."""

    selected: Selected
    order: Sequence[Sequence[Item]]
    model: Weighed
    legs: tuple[Leg, ...]
    seen: tuple[Observation, ...]
    peak_bytes: int


class Weighed(Facade, OneBatch):
    """A model that keeps count of the calls, batches and forward passes made on another one."""

    def __init__(self, model: Model) -> None:
        """Count what is asked of `model`."""
        super().__init__(model)
        self.calls: list[Call] = []
        self.measured = False

    @property
    def footprint(self) -> Footprint | None:
        """The inner model's; that it was asked for is kept in `measured`."""
        self.measured = True
        return super().footprint

    def batches(self, requests: Sequence[Generation] | Sequence[Scoring]) -> list[list[int]]:
        """The inner model's batches; a new list has begun."""
        self.calls.append(Call(asked=requests))
        return batches_of(self._model, requests)

    def planned(self, asked: Sequence[Generation] | Sequence[Scoring], length: int) -> list[list[int]]:
        """The batches of a list of that length that holds such requests; nothing is counted."""
        either: Sequence[Generation | Scoring] = asked
        longer = list(islice(cycle(either), length))
        return batches_of(self._model, cast("Sequence[Generation] | Sequence[Scoring]", longer))

    def generate_each(
        self, batches: Iterable[Sequence[Generation]]
    ) -> Iterator[tuple[int, Sequence[list[Completion]]]]:
        """The inner model's; a batch takes as many passes as its longest reply has tokens, and one for the prompts."""
        for at, replies in generating(self._model)(batches):
            said = [one for some in replies for one in some]
            longest = max((one.tokens or 0 for one in said), default=0)
            self._count(longest + 1, len(said), sum((one.tokens or 0) + (one.prompt_tokens or 0) for one in said))
            yield at, replies

    def score_each(self, batches: Iterable[Sequence[Scoring]]) -> Iterator[tuple[int, Sequence[Score]]]:
        """The inner model's, each batch in one pass."""
        for at, replies in scoring(self._model)(batches):
            self._count(1, len(replies), sum(one.tokens for one in replies))
            yield at, replies

    def _count(self, passes: int, requests: int, tokens: int) -> None:
        call = self.calls[-1]
        call.batches, call.passes = call.batches + 1, call.passes + passes
        call.requests, call.tokens = call.requests + requests, call.tokens + tokens


def sampled(
    selected: Selected, model: Model, open_one: Callable[[str], Detector], *, seed: int, most_clusters: int | None
) -> Sample:
    """Ask a probe's first clusters, in legs that grow by half, as a run does, over a journal that is thrown away.

    NotMeasured where the probe cannot be asked. Every leg is one window, so its batches are as a run's.
    """
    lacking = sorted(selected.probe.needs - model.access)
    if lacking:
        raise NotMeasured(f"the model gives no {', '.join(lacking)}")
    weighed = Weighed(model)
    with tempfile.TemporaryDirectory(prefix="slm-audit-") as folder:
        journal = Journal(Path(folder) / NAME, write=True)
        try:
            items = items_of(selected, journal)
            bench = JournalBench(JournalledModel(weighed, journal), Detectors(journal, open_one), seed, selected.name)
            order = in_order(items, bench.rng(ORDER))[:most_clusters]
            legs: list[Leg] = []
            seen: list[Observation] = []
            forget_peak()
            at, size = 0, 1
            while at < len(order) and not _enough(legs):
                window = windows(order[at : at + size])[0]
                clusters = len({one.cluster for one in window})
                weighed.calls = []
                began = Spent.until_now()
                seen += selected.probe.observe(window, bench)
                legs.append(Leg(clusters=clusters, spent=Spent.until_now() - began, calls=tuple(weighed.calls)))
                at += clusters
                size = max(1, at // 2)
            peak = peak_bytes()
        finally:
            journal.close()
    return Sample(selected=selected, order=order, model=weighed, legs=tuple(legs), seen=tuple(seen), peak_bytes=peak)


def _enough(legs: Sequence[Leg]) -> bool:
    took, asked = sum(one.spent.cpu for one in legs[1:]), sum(one.clusters for one in legs[1:])
    # Two legs of unlike size are the fewest that tell what a pass costs from what a cluster costs.
    return len(legs) >= 3 and (took >= AT_MOST or (took >= ENOUGH and asked >= CLUSTERS))


def forget_peak() -> None:
    """Begin to watch the peak of memory anew, where the system can do that (Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def peak_bytes() -> int:
    """The largest resident set of this process, since forget_peak on Linux, else since its start."""
    try:
        said = Path("/proc/self/status").read_text()
        return 1024 * int(next(line.split()[1] for line in said.splitlines() if line.startswith("VmHWM")))
    except (OSError, StopIteration):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else 1024 * most
