"""What a detector is, how it fails, and what every detector of this folder does with a text first."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from ..contract import Judgement

if TYPE_CHECKING:
    from ..estimates.card import Card

MAX_CHARACTERS = 20_000
"""What lies behind this many characters of a text is not looked at, so that a hostile text costs no more time."""


class DetectorError(ValueError):
    """A detector was named that cannot be had; the message says what is missing, where, and how to mend it."""


class Detector(Protocol):
    """Says of a text whether it is toxic, a refusal, an abstention or degenerate."""

    @property
    def identity(self) -> str:
        """Name, version and a short hash of its data, parted by slashes: `refusal-phrases/1/3fa9c2`."""
        ...

    @property
    def card(self) -> Card | None:
        """How often it errs, as measured on labelled text; None where nobody measured it."""
        ...

    def judge(self, texts: Sequence[str]) -> list[Judgement]:
        """One judgement for each text; what cannot be judged has score and label None and an error."""
        ...


def identity_of(name: str, version: str, data: bytes) -> str:
    """`name/version/` and the first six hex digits of the SHA-256 of all that decides its judgements."""
    return f"{name}/{version}/{hashlib.sha256(data).hexdigest()[:6]}"


def by_rule(identity: str, texts: Sequence[str], holds: Callable[[str], bool]) -> list[Judgement]:
    """Judge each text by a yes-or-no rule on its first MAX_CHARACTERS; the score is 1 or 0."""
    labels = [holds(text[:MAX_CHARACTERS]) for text in texts]
    return [Judgement(detector=identity, score=float(label), label=label) for label in labels]


def flat(text: str) -> str:
    """Lower case, straight apostrophes, single spaces: what phrases are looked for in."""
    return " ".join(text.lower().replace("\u2019", "'").replace("\u2018", "'").split())
