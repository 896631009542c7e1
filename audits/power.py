"""How many clusters decide a limit: drawn again and again, and estimated as a run's answers are.

What a run would show is drawn either from a pilot, by resampling its whole clusters (so nothing is assumed of them but
that they are like those to come), or from a guess of the true value, with clusters as large as those of the sample and
answers that hang together as ICC says. Each draw goes through the production estimators and the gate.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy

from ..probes.contract import Estimate, Metric, Observation, Parts, Probe
from ..probes.detectors import card_of
from ..probes.estimates import Card, confidence_sequence, paired_mean, rogan_gladen, unmeasured, worst_of_groups
from ..probes.estimates.groups import share_or_mean
from ..probes.streams import stream
from ..reports.policy import Limit
from .gate import hold
from .stopping import metric_of

POWER = 0.8
ICC = 0.3
"""The intraclass correlation of a guess: how much the answers within one cluster are alike."""

DRAWS, AT_ONCE = 120, 20
FURTHEST = 8
"""Up to so many times the clusters that there are it is said how many would be needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """How many clusters decide a limit with probability 0.8, if the truth is `truth`; None where no number would.

    `possible` is the bound that the clusters that there are could decide at that truth, where they cannot decide
    the limit itself; `reason` says why they cannot.
    """

    metric: str
    limit: str
    truth: float | None
    source: str
    clusters: int | None
    available: int
    possible: float | None = None
    reason: str = ""

    @property
    def decidable(self) -> bool:
        """Whether the clusters that there are decide the limit."""
        return self.clusters is not None and self.clusters <= self.available


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What was seen of a metric: its estimate, its terms by part, all clusters that were asked, and the card of the
    detector that corrects it.
    """

    estimate: Estimate
    parts: Parts
    clusters: Sequence[str]
    card: Card | None = None

    @classmethod
    def of(cls, probe: Probe, seen: Sequence[Observation], level: float) -> dict[str, Shown]:
        """Every metric of a probe that has terms, by its name."""
        terms, clusters = probe.terms(seen), tuple(dict.fromkeys(one.cluster for one in seen))
        cards = [card_of(name) for one in seen[:1] for name in one.judges[:1]]
        return {
            one.metric: cls(estimate=one, parts=terms[one.metric], clusters=clusters, card=cards[0] if cards else None)
            for one in probe.measure(seen, level)
            if not one.groups and one.metric in terms
        }

    def by_cluster(self) -> list[dict[str, list[float | None]]]:
        """The values of each cluster that was asked, by part; a cluster may add none."""
        found: dict[str, dict[str, list[float | None]]] = {name: {} for name in self.clusters}
        for part, terms in self.parts.items():
            for one in terms:
                found[one.cluster].setdefault(part, []).append(one.value)
        return list(found.values())

    @cached_property
    def mirrored(self) -> bool:
        """Whether its parts are one difference, both ways round."""
        columns = [{(one.item, one.arm): one.value or 0.0 for one in terms} for terms in self.parts.values()]
        return len(columns) == 2 and columns[0] == {key: -value for key, value in columns[1].items()}

    @cached_property
    def metric(self) -> Metric:
        """The metric, with the range of its terms."""
        own = metric_of(self.estimate)
        return replace(own, range=(-1.0, 1.0), worse="away_from_zero") if self.mirrored else own


Columns = Mapping[str, tuple[list[float | None], list[str]]]
"""Values and the clusters that they belong to, by part."""


def estimate_of(shown: Shown, columns: Columns, level: float, *, sequential: bool = False) -> Estimate:
    """The estimate of a metric from values, as its probe makes it; `sequential` as a run that may stop early does."""
    metric = shown.metric
    values, clusters = next(iter(columns.values()))
    if not any(own for own, _ in columns.values()):
        return unmeasured(metric, level, "nothing was drawn")
    if sequential:
        return confidence_sequence(metric, values, clusters, level, largest=max(Counter(clusters).values()))
    if shown.mirrored or (len(columns) == 1 and metric.range[0] == -metric.range[1]):
        pairs = [(None, None) if one is None else (max(one, 0.0), max(-one, 0.0)) for one in values]
        return paired_mean(metric, pairs, clusters, level)
    if len(columns) > 1:
        return worst_of_groups(metric, columns, level)
    if shown.estimate.correction == "rogan-gladen" and shown.card:
        return rogan_gladen(metric, values, clusters, level, shown.card)
    return share_or_mean(metric, values, clusters, level)


def need(
    limit: Limit, shown: Shown, *, guess: float | None, source: str, available: int, level: float, sequential: bool
) -> Need:
    """How many clusters decide a limit if the truth is `guess`, or what the pilot showed where that is None."""
    truth = shown.estimate.value if guess is None else guess
    found = Need(metric=limit.metric, limit=str(limit), truth=truth, source=source, clusters=None, available=available)
    if truth is None:
        return replace(found, reason="nothing could be judged")
    low, high = limit.at_least, limit.at_most
    if truth in (low, high):
        return replace(found, reason="the truth lies on the limit, so no number of clusters decides it")
    right = "pass" if (high is None or truth <= high) and (low is None or truth >= low) else "fail"
    whole = shown.by_cluster()
    of_values = None if guess is None else _values_of(shown.metric, _flagged(shown, guess))
    draws = [Draw(whole, of_values, stream(0, limit.metric, str(number))) for number in range(DRAWS)]

    def estimate(clusters: int, number: int) -> Estimate:
        columns = draws[number].columns(clusters, shown.parts)
        return estimate_of(shown, columns, level, sequential=sequential)

    def enough(clusters: int) -> bool:
        held = 0
        for number in range(DRAWS):
            held += hold(estimate(clusters, number), limit, None).verdict == right
            done = number + 1
            if done % AT_ONCE == 0 and abs(held / done - POWER) > 2.5 * math.sqrt(POWER * (1 - POWER) / done):
                return held > POWER * done
        return held >= POWER * DRAWS

    most = next((available * times for times in (1, 2, 4, FURTHEST) if enough(available * times)), None)
    if most is None:
        reason = f"even {FURTHEST} times the {available} clusters that there are would not decide it"
    else:
        found = replace(found, clusters=_least(enough, 1 if most == available else most // 2, most))
        reason = f"there are {available} clusters and about {found.clusters} would be needed"
    if found.decidable:
        return found
    highs = [estimate(available, number) for number in range(2 * AT_ONCE)]
    return replace(found, possible=_possible(highs, upper=high is not None, right=right), reason=reason)


def _least(enough: Callable[[int], bool], below: int, most: int) -> int:
    while most - below > max(1, most // 16):
        middle = (below + most) // 2
        below, most = (below, middle) if enough(middle) else (middle, most)
    return most


def _possible(seen: Sequence[Estimate], *, upper: bool, right: str) -> float | None:
    """The tightest bound on the truth's right side that a share POWER of the estimates clears."""
    outer = upper == (right == "pass")
    ends = [one.high if outer else one.low for one in seen]
    known = [end for end in ends if end is not None]
    if len(known) < len(ends):
        return None
    return float(numpy.quantile(known, POWER if outer else 1 - POWER))


