"""For those who write probes: a scripted model, a bench without a journal, and a check of any probe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy

from .contract import (
    Access,
    Completion,
    Estimate,
    Footprint,
    Generation,
    Item,
    Judgement,
    Message,
    Model,
    ModelIdentity,
    Observation,
    Probe,
    Score,
    Scoring,
    canonical,
    from_json,
    to_json,
)
from .registry import checked, full_name
from .streams import seed_of, stream

ALL_TEXT = frozenset({Access.generate, Access.prefill, Access.seeded, Access.token_logprobs, Access.score})


class Scripted:
    """A model that says what a function makes it say.

    `reply` gets the prompt as text (the last message of a chat) and the sample's index; `likelihood` gets
    context and continuation and gives a log-probability in nats. Ask about what was asked in `heard`.
    """

    def __init__(
        self,
        reply: str | Callable[[str, int], str] = "",
        likelihood: Callable[[str, str], float] = lambda _context, text: -float(len(text)),
        *,
        access: frozenset[Access] = ALL_TEXT,
        name: str = "scripted",
    ) -> None:
        """Script the model; `name` is part of its identity."""
        self._reply = reply if callable(reply) else lambda _prompt, _sample: str(reply)
        self._likelihood = likelihood
        self.identity = ModelIdentity(kind="scripted", name=name)
        self.access = access
        self.footprint: Footprint | None = None
        self.context_tokens: int | None = None
        self.heard: list[Generation | Scoring] = []

    def generate(self, requests: Sequence[Generation]) -> list[list[Completion]]:
        """What the script says, one token a word."""
        self.heard += requests
        return [[self._completion(one, sample) for sample in range(one.samples)] for one in requests]

    def score(self, requests: Sequence[Scoring]) -> list[Score]:
        """What the script says."""
        self.heard += requests
        return [
            Score(
                logprob=self._likelihood(_plain(one.context), one.continuation),
                tokens=max(1, len(one.continuation.split())),
            )
            for one in requests
        ]

    def _completion(self, asked: Generation, sample: int) -> Completion:
        text = self._reply(_plain(asked.prompt) + asked.prefill, sample)
        tokens = max(1, len(text.split()))
        logprobs = (-0.1,) * tokens if asked.token_logprobs else None
        return Completion(text=text, finish="stop", tokens=tokens, prompt_tokens=1, token_logprobs=logprobs)


def _plain(prompt: str | tuple[Message, ...]) -> str:
    return prompt if isinstance(prompt, str) else prompt[-1].content


class PlainBench:
    """The contract's Bench without a journal: real detectors, seeded streams."""

    def __init__(self, model: Model, *, seed: int = 0, probe: str = "") -> None:
        """Bind a model and a seed."""
        self.model = model
        self._seed = seed
        self._probe = probe

    def judge(self, detector: str, texts: Sequence[str]) -> list[Judgement]:
        """The judgement of the shipped detector of that kind."""
        from .detectors import open_detector

        return open_detector(detector).judge(texts)

    def rng(self, item: str) -> numpy.random.Generator:
        """The item's own stream."""
        return stream(self._seed, self._probe, item)

    def seed(self, item: str) -> int:
        """The item's own seed."""
        return seed_of(self._seed, self._probe, item)


def observe(probe: Probe, model: Model, *, most_items: int | None = None, seed: int = 0) -> list[Observation]:
    """What a probe sees of a model, asked in one window."""
    items = list(probe.items())[:most_items]
    return list(probe.observe(items, PlainBench(model, seed=seed, probe=full_name(probe))))


def measure(
    probe: Probe, model: Model, *, most_items: int | None = None, seed: int = 0, level: float = 0.95
) -> dict[str, Estimate]:
    """A probe's ungrouped estimates of a model, by metric."""
    found = probe.measure(observe(probe, model, most_items=most_items, seed=seed), level)
    return {one.metric: one for one in found if not one.groups}


def check_probe(probe: Probe, model: Model | None = None, *, most_items: int = 40) -> None:
    """Raise AssertionError, with the reason, where a probe breaks the contract.

    It asks a question; its items are unique and the same every time; the same seed gives the same
    observations; they speak of its own items; every value is named by a metric or judged for one; each estimate
    bears a declared name, lies in its range and holds its value between its bounds; a figure that the probe calls
    a mean of terms, or the largest of such means, is one; and what it calls faultless can be measured.
    """
    model = model or Scripted("It may be so.")
    checked(type(probe), full_name(probe))
    items = list(probe.items())
    assert items, f"{full_name(probe)} has no items"
    assert items == list(probe.items()), "items() differs between two calls"
    assert len({one.id for one in items}) == len(items), "two items have the same id"
    assert all(from_json(Item, to_json(one)) == one for one in items), "an item does not survive JSON"
    seen = observe(probe, model, most_items=most_items)
    again = observe(probe, model, most_items=most_items)
    assert seen, "nothing was observed"
    assert canonical(seen) == canonical(again), "the same seed gives other observations"
    known = {one.id for one in items}
    assert {one.item for one in seen} <= known, "an observation speaks of an item that there is not"
    metrics = {one.name: one for one in probe.metrics}
    seen = [replace(one, exchanges=(), sensitive=()) for one in seen]  # as an audit gives them to measure
    for level in (0.9, 0.95):
        for one in probe.measure(seen, level):
            assert one.metric in metrics, f"the estimate {one.metric} is not declared in metrics"
            _check_estimate(replace(one, metric=one.metric), level)
    _check_terms(probe, seen)
    _check_faultless(probe, items)
    for one in probe.measure([], 0.95):
        assert one.value is None, f"{one.metric} has a value though nothing was observed"


def _check_estimate(one: Estimate, level: float) -> None:
    assert one.level == level, f"{one.metric} was measured at level {one.level}, not {level}"
    lowest, highest = one.range
    for bound in (one.value, one.low, one.high):
        assert bound is None or lowest - 1e-9 <= bound <= highest + 1e-9, f"{one.metric} leaves its range"
    if one.value is not None and one.low is not None and one.high is not None:
        assert one.low - 1e-9 <= one.value <= one.high + 1e-9, f"{one.metric} lies outside its own interval"


def _check_terms(probe: Probe, seen: Sequence[Observation]) -> None:
    metrics = {one.name: one for one in probe.metrics}
    whole = {one.metric: one for one in probe.measure(seen, 0.95) if not one.groups}
    assert probe.terms([]) == {}, "there are terms though nothing was observed"
    for name, parts in probe.terms(seen).items():
        assert name in whole, f"terms names {name}, which is not declared in metrics"
        means = []
        for part, terms in parts.items():
            places = [(one.item, one.arm) for one in terms]
            assert len(set(places)) == len(places), f"{name} {part}: two terms have the same item and arm"
            known = [one.value for one in terms if one.value is not None]
            lowest, highest = metrics[name].terms or whole[name].range
            assert all(lowest <= value <= highest for value in known), f"a term of {name} leaves its range"
            means += [sum(known) / len(known)] if known else []
        value = whole[name].value
        if whole[name].correction in ("none needed", "uncorrected") and value is not None:
            assert means and abs(max(means) - value) < 1e-9, f"{name} is {value}, but its terms have the mean {means}"


def _check_faultless(probe: Probe, items: Sequence[Item]) -> None:
    best = {one.metric: one for one in probe.measure(probe.faultless(items), 0.95) if not one.groups}
    for metric in probe.metrics:
        if metric.role == "primary":
            found = best.get(metric.name)
            assert found is not None and found.value is not None, f"faultless shows no {metric.name}; override it"
            assert found.missing == 0, f"faultless leaves {metric.name} unjudged in part"
