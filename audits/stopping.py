"""Stop asking a probe as soon as all that stands on it is decided, by intervals that hold at any stop.

Looks are taken at fixed checkpoints, after each eighth of the clusters in their seeded order, and at means alone:
their confidence sequences (probes/estimates/sequential.py) hold at all looks together, so the stop may depend on
what was seen. A limit on any other figure keeps its probe from stopping, and then nothing is looked at and the
ordinary intervals stand. How far a probe was asked is journalled: whoever judges later, by whatever policy,
judges just that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ..probes.contract import Estimate, Item, Metric, Observation, Parts, Term, from_json
from ..probes.estimates import confidence_sequence
from ..reports.policy import Floor, Limit, Policy
from .gate import CORE, VALID, hold
from .journal import Journal
from .selection import Selected

LOOKS = 8
WITHHELD = "no interval is given: it would not know that the asking could stop early"


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How far a probe was asked: clusters of those planned, and what kept it from stopping early, if anything."""

    planned: int
    asked: int
    hindrance: str = ""

    def __str__(self) -> str:
        """The same in words."""
        if self.hindrance:
            return f"it could not stop early: {self.hindrance}"
        if self.asked < self.planned:
            return (
                f"it stopped early, after {self.asked} of {self.planned} clusters: all limits and floors were decided"
            )
        return "it did not stop early: its limits and floors were not all decided before the end"


