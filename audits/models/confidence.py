"""How sure the small model of a cascade is of what it said."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ...probes.contract import JSON, Completion
from ...probes.detectors.detector import MAX_CHARACTERS, flat
from ...probes.detectors.refusal import Refusal, refuses

By = Literal["likelihood", "agreement", "refusal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """A rule that gives a probability, below `threshold` of which the larger model answers.

    By likelihood it is the geometric mean of the answer's token probabilities; by agreement the share of `samples`
    other texts that say the same (Wang et al. 2023, self-consistency); by refusal 0 for a refusal and 1 otherwise. An
    empty answer and an error have none.
    """

    by: By
    threshold: float
    samples: int = 5

    def facts(self) -> dict[str, JSON]:
        """What belongs to the pair's identity."""
        found: dict[str, JSON] = {"confidence": self.by, "threshold": self.threshold}
        if self.by == "agreement":
            found["samples"] = self.samples
        if self.by == "refusal":
            found["detector"] = Refusal.identity
        return found

    def enough(self, answer: Completion, drawn: Sequence[Completion]) -> bool:
        """Whether the answer stands, beside the other texts that were `drawn` for comparison."""
        return self.of(answer, drawn) >= self.threshold and _says_something(answer)

    def of(self, answer: Completion, drawn: Sequence[Completion]) -> float:
        """The confidence in an answer, 0 to 1."""
        if not _says_something(answer):
            return 0.0
        if self.by == "refusal":
            return 0.0 if refuses(answer.text[:MAX_CHARACTERS]) else 1.0
        if self.by == "agreement":
            return sum(_alike(answer.text) == _alike(one.text) for one in drawn if not one.error) / len(drawn)
        logprobs = answer.token_logprobs
        return math.exp(math.fsum(logprobs) / len(logprobs)) if logprobs else 0.0


def _says_something(answer: Completion) -> bool:
    return not answer.error and answer.finish != "filtered" and bool(answer.text.strip() or answer.calls)


def _alike(text: str) -> str:
    """What two texts that say the same have in common: their words, whatever the case and the points."""
    return " ".join(re.findall(r"\w+", flat(text))) or text.strip()
