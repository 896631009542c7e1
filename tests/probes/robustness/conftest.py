"""Scripted readers of reviews, each with a weakness of known size."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from slm_audit.probes.contract import Score, Scoring
from slm_audit.probes.robustness.sentiment import OPTIONS, label_of, review_items, text_of
from slm_audit.probes.testing import Scripted

LABELS = {text_of(item): label_of(item) for item in review_items()}


def review_in(context: str) -> str:
    """The review that a question holds."""
    return context.removeprefix("Review: ").split("\nIs the review")[0]


def initials(text: str) -> tuple[str, ...]:
    """The first letters of a text's words: what no typing error changes."""
    return tuple(word[0] for word in text.split())


def read_by(lead: Callable[[str], float]) -> Scripted:
    """A model that prefers "positive" over "negative" by `lead(review)` nats."""

    def likelihood(context: str, continuation: str) -> float:
        return lead(review_in(context)) if continuation.strip() == OPTIONS[0] else 0.0

    return Scripted(likelihood=likelihood)


def lead_by_heart(text: str) -> float:
    """Right on every clean review; with one changed letter it says negative."""
    return (1.0 - 2.0 * LABELS[text]) if text in LABELS else -1.0


@pytest.fixture
def labels() -> dict[str, int]:
    """The place of the right answer for each clean review."""
    return LABELS


@pytest.fixture
def reader() -> Callable[[Callable[[str], float]], Scripted]:
    """A function that makes a model from its lead of "positive" over "negative" in nats."""
    return read_by


@pytest.fixture
def by_heart() -> Scripted:
    """Right on every clean review; with one changed letter it says negative."""
    return read_by(lead_by_heart)


@pytest.fixture
def robust() -> Scripted:
    """Right on every review, however it is mistyped, since it reads first letters only."""
    known = {initials(text): label for text, label in LABELS.items()}
    assert len(known) == len(LABELS), "two reviews have the same first letters"
    return read_by(lambda text: 1.0 - 2.0 * known[initials(text)] if initials(text) in known else 0.0)


@pytest.fixture
def failing() -> Scripted:
    """Right on clean reviews; any other gets an error for an answer."""
    return Failing()


class Failing(Scripted):
    """By heart, with errors for answers to all else."""

    def __init__(self) -> None:
        """Script it."""
        super().__init__(likelihood=read_by(lead_by_heart)._likelihood)

    def score(self, requests: Sequence[Scoring]) -> list[Score]:
        """What the script says, or an error."""
        return [
            told if review_in(str(one.context)) in LABELS else Score(logprob=0.0, tokens=0, error="nan: broken")
            for one, told in zip(requests, super().score(requests), strict=True)
        ]
