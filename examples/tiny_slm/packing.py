"""Pack whole documents into rows of a fixed number of tokens; no document is cut."""

from collections.abc import Iterator
from random import Random


def rows(documents: list[list[int]], width: int, pad: int, window: int = 256) -> Iterator[list[int]]:
    """Rows of `width` tokens, each filled with whole documents in about the order given.

    The next document always opens a row; the longest of the following `window` documents that still fits is
    taken until none does, and the rest is padding. A document longer than a row is left out.
    """
    waiting: list[list[int]] = []
    source = iter(d for d in documents if len(d) <= width)
    for document in source:
        waiting.append(document)
        if len(waiting) >= window:
            yield _fill(waiting, width, pad)
    while waiting:
        yield _fill(waiting, width, pad)


def _fill(waiting: list[list[int]], width: int, pad: int) -> list[int]:
    row = list(waiting.pop(0))
    while len(row) < width:
        room = width - len(row)
        best = max((i for i, d in enumerate(waiting) if len(d) <= room), key=lambda i: len(waiting[i]), default=None)
        if best is None:
            break
        row += waiting.pop(best)
    return row + [pad] * (width - len(row))


def shuffled_batches(packed: list[list[int]], size: int, rng: Random) -> Iterator[list[list[int]]]:
    """Batches of `size` rows in the order of the rows; rows of one batch are shuffled."""
    for i in range(0, len(packed) - size + 1, size):
        batch = packed[i : i + size]
        rng.shuffle(batch)
        yield batch
