"""The audited model as a text attack sees it, and what the attack may do to a text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..asking import Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What an adversary may do to a text: queries of the model, share of words changed, edit distance in letters."""

    queries: int
    words: float
    letters: int


class Victim:
    """A classifier over two answers, of which the first is always the right one for the item under attack.

    So an exact tie is read as the right answer, and never counts as a success of the attack. `answers` holds
    what was said of each text; `failed` the first reason why a text could not be answered.
    """

    def __init__(self, ask: Callable[[Sequence[str]], list[Choice]], right: int, text: str, choice: Choice) -> None:
        """Begin with the item's own text, whose answer is known; `right` is the right option's place."""
        self._ask = ask
        self._right = right
        self.answers: dict[str, Choice] = {text: choice}
        self.failed = ""
        self.model = self  # textattack looks at the class of what it attacks

    def __call__(self, texts: Sequence[str]) -> list[list[float]]:
        """A row of two shares for each text; a text that cannot be answered leaves the answer right."""
        fresh = [one for one in dict.fromkeys(texts) if one not in self.answers]
        if fresh:
            self.answers.update(zip(fresh, self._ask(fresh), strict=True))
        shares = [_share(self.lead(one)) for one in texts]
        return [[share, 1.0 - share] for share in shares]

    def lead(self, text: str) -> float | None:
        """By how many nats the right answer leads; None where the text could not be answered."""
        choice = self.answers[text]
        if choice.logprobs is None:
            self.failed = self.failed or choice.reason
            return None
        return choice.logprobs[self._right] - choice.logprobs[1 - self._right]


def _share(lead: float | None) -> float:
    """A share that keeps the order of leads: a probability would be 1 for all sure answers in textattack's float32."""
    return 1.0 if lead is None else 0.5 + 0.5 * lead / (1.0 + abs(lead))
