"""Whether a server can be told to draw from all tokens: many draw from the likeliest alone unless they are told.

llama.cpp, for one, keeps 40 tokens and of these only what has a twentieth of the first one's probability.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from ....probes.contract import Completion


@dataclass(frozen=True, slots=True)
class Cut:
    """A field that cuts the distribution: the value that leaves one token, and those that may stand for all."""

    field: str
    one: float
    all: tuple[float, ...]


CUTS = (Cut("top_p", 1e-6, (1.0,)), Cut("top_k", 1, (-1, 0)), Cut("min_p", 1.0, (0.0,)))


async def untruncated(
    ask: Callable[[int, Mapping[str, object]], Awaitable[Completion | None]], seeds: Sequence[int]
) -> dict[str, object]:
    """The fields by which this server draws from all tokens, with their values; only such as it heeds.

    `ask` draws a text with a seed and further fields. With `seeds` it said different things before: under a field that
    leaves one token it must say the same.
    """
    found: dict[str, object] = {}
    for cut in CUTS:
        texts = [await ask(seed, {cut.field: cut.one}) for seed in seeds]
        if None in texts or len({one.text for one in texts if one}) > 1:
            continue
        for value in cut.all:
            if await ask(seeds[0], {cut.field: value}) is not None:
                found[cut.field] = value
                break
    return found
