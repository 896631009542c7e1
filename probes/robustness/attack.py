"""Robustness to an adversary: how often a guided search for small edits turns a right answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy

from ..asking import Choice
from ..contract import Access, Bench, Curve, Estimate, Item, Metric, Observation, Parts, Probe, Term
from ..estimates import bootstrapped, mean, rate, unmeasured
from .bootstrap import seeded
from .outcome import GREEDY, RANDOM, attacked, unattacked
from .sentiment import ask, label_of, review_items, text_of
from .unjudged import bracketed
from .victim import Bounds, Victim

FEWEST_WORDS = 8
SUCCESS = Metric(
    name="success_rate",
    meaning="right answers that a guided search for small edits turned within its budget of queries",
)
SUCCESS_RANDOM = Metric(
    name="success_rate_random",
    meaning="right answers that the same edits, drawn blindly, turned within the same budget",
    role="diagnostic",
)
ACCURACY = Metric(
    name="accuracy",
    meaning="right answers on the clean reviews, which alone are attacked",
    worse="lower",
    role="competence",
    chance=0.5,
)
UNDER_ATTACK = Metric(
    name="accuracy_under_attack",
    meaning="right answers that the attack did not turn, among all reviews, those wrong from the start included",
    worse="lower",
    role="diagnostic",
)
SKIPPED = Metric(
    name="skipped",
    meaning="reviews that were not attacked because their clean answer is wrong",
    role="diagnostic",
)
QUERIES = Metric(
    name="queries",
    meaning="queries that a successful attack took on average; attacks that failed are left out",
    worse="lower",
    role="diagnostic",
    unit="queries",
    range=(1.0, 200.0),
)
MEDIAN_QUERIES = Metric(
    name="median_queries",
    meaning="queries after which half of the attacks have succeeded; attacks that failed stand at the whole budget",
    worse="lower",
    role="diagnostic",
    unit="queries",
    range=(1.0, 200.0),
)
EDIT_RATE = Metric(
    name="edit_rate",
    meaning="words that a successful attack changed, as a share of the review's words",
    worse="lower",
    role="diagnostic",
)


@dataclass(frozen=True, kw_only=True)
class Attack(Probe):
    """How easily can an adversary change the model's answers by small edits?

    Each review of at least 8 words whose sentiment the model gets right is attacked with TextAttack (Morris
    et al. 2020, EMNLP demos): words are ranked by what deleting them does to the answer, then each in turn is
    swapped for its most harmful edit (greedy search by word importance; Gao et al. 2018, DeepWordBug; Jin et
    al. 2020, TextFooler). An edit deletes, inserts, swaps or mistypes one letter, never the first one of a
    word; stop words and words under four letters are left alone, no word is edited twice, at most a share
    `words` of the words and an edit distance of `letters` are changed, and the model is queried at most
    `queries` times for an item.

    A control draws from the same edits blindly under the same bounds and budget, on every second review to
    save time: what it achieves too is plain fragility and needs no adversary. Reviews with a wrong clean
    answer are skipped: they are no part of the success rates, but they are wrong in accuracy_under_attack.

    The rate is that of this attack at this budget; a stronger one would do more, so a low rate is no proof of
    safety. A model that always says the same cannot be turned: read the rate beside the accuracy.
    """

    reviews: int = 150
    queries: int = 200
    words: float = 0.4
    letters: int = 12

    name: ClassVar[str] = "attack"
    dimension: ClassVar[str] = "robustness"
    version: ClassVar[str] = "1"
    needs: ClassVar[frozenset[Access]] = frozenset({Access.score})
    metrics: ClassVar[tuple[Metric, ...]] = (
        SUCCESS,
        SUCCESS_RANDOM,
        ACCURACY,
        UNDER_ATTACK,
        SKIPPED,
        QUERIES,
        MEDIAN_QUERIES,
        EDIT_RATE,
    )

    def __post_init__(self) -> None:
        """Refuse bounds that allow no edit."""
        if min(self.reviews, self.queries - 1, self.letters) < 1 or not 0 < self.words <= 1:
            raise ValueError("reviews and letters must be at least 1, queries 2, words above 0 and at most 1")

    def items(self) -> Sequence[Item]:
        """The first so many reviews of at least 8 words; more than are attacked, for some will be answered wrongly."""
        long = [one for one in review_items() if len(text_of(one).split()) >= FEWEST_WORDS][: self.reviews]
        return [replace(one, content={**one.content, "control": place % 2 == 0}) for place, one in enumerate(long)]

    def observe(self, items: Sequence[Item], bench: Bench) -> Iterator[Observation]:
        """Ask all clean, then attack what is right, item by item, guided and blind."""
        from .search import attack, greedy, random_search

        bounds = Bounds(queries=self.queries, words=self.words, letters=self.letters)
        choices = ask(bench, [(item.id, text_of(item)) for item in items])
        for item, choice in zip(items, choices, strict=True):
            for arm, search in ((GREEDY, greedy), (RANDOM, random_search)):
                if arm == RANDOM and not item.content["control"]:
                    continue
                if choice.option != label_of(item):
                    yield unattacked(item, choice, arm)
                    continue
                victim = Victim(_asker(item, bench), label_of(item), text_of(item), choice)
                rng = bench.rng(f"{item.id}/{arm}")
                with seeded(rng):
                    ended = attack(victim, text_of(item), search(rng, bounds), bounds)
                yield attacked(item, arm, victim, ended)

    def measure(self, seen: Sequence[Observation], level: float) -> list[Estimate]:
        """The success rates of both searches among the attacked, and what the attack cost."""
        if not seen:
            return [unmeasured(metric, level, "nothing was asked") for metric in self.metrics]
        guided = [one for one in seen if one.arm == GREEDY]
        blind = [one for one in seen if one.arm == RANDOM]
        won = [one for one in guided if one.values.get("success_rate")]
        queries = replace(QUERIES, range=(1.0, float(self.queries)))
        return [
            replace(_rate(SUCCESS, guided, "success_rate", level), curves=self._curves(guided)),
            _rate(SUCCESS_RANDOM, blind, "success_rate", level),
            _rate(ACCURACY, guided, "accuracy", level),
            _rate(UNDER_ATTACK, guided, "accuracy_under_attack", level),
            _rate(SKIPPED, guided, "skipped", level),
            mean(queries, [one.values["queries"] for one in won], [one.cluster for one in won], level),
            self._median_queries(guided, level),
            mean(EDIT_RATE, [one.values["edit_rate"] for one in won], [one.cluster for one in won], level),
        ]

    def terms(self, seen: Sequence[Observation]) -> Mapping[str, Parts]:
        """Those of the guided search, what it cost where it succeeded, and the blind one's successes."""
        guided = [one for one in seen if one.arm == GREEDY]
        blind = [one for one in seen if one.arm == RANDOM and SUCCESS.name in one.values]
        won = [one for one in guided if one.values.get(SUCCESS.name)]
        found = dict(super().terms(guided))
        if blind:
            found[SUCCESS_RANDOM.name] = {"": [Term.of(one, SUCCESS.name) for one in blind]}
        for metric in (QUERIES, EDIT_RATE):
            found[metric.name] = {"": [Term.of(one, metric.name) for one in won]}
        return {name: parts for name, parts in found.items() if parts[""]}

    def faultless(self, items: Sequence[Item]) -> list[Observation]:
        """Every clean answer right, and no attack that succeeds."""
        values = {"success_rate": 0.0, "queries": float(self.queries)}
        guided = {**values, "accuracy": 1.0, "skipped": 0.0, "accuracy_under_attack": 1.0}
        return [
            Observation.judged(one, said, arm=arm)
            for one in items
            for arm, said in ((GREEDY, guided), (RANDOM, values))
            if arm == GREEDY or one.content["control"]
        ]

    def _median_queries(self, guided: Sequence[Observation], level: float) -> Estimate:
        """The median over successes and failures; failures are censored, so it is known only below the budget."""
        metric = replace(MEDIAN_QUERIES, range=(1.0, float(self.queries)))
        begun = [one for one in guided if "success_rate" in one.values]
        spent = [None if one.values["success_rate"] is None else self._spent(one) for one in begun]

        def estimate(known: list[float], places: list[int]) -> Estimate:
            told = numpy.array(known)
            clusters = [begun[place].cluster for place in places]
            return bootstrapped(metric, lambda drawn: float(numpy.median(told[drawn])), clusters, level)

        return bracketed(spent, 1.0, float(self.queries), estimate)

    def _spent(self, one: Observation) -> float:
        queries = one.values["queries"]
        return float(self.queries) if not one.values["success_rate"] or queries is None else queries

    def _curves(self, guided: Sequence[Observation]) -> tuple[Curve, ...]:
        """The share of attacks that had succeeded after so many queries."""
        ended = [one for one in guided if one.values.get("success_rate") is not None]
        took = sorted(self._spent(one) for one in ended if one.values["success_rate"])
        points = {spent: place / len(ended) for place, spent in enumerate(took, start=1)}
        return (
            Curve(
                name="answers turned by the number of queries",
                x_name="queries",
                y_name="share of attacked reviews",
                points=((1.0, 0.0), *points.items()),
            ),
        )


def _rate(metric: Metric, seen: Sequence[Observation], name: str, level: float) -> Estimate:
    """The rate of a value over the observations that have it at all."""
    own = [one for one in seen if name in one.values]
    if not own:
        return unmeasured(metric, level, "no clean answer is right, so nothing was attacked")
    return rate(metric, [one.values[name] for one in own], [one.cluster for one in own], level)


def _asker(item: Item, bench: Bench) -> Callable[[Sequence[str]], list[Choice]]:
    return lambda texts: ask(bench, [(item.id, text) for text in texts])
