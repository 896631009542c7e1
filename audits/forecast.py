"""Say what a run will cost on this machine, from a handful of requests of each probe.

A leg of a sample takes a x forward passes + b x clusters: a pass costs something whatever its size, and a cluster
brings rows to compute, texts to judge and replies to journal. Both are fitted to the legs. How many passes the run's
own windows take is told by the model's own planner of batches, from the sample's requests repeated until the list is
as long as the window's. What only the first leg pays for, what measuring takes and what writing takes is weighed
apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle, islice

from ..probes.contract import Observation
from ..reports.masks import Mask
from .assemble import transcript
from .items import windows
from .sampling import Call, Leg, Sample, Spent

LEAST_SPREAD = 1.25
"""A forecast's range is a factor of this at least: one machine's minutes differ by so much."""

WRITTEN = 200
"""So many observations are written down to weigh it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What asking some clusters of a probe takes: `spread` is the factor by which `spent` may be out either way."""

    clusters: int = 0
    items: int = 0
    spent: Spent = field(default_factory=Spent)
    spread: float = LEAST_SPREAD
    requests: int = 0
    tokens: int = 0


class Forecast:
    """What a probe will cost, for any number of its clusters."""

    def __init__(self, sample: Sample, level: float) -> None:
        """Fit the sample's legs, and weigh measuring and writing down as much as the whole probe will show."""
        self.sample = sample
        self._first, *self._later = sample.legs
        self._later = self._later or [self._first]
        self._cpu = _fitted(self._later, [one.spent.cpu for one in self._later])
        self._clock = _fitted(self._later, [one.spent.clock for one in self._later])
        alike = self._asked(self._first.clusters, self._later[0].passes) if len(sample.legs) > 1 else Spent()
        self._once = _positive(self._first.spent - alike)
        self._measuring = _weigh_measuring(sample, level)
        self._spread = max(LEAST_SPREAD, *(self._off(one) for one in self._later))

    def of(self, clusters: int) -> Cost:
        """What the first so many clusters of the run's order take."""
        if not clusters:
            return Cost()
        order = self.sample.order[:clusters]
        spent = self._once + self._measuring * (clusters / len(self.sample.order))
        for window in windows(order):
            own = len({one.cluster for one in window})
            spent += self._asked(own, self._passes(own))
        asked = sum(one.clusters for one in self._later)
        requests, tokens = (sum(getattr(one, name) for one in self._later) for name in ("requests", "tokens"))
        return Cost(
            clusters=clusters,
            items=sum(map(len, order)),
            spent=spent,
            spread=self._spread,
            requests=self._first.requests + round(requests * (clusters - self._first.clusters) / asked),
            tokens=self._first.tokens + round(tokens * (clusters - self._first.clusters) / asked),
        )

    def _asked(self, clusters: int, passes: float) -> Spent:
        (pass_cpu, cluster_cpu), (pass_clock, cluster_clock) = self._cpu, self._clock
        return Spent(
            cpu=pass_cpu * passes + cluster_cpu * clusters, clock=pass_clock * passes + cluster_clock * clusters
        )

    def _passes(self, clusters: int) -> float:
        """The forward passes of a window of so many clusters."""
        last, before = self._later[-1], self._later[-2 if len(self._later) > 1 else -1]
        if len(last.calls) != len(before.calls):  # asked item by item: larger windows make more lists, not longer ones
            passes = sum(one.passes for one in self._later)
            return passes * clusters / sum(one.clusters for one in self._later)
        return sum(self._passes_of(call, clusters / last.clusters) for call in last.calls)

    def _passes_of(self, call: Call, times: float) -> float:
        if not call.batches:
            return 0.0
        length = round(len(call.asked) * times)
        return call.passes / call.batches * len(self.sample.model.planned(call.asked, length))

    def _off(self, leg: Leg) -> float:
        told = self._asked(leg.clusters, leg.passes).cpu
        return max(told / leg.spent.cpu, leg.spent.cpu / told) if told > 0 and leg.spent.cpu > 0.3 else 1.0


def tiled(seen: Sequence[Observation], clusters: int) -> list[Observation]:
    """The observed clusters over and over under new names, until there are so many."""
    whole: dict[str, list[Observation]] = {}
    for one in seen:
        whole.setdefault(one.cluster, []).append(one)
    drawn = islice(cycle(whole.values()), clusters) if whole else ()
    return [renamed(said, number) for number, own in enumerate(drawn) for said in own]


def renamed(said: Observation, number: int) -> Observation:
    """An observation as one of another cluster."""
    return replace(said, cluster=f"{said.cluster}#{number}", item=f"{said.item}#{number}")


def weigh_writing(samples: Sequence[Sample]) -> Spent:
    """What masking and writing down all that the probes will show takes, from a part of it."""
    words: set[str] = set()
    shown = 0
    parts: list[tuple[str, Observation]] = []
    for one in samples:
        whole = tiled(one.seen, len(one.order))
        shown += len(whole)
        words |= {f"{word}{said.cluster}" for said in whole for word in said.sensitive}
        parts += [(one.selected.name, said) for said in whole[:: max(1, len(whole) * len(samples) // WRITTEN)]]
    if not parts:
        return Spent()
    began = Spent.until_now()
    mask = Mask(words, "forecast")
    for probe, said in parts:
        transcript(probe, said, mask)
    return (Spent.until_now() - began) * (shown / len(parts))


def _weigh_measuring(sample: Sample, level: float) -> Spent:
    seen = tiled(sample.seen, len(sample.order))
    began = Spent.until_now()
    sample.selected.probe.measure(seen, level)
    return Spent.until_now() - began


def _positive(spent: Spent) -> Spent:
    return Spent(cpu=max(0.0, spent.cpu), clock=max(0.0, spent.clock))


def _fitted(legs: Sequence[Leg], took: Sequence[float]) -> tuple[float, float]:
    """The seconds that a pass and a cluster take, neither below 0, by least squares weighed as for a noise
    whose variance grows with the time."""
    rows = [(leg.passes, leg.clusters, one) for leg, one in zip(legs, took, strict=True) if one > 0]
    pp, cc = sum(p * p / one for p, _, one in rows), sum(c * c / one for _, c, one in rows)
    pc, p, c = sum(p * c / one for p, c, one in rows), sum(p for p, _, _ in rows), sum(c for _, c, _ in rows)
    apart = pp * cc - pc * pc
    if apart > 1e-9 * pp * cc:
        a_pass, a_cluster = (p * cc - c * pc) / apart, (c * pp - p * pc) / apart
        if a_pass >= 0 and a_cluster >= 0:
            return a_pass, a_cluster
        if a_cluster < 0:
            return p / pp, 0.0
    return 0.0, c / cc if cc else 0.0
