"""How a request list falls into batches: each is answered whole and committed whole, whatever the number of workers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

TOKENS_A_BATCH = 32_768
ROWS_A_BATCH = 1024


class Sized(NamedTuple):
    """Requests as the batch planner sees them: only those of one `kind` share a batch."""

    kind: str
    alone: bool
    tokens: int
    rows: int
    places: list[int]


def planned(some: Sequence[Sized]) -> list[list[int]]:
    """The places of each batch: requests of one kind together, the longest first, up to a size."""
    plan: list[Sized] = []
    for one in sorted(some, key=lambda one: (one.kind, one.alone, -one.tokens // max(1, one.rows), one.places[0])):
        last = plan[-1] if plan else None
        if (
            last is not None
            and (last.kind, last.alone) == (one.kind, False)
            and last.tokens + one.tokens <= TOKENS_A_BATCH
            and last.rows + one.rows <= ROWS_A_BATCH
        ):
            plan[-1] = last._replace(
                tokens=last.tokens + one.tokens, rows=last.rows + one.rows, places=[*last.places, *one.places]
            )
        else:
            plan.append(one)
    return [one.places for one in plan]
