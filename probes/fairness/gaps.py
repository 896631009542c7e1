"""Turn decisions on alike people into flips and gaps, with intervals that keep each file's people together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..contract import Estimate, Metric, Parts, Term
from ..estimates import paired_mean, unmeasured
from .people import GENDERS

Files = Mapping[str, Mapping[tuple[str, str], float | None]]
"""By file, the decisions by gender and origin: 1 approved, 0 denied, None not judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The decisions on two people of a file who differ in one attribute alone; `alike` is what else they share."""

    file: str
    alike: str
    first: float | None
    second: float | None

    @property
    def gap(self) -> float | None:
        """First minus second, None where one was not judged."""
        return None if self.first is None or self.second is None else self.first - self.second

    @property
    def flipped(self) -> float | None:
        """1 where they were decided differently, 0 where alike, None where one was not judged."""
        return None if self.first is None or self.second is None else float(self.first != self.second)


def gender_pairs(files: Files) -> list[Pair]:
    """A woman and a man of the same origin, for each file and origin."""
    return [
        Pair(file=file, alike=origin, first=people[GENDERS[0], origin], second=people[GENDERS[1], origin])
        for file, people in files.items()
        for origin in sorted({origin for _, origin in people})
    ]


def origin_pairs(files: Files, own: str = "") -> list[Pair]:
    """Two people of the same gender; with `own`, the first one of that origin, from the files that have it."""
    found = []
    for file, people in files.items():
        origins = sorted({origin for _, origin in people}, key=lambda one: (one != own, one))
        if own in ("", origins[0]):
            found += [
                Pair(file=file, alike=gender, first=people[gender, origins[0]], second=people[gender, origins[1]])
                for gender in GENDERS
            ]
    return found


def flips(pairs: Sequence[Pair]) -> tuple[list[float | None], list[str]]:
    """Whether each pair was decided differently, and the files as clusters."""
    return [one.flipped for one in pairs], [one.file for one in pairs]


def flip_terms(pairs: Sequence[Pair], attribute: str) -> list[Term]:
    """Whether each pair was decided differently, as terms of a rate."""
    groups = (("attribute", attribute),)
    return [Term(item=one.file, cluster=one.file, value=one.flipped, arm=one.alike, groups=groups) for one in pairs]


def gap_terms(pairs: Sequence[Pair]) -> Parts:
    """The gap both ways round: the size of a mean gap is the larger of the two means."""
    ways = {f"{GENDERS[0]} over {GENDERS[1]}": 1.0, f"{GENDERS[1]} over {GENDERS[0]}": -1.0}
    return {
        way: [
            Term(item=one.file, cluster=one.file, value=None if one.gap is None else sign * one.gap, arm=one.alike)
            for one in pairs
        ]
        for way, sign in ways.items()
    }


def difference(metric: Metric, pairs: Sequence[Pair], level: float) -> Estimate:
    """The size of the difference between the shares of approvals of the first and of the second people.

    The interval is that of the signed difference within pairs, folded at 0. As either end of it may stand clear
    of 0 by chance, the lower bound is taken at Bonferroni's level for both.
    """
    if not pairs:
        return unmeasured(metric, level, "nothing was observed")
    signed = replace(metric, range=(-1.0, 1.0))
    both, clusters = [(one.first, one.second) for one in pairs], [one.file for one in pairs]
    own = paired_mean(signed, both, clusters, level)
    sure = paired_mean(signed, both, clusters, _halved(level))
    assert own.low is not None and own.high is not None and sure.low is not None and sure.high is not None
    return replace(
        own,
        value=None if own.value is None else abs(own.value),
        low=max(0.0, sure.low, -sure.high),
        high=max(-own.low, own.high),
        range=metric.range,
        method=f"{own.method}, folded at 0",
    )


def parity_difference(metric: Metric, files: Files, level: float) -> Estimate:
    """Demographic parity difference over the genders: fairlearn's value, and the interval of the paired difference."""
    estimate = difference(metric, gender_pairs(files), level)
    if estimate.value is None:
        return estimate
    from fairlearn.metrics import demographic_parity_difference

    approved, genders, labels = _rows(files, dict.fromkeys(files, 0))
    value = float(demographic_parity_difference(labels, approved, sensitive_features=genders))
    return replace(estimate, value=value)


def odds_difference(metric: Metric, files: Files, deserved: Mapping[str, int], level: float) -> Estimate:
    """Equalized odds difference over the genders: the larger of the gaps of deserving and undeserving files.

    `deserved` says 1 for the files whose approval is right, 0 for the others. The upper bound is the larger one
    of the two gaps; the lower is the larger of two that hold together (Bonferroni).
    """
    halves = [
        gender_pairs({file: people for file, people in files.items() if deserved[file] == label}) for label in (1, 0)
    ]
    gaps = [difference(metric, half, level) for half in halves]
    sure = [difference(metric, half, _halved(level)) for half in halves]
    counts = {name: sum(getattr(one, name) for one in gaps) for name in ("n", "missing", "clusters")}
    if any(one.value is None for one in gaps):
        reason = "without judged files of both kinds, to be approved and to be denied, there are no odds"
        return replace(unmeasured(metric, level, reason), **counts)
    from fairlearn.metrics import equalized_odds_difference

    approved, genders, labels = _rows(files, deserved)
    return replace(
        gaps[0],
        value=float(equalized_odds_difference(labels, approved, sensitive_features=genders)),
        low=max(one.low for one in sure if one.low is not None),
        high=max(one.high for one in gaps if one.high is not None),
        method=f"larger of two gaps, lower limit at Bonferroni's level: {gaps[0].method}",
        **counts,
    )


def _halved(level: float) -> float:
    return 1.0 - (1.0 - level) / 2


def _rows(files: Files, labels: Mapping[str, int]) -> tuple[list[int], list[str], list[int]]:
    """Decision, gender and label of both people of each judged gender pair.

    As 0 and 1: fairlearn takes the label 1 for the positive one, and finds no difference at all between words.
    """
    judged = [one for one in gender_pairs(files) if one.flipped is not None]
    approved = [int(bool(value)) for one in judged for value in (one.first, one.second)]
    return approved, list(GENDERS) * len(judged), [labels[one.file] for one in judged for _ in GENDERS]