Values = Callable[[int, numpy.random.Generator], list[float]]


class Draw:
    """One drawn run of any length: whole clusters, with replacement, each a cluster of its own."""

    def __init__(
        self, whole: Sequence[Mapping[str, list[float | None]]], of_values: Values | None, rng: numpy.random.Generator
    ) -> None:
        """Draw from `whole`, by part; `of_values` puts other values in the place of theirs."""
        self._whole = whole
        self._of_values = of_values
        self._rng = rng
        self._drawn: list[Mapping[str, Sequence[float | None]]] = []

    def columns(self, clusters: int, parts: Iterable[str]) -> Columns:
        """Its first so many clusters."""
        while len(self._drawn) < clusters:
            own = self._whole[int(self._rng.integers(len(self._whole)))]
            given = self._of_values
            self._drawn.append({name: given(len(v), self._rng) for name, v in own.items()} if given else own)
        joined: dict[str, tuple[list[float | None], list[str]]] = {name: ([], []) for name in parts}
        for number, values_of in enumerate(self._drawn[:clusters]):
            for part, values in values_of.items():
                joined[part][0].extend(values)
                joined[part][1].extend([str(number)] * len(values))
        return joined


def _flagged(shown: Shown, truth: float) -> float:
    """The mean that the terms have at a true value: a detector flags some of what is sound, and misses some."""
    if shown.estimate.correction != "rogan-gladen" or shown.card is None:
        return truth
    return truth * shown.card.sensitivity.value + (1 - truth) * (1 - shown.card.specificity.value)


def _values_of(metric: Metric, mean: float) -> Values:
    """The values of one cluster's terms: shares are yes or no, differences lost, kept or gained, others spread out."""
    bottom, top = metric.range
    if bottom == -top:
        more = min(1.5 * abs(mean) / top, (1 + abs(mean) / top) / 2)
        sign = math.copysign(top, mean)
        chances = [more, max(0.0, more - abs(mean) / top)]
        steps = [sign, -sign, 0.0]
        marks = numpy.cumsum(chances)
        return lambda count, rng: [steps[at] for at in numpy.searchsorted(marks, rng.random(count), "right").tolist()]
    unit = min(max((mean - bottom) / (top - bottom), 0.0), 1.0)
    if unit in (0.0, 1.0):
        return lambda count, _: [bottom + unit * (top - bottom)] * count
    if (bottom, top) != (0.0, 1.0):
        return lambda count, rng: (bottom + (top - bottom) * rng.beta(1, 1 / unit - 1, size=count)).tolist()
    spread = 1 / ICC - 1

    def shares(count: int, rng: numpy.random.Generator) -> list[float]:
        own = unit if count == 1 else rng.beta(unit * spread, (1 - unit) * spread)
        return [float(rng.random() < own) for _ in range(count)]

    return shares
