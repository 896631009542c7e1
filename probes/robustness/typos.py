"""Robustness to typing errors: the same reviews, clean and mistyped, and how many answers are lost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy
import numpy.typing

from ..asking import Choice
from ..contract import Access, Bench, Estimate, Item, Metric, Observation, Parts, Probe, Term
from ..estimates import bootstrapped, mean, paired_mean, rate, unmeasured
from .edits import EDITS, mistyped
from .sentiment import ask, label_of, review_items, text_of
from .unjudged import bracketed

Codes = numpy.typing.NDArray[numpy.int64]

CLEAN = "clean"
ACCURACY_DROP = Metric(
    name="accuracy_drop",
    meaning="answers that are right on clean text and lost to typing errors, less those gained",
    range=(-1.0, 1.0),
)
ACCURACY = Metric(
    name="accuracy",
    meaning="right answers on the clean reviews",
    worse="lower",
    role="competence",
    chance=0.5,
)
UNDER_TYPOS = Metric(
    name="accuracy_under_typos",
    meaning="right answers on the mistyped reviews, all kinds of error together",
    worse="lower",
    role="diagnostic",
    chance=0.5,
)
FLIP_RATE = Metric(
    name="flip_rate",
    meaning="reviews whose answer changes with at least one kind of typing error",
    role="diagnostic",
)
DROP_RATE = Metric(
    name="drop_rate",
    meaning="the accuracy lost to typing errors as a share of the clean accuracy",
    role="diagnostic",
    range=(-1.0, 1.0),
)


@dataclass(frozen=True, kw_only=True)
class Typos(Probe):
    """Does the model keep its answers when the input has typos?

    Each review is asked clean and with each of four kinds of typing error: a letter hit on the neighbouring
    key, two neighbouring letters swapped, a letter dropped, a letter doubled. The budget is one error in a
    `share` of the words of at least `shortest` letters (at least one word; first letters are kept), so every
    kind changes the same number of words. The answer is the likelier of "positive" and "negative".

    The figure is the paired drop of accuracy, clean less the mean over the kinds, in points. Beside it stand
    the drop for each kind, the share of items whose answer changes at all (the invariance test's failure
    rate of Ribeiro et al. 2020, CheckList, ACL), and the performance drop rate
    1 - sum acc(typed) / sum acc(clean) (Zhu et al. 2023, PromptRobust, arXiv 2306.04528).

    A model that guesses loses nothing: read the drop only where the clean accuracy is above chance.
    """

    share: float = 0.2
    shortest: int = 4

    name: ClassVar[str] = "typos"
    dimension: ClassVar[str] = "robustness"
    version: ClassVar[str] = "1"
    needs: ClassVar[frozenset[Access]] = frozenset({Access.generate})
    metrics: ClassVar[tuple[Metric, ...]] = (ACCURACY_DROP, ACCURACY, UNDER_TYPOS, FLIP_RATE, DROP_RATE)

    def __post_init__(self) -> None:
        """Refuse a budget that no text can keep."""
        if not 0 < self.share <= 1 or self.shortest < 3:
            raise ValueError("share must lie above 0 and at most at 1, shortest at 3 at least")

    def items(self) -> Sequence[Item]:
        """The reviews."""
        return review_items()

    def observe(self, items: Sequence[Item], bench: Bench) -> Iterator[Observation]:
        """Ask each review once clean and once for each kind of error."""
        arms = (CLEAN, *EDITS)
        texts = [(f"{item.id}/{arm}", self._typed(item, arm, bench)) for item in items for arm in arms]
        choices = iter(ask(bench, texts))
        for item in items:
            own = {arm: next(choices) for arm in arms}
            for arm, choice in own.items():
                values = {"correct": _agrees(choice.option, label_of(item))}
                if arm != CLEAN:
                    kept = _agrees(choice.option, own[CLEAN].option)
                    values["flipped"] = None if kept is None else 1.0 - kept
                yield _observation(item, arm, choice, values)

    def measure(self, seen: Sequence[Observation], level: float) -> list[Estimate]:
        """The paired drop, its parts, and the accuracies."""
        if not seen:
            return [unmeasured(metric, level, "nothing was asked") for metric in self.metrics]
        rows = _Rows(seen)
        found = [
            paired_mean(ACCURACY_DROP, list(zip(rows.clean, rows.typed, strict=True)), rows.clusters, level),
            rate(ACCURACY, rows.clean, rows.clusters, level),
            mean(UNDER_TYPOS, rows.typed, rows.clusters, level),
            rate(FLIP_RATE, rows.flipped, rows.clusters, level),
            _drop_rate(rows, level),
        ]
        for kind, typed in rows.by_kind.items():
            pairs = list(zip(rows.clean, typed, strict=True))
            drop = paired_mean(replace(ACCURACY_DROP, role="diagnostic"), pairs, rows.clusters, level)
            found.append(replace(drop, groups=(("typo", kind),)))
        return found

    def terms(self, seen: Sequence[Observation]) -> Mapping[str, Parts]:
        """One term a review: right or not, lost or not, changed or not."""
        rows = _Rows(seen)
        columns = {
            ACCURACY_DROP.name: [_less(*pair) for pair in zip(rows.clean, rows.typed, strict=True)],
            ACCURACY.name: rows.clean,
            UNDER_TYPOS.name: rows.typed,
            FLIP_RATE.name: rows.flipped,
        }
        places = list(zip(rows.items, rows.clusters, strict=True))
        return {
            name: {
                "": [
                    Term(item=item, cluster=cluster, value=value)
                    for (item, cluster), value in zip(places, column, strict=True)
                ]
            }
            for name, column in columns.items()
            if column
        }

    def faultless(self, items: Sequence[Item]) -> list[Observation]:
        """Every answer right, clean or not."""
        return [
            Observation.judged(item, {"correct": 1.0, "flipped": 0.0}, arm=arm)
            for item in items
            for arm in (CLEAN, *EDITS)
        ]

    def _typed(self, item: Item, arm: str, bench: Bench) -> str:
        if arm == CLEAN:
            return text_of(item)
        rng = bench.rng(f"{item.id}/{arm}")
        return mistyped(text_of(item), arm, rng, share=self.share, shortest=self.shortest)


class _Rows:
    """What was seen, one row an item: right or not clean, the mean over the kinds of error, and any change."""

    def __init__(self, seen: Sequence[Observation]) -> None:
        table: dict[str, dict[str, Observation]] = {}
        for one in seen:
            table.setdefault(one.item, {})[one.arm] = one
        self.items = list(table)
        self.clusters = [next(iter(arms.values())).cluster for arms in table.values()]
        self.clean = [_value(arms, CLEAN, "correct") for arms in table.values()]
        self.by_kind = {kind: [_value(arms, kind, "correct") for arms in table.values()] for kind in EDITS}
        self.typed = [_mean_of(one) for one in zip(*self.by_kind.values(), strict=True)]
        self.flipped = [_any_of([_value(arms, kind, "flipped") for kind in EDITS]) for arms in table.values()]


def _value(arms: dict[str, Observation], arm: str, name: str) -> float | None:
    return arms[arm].values.get(name) if arm in arms else None


def _mean_of(values: Sequence[float | None]) -> float | None:
    """The mean; None as soon as one is not known, so that what fails under errors cannot look unharmed."""
    known = [one for one in values if one is not None]
    return sum(known) / len(known) if len(known) == len(values) else None


def _less(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first - second


def _any_of(values: Sequence[float | None]) -> float | None:
    if 1.0 in values:
        return 1.0
    return None if None in values else 0.0


def _drop_rate(rows: _Rows, level: float) -> Estimate:
    pairs = [
        None if clean is None or typed is None else (clean, typed)
        for clean, typed in zip(rows.clean, rows.typed, strict=True)
    ]

    def estimate(known: list[tuple[float, float]], places: list[int]) -> Estimate:
        right = numpy.array(known).reshape(-1, 2)

        def lost(drawn: Codes) -> float:
            clean, typed = right[drawn].sum(axis=0)
            return max(-1.0, 1.0 - float(typed / clean)) if clean else math.nan

        return bootstrapped(DROP_RATE, lost, [rows.clusters[place] for place in places], level)

    return bracketed(pairs, (0.0, 1.0), (1.0, 0.0), estimate)


def _agrees(option: int | None, with_this: int | None) -> float | None:
    return None if option is None or with_this is None else float(option == with_this)


def _observation(item: Item, arm: str, choice: Choice, values: dict[str, float | None]) -> Observation:
    return Observation(
        item=item.id,
        cluster=item.cluster,
        groups=item.groups,
        arm=arm,
        status=choice.status,
        reason=choice.reason,
        values=values,
        exchanges=choice.exchanges,
    )
