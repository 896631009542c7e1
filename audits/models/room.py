"""How much a worker may take on at once. On a CPU too much raises nothing, the system kills: it is bounded before."""

from __future__ import annotations

from dataclasses import dataclass

from .attention import Keys
from .passing import Passing
from .resources import free_bytes, growth
from .trees import Tree

TOKENS_ON_A_CPU = 1024  # more would not stay in its caches
TOKENS_ELSEWHERE = 16_384
FEWEST_TOKENS = 16
ROWS_IN_FLIGHT = 64
TRIED = 128
LOGITS_AT_ONCE = 6_000_000  # numbers: below the size at which every chunk would be fresh memory from the system
BYTES_A_LOGIT = 12  # the logits, what is made of them, and a sum on the way


@dataclass(slots=True, kw_only=True)
class Room:
    """Bounds for one worker: `share` bytes for what a pass makes, `kept` a token for its keys and values."""

    share: int | None
    tokens: int
    kept: int
    logits: int
    most_rows: int = ROWS_IN_FLIGHT

    @property
    def rows_of_logits(self) -> int:
        """How many rows of logits may be there at once."""
        most = LOGITS_AT_ONCE * BYTES_A_LOGIT
        return max(1, (most if self.share is None else min(most, self.share // 4)) // self.logits)

    def rows(self, positions: int) -> int:
        """How many samples of so many positions may be in flight."""
        if self.share is None:
            return self.most_rows
        return max(1, min(self.most_rows, self.share // 2 // (positions * self.kept + self.logits)))

    def shrink(self) -> bool:
        """Halve what is taken on at once, after memory ran out; False when nothing is left to halve."""
        if self.tokens <= FEWEST_TOKENS:
            return False
        self.tokens //= 2
        self.most_rows = max(1, self.most_rows // 2)
        return True


def measured(passing: Passing, workers: int, vocabulary: int, memory: int | None) -> Room:
    """The room for each of so many workers in `memory` bytes; by default in all that is free.

    ValueError if the network does not attend by our function.
    """
    tree = Tree(tuple(at % vocabulary for at in range(TRIED)))
    read: dict[int, Keys] = {}
    attention = passing.trees([tree], [], keep=read.__setitem__)
    taken = growth(lambda: passing.read(attention.ids, attention.positions, attention))
    if len(read) != passing.layers:
        raise ValueError("not every layer attends by the registered function")
    kept = sum(part.numel() * part.element_size() for one in read.values() for part in one) // TRIED
    logits = vocabulary * BYTES_A_LOGIT
    if passing.device != "cpu":
        return Room(share=None, tokens=TOKENS_ELSEWHERE, kept=kept, logits=logits)
    free = memory if memory is not None else free_bytes()
    if free is None:
        return Room(share=None, tokens=TOKENS_ON_A_CPU, kept=kept, logits=logits)
    share = free // 2 // workers
    each = max(kept, (taken or 0) // TRIED, 1)
    tokens = max(FEWEST_TOKENS, min(TOKENS_ON_A_CPU, share // 2 // each))
    return Room(share=share, tokens=tokens, kept=kept, logits=logits)
