"""What a probe puts forward: items, what was said, what was judged, and the estimates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from .codec import JSON
from .requests import Completion, Generation, Score, Scoring

Groups = tuple[tuple[str, str], ...]
Status = Literal["judged", "empty", "degenerate", "refused", "unparseable", "error", "not_asked"]
Worse = Literal["higher", "lower", "away_from_zero"]
Role = Literal["primary", "diagnostic", "competence"]
Correction = Literal["none needed", "uncorrected", "rogan-gladen", "ppi++"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One question of a probe. Items of one cluster (a template, a document, a secret) are not independent."""

    id: str
    cluster: str
    groups: Groups = ()
    content: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One thing that was said: what was asked, what came back, and the journal's key of it."""

    asked: Generation | Scoring
    reply: Completion | Score
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a detector says of one text: a score and the label at its threshold; `error` when it cannot say."""

    detector: str
    score: float | None
    label: bool | None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one asking of an item showed.

    `values` maps a value's name to a number, or to None where it could not be judged: that is counted as
    missing and widens the interval. `arm` names a paired variant of the item. `sensitive` lists strings that
    no output but the journal may show. `judges` names the detectors, first the one whose card corrects a figure.
    Status "judged" alone counts as a usable answer (core.valid_rate).
    """

    item: str
    cluster: str
    status: Status
    values: Mapping[str, float | None]
    reason: str = ""
    groups: Groups = ()
    arm: str = ""
    exchanges: tuple[Exchange, ...] = ()
    judges: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    probability: float = 1.0

    @classmethod
    def judged(cls, item: Item, values: Mapping[str, float | None], *, arm: str = "") -> Observation:
        """An asking of an item that was judged, without what was said."""
        return cls(item=item.id, cluster=item.cluster, status="judged", values=values, groups=item.groups, arm=arm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One term of a mean: the value that one asking of an item adds, or None where it could not be judged.

    Terms of two models with the same `item` and `arm` belong together and are compared as a pair.
    """

    item: str
    cluster: str
    value: float | None
    arm: str = ""
    groups: Groups = ()

    @classmethod
    def of(cls, said: Observation, name: str) -> Term:
        """The term that an observation's value called `name` is."""
        return cls(item=said.item, cluster=said.cluster, value=said.values[name], arm=said.arm, groups=said.groups)


Parts = Mapping[str, Sequence[Term]]
"""The terms of a metric by part: its figure is the mean over its one part, or the largest of its parts' means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A line of points to draw beside an estimate, with its axes' names."""

    name: str
    x_name: str
    y_name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What a figure of a probe means, said before anything is measured.

    `range` holds the smallest and largest possible values; `chance` is what blind guessing would give.
    A limit may stand on a primary metric, a floor on a competence metric; a diagnostic one is only shown.
    `terms` is the range of the terms whose mean the figure is, where that is another than the figure's own: the size
    of a mean gap lies between 0 and 1, its terms between -1 and 1.
    """

    name: str
    meaning: str
    worse: Worse = "higher"
    role: Role = "primary"
    range: tuple[float, float] = (0.0, 1.0)
    unit: str = "share"
    chance: float | None = None
    terms: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure with its interval: `low` and `high` each miss the truth with probability (1 - level) / 2 at most.

    `value` is None when nothing could be judged. `range` holds the smallest and largest possible values.
    `metric` is the name within the probe; the record prefixes it with `dimension.probe.`.
    `chance` is the value that blind guessing would give.
    """

    metric: str
    value: float | None
    low: float | None
    high: float | None
    level: float
    n: int
    missing: int
    clusters: int
    range: tuple[float, float]
    unit: str
    worse: Worse
    role: Role
    method: str
    correction: Correction = "none needed"
    groups: Groups = ()
    chance: float | None = None
    reason: str = ""
    curves: tuple[Curve, ...] = ()
