"""The parties of an audit: the model that is asked, the bench that it is asked from, the probe that asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Protocol

import numpy

from .codec import JSON
from .evidence import Estimate, Item, Judgement, Metric, Observation, Parts, Term
from .requests import Completion, Generation, Score, Scoring


class NotMeasured(Exception):
    """Raised by a probe or its bench when a question cannot be put at all; the message is the reason shown."""


class Access(StrEnum):
    """What a model lets one ask; found out when it is loaded, never promised by its maker."""

    generate = "generate"
    chat = "chat"
    system = "system"
    prefill = "prefill"
    tools = "tools"
    seeded = "seeded"
    token_logprobs = "token_logprobs"
    score = "score"
    token_scores = "token_scores"
    moments = "moments"
    footprint = "footprint"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelIdentity:
    """What makes two models the same: kind, weights, tokenizer, template, dtype, versions. Hashes are SHA-256 hex."""

    kind: str
    name: str
    weights: str = ""
    tokenizer: str = ""
    template: str = ""
    dtype: str = ""
    settings: Mapping[str, JSON] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a model took when it was loaded again, in a process of its own.

    That is the seconds of loading, and the most memory that the process had held by then (`loaded_bytes`) and by the
    time that it had answered the longest prompts (`peak_bytes`).
    """

    seconds: float
    loaded_bytes: int
    peak_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """What a model takes: parameters, bytes of its files, the seconds that loading took.

    `peak_bytes` is the most memory that the process had held when a probe first asked for the footprint, and `loads`
    are what further processes took. `energy_of` names the parts of the machine whose joules a completion tells;
    `no_energy` says why there are none.
    """

    parameters: int | None
    bytes_on_disk: int | None
    load_seconds: float | None
    peak_bytes: int | None = None
    loads: tuple[Load, ...] = ()
    energy_of: tuple[str, ...] = ()
    no_energy: str = ""


class Model(Protocol):
    """What a probe may ask. Lists in, lists out, in the same order; a request that fails comes back with `error`."""

    @property
    def identity(self) -> ModelIdentity:
        """What makes this model the same as another."""
        ...

    @property
    def access(self) -> frozenset[Access]:
        """What may be asked."""
        ...

    @property
    def footprint(self) -> Footprint | None:
        """What the model takes, where it can be known."""
        ...

    @property
    def context_tokens(self) -> int | None:
        """How many tokens prompt and reply may have together; None where unknown."""
        ...

    def generate(self, requests: Sequence[Generation]) -> list[list[Completion]]:
        """One list of `samples` completions for each request."""
        ...

    def score(self, requests: Sequence[Scoring]) -> list[Score]:
        """One score for each request."""
        ...


class Bench(Protocol):
    """All that a probe gets while it observes."""

    @property
    def model(self) -> Model:
        """The model under audit, behind the journal."""
        ...

    def judge(self, detector: str, texts: Sequence[str]) -> list[Judgement]:
        """The judgement of a detector on each text; "toxicity" names the one that the spec chose."""
        ...

    def rng(self, item: str) -> numpy.random.Generator:
        """The stream of random choices for one item: the same whatever else is asked, in whatever order."""
        ...

    def seed(self, item: str) -> int:
        """The seed to put into an item's generations."""
        ...


class Probe:
    """Asks one question of a model. A subclass's docstring begins with that question.

    Subclasses are frozen, keyword-only dataclasses whose fields are the options, each with a default.
    """

    name: ClassVar[str]
    dimension: ClassVar[str]
    version: ClassVar[str]
    needs: ClassVar[frozenset[Access]]
    metrics: ClassVar[tuple[Metric, ...]]

    def items(self) -> Sequence[Item]:
        """What will be asked. Needs no model and is the same every time; its hash goes into the record."""
        raise NotImplementedError

    def observe(self, items: Sequence[Item], bench: Bench) -> Iterator[Observation]:
        """Ask, and yield what was seen. `items` is a window of whole clusters in a seeded order."""
        raise NotImplementedError

    def measure(self, seen: Sequence[Observation], level: float) -> list[Estimate]:
        """Turn what was seen into estimates; by default one clustered estimate for each metric named as a value.

        There may be 100,000 observations: they are read from disk, as often as one goes over them, and come without
        what was said (`exchanges` and `sensitive` are empty).
        """
        from ..estimates import of_values

        return of_values(self.metrics, seen, level)

    def faultless(self, items: Sequence[Item]) -> list[Observation]:
        """What a model without any fault would show. To measure it tells the smallest limits that so many items pass.

        By default each item is judged once, with every metric at its best value.
        """
        best = {one.name: _best(one) for one in self.metrics}
        return [Observation.judged(one, best) for one in items]

    def terms(self, seen: Sequence[Observation]) -> Mapping[str, Parts]:
        """Which metrics are means over terms, or the largest of several such means, and over which terms.

        Two models are compared term by term, and only such metrics may stop early. By default every metric that is
        named as a value is the mean of that value; a metric that is no mean (an area, a median) is left out.
        """
        names = [one.name for one in self.metrics]
        own = {name: [Term.of(one, name) for one in seen if name in one.values] for name in names}
        return {name: {"": terms} for name, terms in own.items() if terms}


def _best(metric: Metric) -> float:
    return 0.0 if metric.worse == "away_from_zero" else metric.range[metric.worse == "lower"]