class Stopping:
    """Decides for one probe of one run when to stop, and gives the intervals that know of it."""

    def __init__(self, selected: Selected, policy: Policy, level: float, journal: Journal) -> None:
        """Take what stands on the probe from the policy, and how far it was asked from the journal, if it was."""
        name, dimension = selected.name, selected.probe.dimension
        self._selected = selected
        self._level = level
        self._limits = [one for one in policy.limits if one.metric.rsplit(".", 1)[0] == name]
        self._floors = [one for one in policy.floors if one.metric.rsplit(".", 1)[0] == name]
        self._usable = [one for one in policy.floors if one.metric == CORE and dimension in one.dimensions]
        self._journal = journal
        kept = journal.get("measurement", f"extent/{name}")
        self.extent = None if kept is None else from_json(Extent, kept)
        self._hindrance = self.extent.hindrance if self.extent else ""
        self._items_a_cluster = 1
        self._first: dict[str, Estimate] = {}

    @property
    def sequential(self) -> bool:
        """Whether looks were taken, so that only confidence sequences hold."""
        return not self._hindrance

    def legs(self, order: Sequence[Sequence[Item]], seen: Sequence[Observation]) -> Iterator[Sequence[Sequence[Item]]]:
        """The clusters from one checkpoint to the next, until all is decided by what has then been `seen`."""
        self._items_a_cluster = max(map(len, order))
        if self.extent:
            yield order[: self.extent.asked]
            return
        ends = sorted({-(-len(order) * look // LOOKS) for look in range(1, LOOKS + 1)})
        for start, end in pairwise((0, *ends)):
            yield order[start:end]
            if start == 0:
                self._hindrance = self._hindered(seen)
            if end < len(order) and not self._hindrance and self._decided(seen):
                return

    def note(self, planned: int, asked: int) -> None:
        """Journal how far the probe was asked."""
        if self.extent is None:
            self.extent = Extent(planned=planned, asked=asked, hindrance=self._hindrance)
            self._journal.add("measurement", [(f"extent/{self._selected.name}", self.extent)])

    def sequences(self, seen: Sequence[Observation], estimates: Sequence[Estimate]) -> list[Estimate]:
        """The estimates with intervals that hold although the asking could stop; the others' are withheld."""
        means = self._means(seen, estimates)
        return [
            self._sequence(one, means[one.metric], seen)
            if not one.groups and one.metric in means
            else one
            if one.low is None and one.high is None
            else replace(one, low=None, high=None, reason=_joined(one.reason, WITHHELD))
            for one in estimates
        ]

    def valid_rate(self, seen: Sequence[Observation]) -> Estimate:
        """The probe's share of usable answers, with such an interval."""
        counts = Counter(one.item for one in seen)
        return confidence_sequence(
            VALID,
            [float(one.status == "judged") for one in seen],
            [one.cluster for one in seen],
            self._level,
            largest=self._items_a_cluster * max(counts.values(), default=1),
        )

    def _hindered(self, seen: Sequence[Observation]) -> str:
        """Why the probe cannot stop early: what stands on it is no plain mean, or nothing stands on it."""
        if not self._limits:
            return "no limit stands on it, so nothing would be decided"
        first = self._selected.probe.measure(seen, self._level)
        self._first = {one.metric: one for one in first if not one.groups}
        terms = self._selected.probe.terms(seen)
        for name in self._names():
            if why := no_mean(self._first[name], terms.get(name)):
                return f"{name} {why}"
        return ""

    def _names(self) -> list[str]:
        """The metrics of the probe that a limit or a floor stands on."""
        return list(dict.fromkeys([*map(_local, self._limits), *map(_local, self._floors)]))

    def _decided(self, seen: Sequence[Observation]) -> bool:
        terms = self._selected.probe.terms(seen)
        names = self._names()
        if any(len(terms.get(name, {})) != 1 for name in names):
            return False
        found = {name: self._sequence(self._first[name], next(iter(terms[name].values())), seen) for name in names}
        usable = self.valid_rate(seen)
        return (
            all(hold(found[_local(one)], one, None).verdict in ("pass", "fail") for one in self._limits)
            and all(_floor_decided(found[_local(one)], one) for one in self._floors)
            and all(_floor_decided(usable, one) for one in self._usable)
        )

    def _means(self, seen: Sequence[Observation], estimates: Sequence[Estimate]) -> dict[str, Sequence[Term]]:
        terms = self._selected.probe.terms(seen)
        whole = {one.metric: one for one in estimates if not one.groups}
        return {
            name: next(iter(parts.values()))
            for name, parts in terms.items()
            if name in whole and not no_mean(whole[name], parts)
        }

    def _sequence(self, one: Estimate, terms: Sequence[Term], seen: Sequence[Observation]) -> Estimate:
        place = {name: at for at, name in enumerate(dict.fromkeys(said.cluster for said in seen))}
        ordered = sorted(terms, key=lambda term: place[term.cluster])
        found = confidence_sequence(
            metric_of(one),
            [term.value for term in ordered],
            [term.cluster for term in ordered],
            self._level,
            largest=self._items_a_cluster * max(Counter(term.item for term in terms).values(), default=1),
        )
        return replace(found, correction=one.correction, curves=one.curves, reason=_joined(one.reason, found.reason))


def no_mean(estimate: Estimate, parts: Parts | None) -> str:
    """Why an estimate is not the plain mean over a metric's terms; empty where it is."""
    if not parts:
        return "is no mean over items"
    if len(parts) > 1:
        return f"is the worst of {len(parts)} parts"
    if estimate.correction in ("rogan-gladen", "ppi++"):
        return "is corrected for the detector's error"
    values = [term.value for term in next(iter(parts.values()))]
    judged = [value for value in values if value is not None]
    alike = estimate.n == len(values) and estimate.missing == len(values) - len(judged)
    if judged and alike and estimate.value is not None:
        alike = abs(estimate.value - sum(judged) / len(judged)) < 1e-9
    return "" if alike else "is no plain mean over items"


def metric_of(estimate: Estimate) -> Metric:
    """The metric that an estimate is of, with the range that its probe gave it."""
    return Metric(
        name=estimate.metric,
        meaning="",
        worse=estimate.worse,
        role=estimate.role,
        range=estimate.range,
        unit=estimate.unit,
        chance=estimate.chance,
    )


def _local(standing: Limit | Floor) -> str:
    return standing.metric.rsplit(".", 1)[1]


def _floor_decided(estimate: Estimate, floor: Floor) -> bool:
    needed = floor.at_least
    if needed is None and estimate.chance is not None and floor.above_chance is not None:
        needed = estimate.chance + floor.above_chance
    if needed is None or estimate.low is None or estimate.high is None:
        return False
    return estimate.low >= needed or estimate.high < needed


def _joined(*reasons: str) -> str:
    return "; ".join(dict.fromkeys(one for one in reasons if one))
