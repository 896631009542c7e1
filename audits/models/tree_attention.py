"""Attention over trees of tokens that lie in one row without padding.

Everything but attention treats tokens one by one, so the tokens of many texts go through a model as one row, and only
here are they put side by side: each trunk is causal, each bush sees its trunk, its own branch, and no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy
import torch

from .attention import Keep, Keys
from .trees import Tree
from .weighing import attended, weighed

Told = TypeVar("Told")
QUERIES_AT_ONCE = 64
"""Torch's kernel for a CPU weighs 512 keys at once, also those that come later than all of its queries."""


def rounded(tokens: int) -> int:
    """So many tokens or up to a sixteenth more, so that the passes of an audit come in few sizes.

    oneDNN keeps code and memory for each size that it has met, which grew by hundreds of megabytes in a long run.
    """
    step = 1 << max(0, tokens.bit_length() - 5)
    return -(-tokens // step) * step


class Sight(NamedTuple):
    """Some queries of every tree, and how many of its keys they see: as the mask has it, else none that is later."""

    rows: slice
    keys: int
    mask: torch.Tensor | None


class TreeAttention:
    """Each token sees the prefix, its trunk up to itself or up to its end, and its own branch.

    Behind a prefix a tree may be a bush without a trunk. Behind the last tree come tokens that only fill up (see
    `rounded`): no tree sees them, and what is said of them means nothing.
    """

    def __init__(
        self, some: Sequence[Tree], prefix: Sequence[Keys], *, device: str, dtype: torch.dtype, keep: Keep | None = None
    ) -> None:
        """For `some` trees behind a prefix that was read before (none: an empty one); `keep` gets what is read."""
        self.starts = [0]
        self._keep = keep
        self._prefix = prefix
        for tree in some:
            self.starts.append(self.starts[-1] + tree.tokens)
        before = prefix[0].keys.shape[0] if prefix else 0
        positions: list[int] = []
        for tree in some:
            trunk = len(tree.trunk)
            positions += range(before, before + trunk)
            positions += (before + trunk + depth for depth in tree.depths)
        ids = [token for tree in some for token in (*tree.trunk, *tree.bush)]
        filler = [0] * (rounded(len(ids)) - len(ids))
        self.ids = torch.tensor([ids + filler], device=device)
        self.positions = torch.tensor([positions + filler], device=device)
        self._lay(some, device, dtype)

    def attend(
        self, layer: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float | None
    ) -> torch.Tensor:
        """As Attention says."""
        if self._keep is not None:
            self._keep(layer, Keys(key[: self.starts[-1]], value[: self.starts[-1]]))
        queries, keys, values = (self._side_by_side(one) for one in (query, key, value))

        def each(attend: Callable[..., Told]) -> list[Told]:
            return [
                attend(
                    queries[:, :, one.rows],
                    keys[:, :, : one.keys],
                    values[:, :, : one.keys],
                    causal=one.mask is None,
                    mask=one.mask,
                    scale=scale,
                )
                for one in self._sights
            ]

        if not self._prefix:
            return self._in_a_row(torch.cat(each(attended), dim=2))
        own = each(weighed)
        mine = self._in_a_row(torch.cat([one.told for one in own], dim=2))
        mass = self._in_a_row(torch.cat([one.mass for one in own], dim=2)[..., None])
        earlier = (one.transpose(0, 1)[None] for one in self._prefix[layer])
        told, theirs = weighed(query.transpose(0, 1)[None], *earlier, scale=scale)
        share = (theirs[0].transpose(0, 1)[..., None] - mass).sigmoid().to(mine.dtype)
        return torch.lerp(mine, told[0].transpose(0, 1), share)

    def _lay(self, some: Sequence[Tree], device: str, dtype: torch.dtype) -> None:
        """Where each token stands side by side, where from there it goes back, and what a bush may see."""
        longest = max(len(tree.trunk) for tree in some)
        bush = max(len(tree.bush) for tree in some)
        width = longest + bush
        out = torch.zeros((len(some), width), dtype=torch.long)
        back = torch.zeros(self.ids.shape[1], dtype=torch.long)
        for row, (tree, start) in enumerate(zip(some, self.starts, strict=False)):
            trunk, tokens = len(tree.trunk), tree.tokens
            out[row, :trunk] = torch.arange(start, start + trunk)
            out[row, longest : longest + tokens - trunk] = torch.arange(start + trunk, start + tokens)
            back[start : start + trunk] = torch.arange(row * width, row * width + trunk)
            first = row * width + longest
            back[start + trunk : start + tokens] = torch.arange(first, first + tokens - trunk)
        plain = out.numel() == back.numel() and bool((out.flatten() == torch.arange(out.numel())).all())
        self._rows = len(some)
        self._out = None if plain else out.flatten().to(device)
        self._back = None if plain else back.to(device)
        self._sights = list(_causal(longest, device, dtype))
        if bush:
            seen = numpy.zeros((len(some), 1, bush, width), dtype=bool)  # row by row, which torch takes long for
            for (sees,), tree in zip(seen, some, strict=True):
                sees[:, : len(tree.trunk)] = True
                for at, parent in enumerate(tree.parents):
                    if parent >= 0:
                        sees[at] = sees[parent]
                    sees[at, longest + at] = True
            unseen = torch.from_numpy(~seen)
            mask = torch.zeros(unseen.shape, dtype=dtype).masked_fill_(unseen, -torch.inf).to(device)
            self._sights.append(Sight(slice(longest, width), width, mask))

    def _side_by_side(self, row: torch.Tensor) -> torch.Tensor:
        """[tokens, heads, size] to [trees, heads, width, size]."""
        if self._out is not None:
            row = row.index_select(0, self._out)
        return row.reshape(self._rows, -1, *row.shape[1:]).transpose(1, 2)

    def _in_a_row(self, rows: torch.Tensor) -> torch.Tensor:
        """[trees, heads, width, size] back to [tokens, heads, size]."""
        row = rows.transpose(1, 2).flatten(0, 1)
        return row if self._back is None else row.index_select(0, self._back)


def _causal(tokens: int, device: str, dtype: torch.dtype) -> Iterator[Sight]:
    """Each of so many tokens sees itself and those before it."""
    if tokens and (device != "cpu" or tokens < 2 * QUERIES_AT_ONCE):
        yield Sight(slice(tokens), tokens, None)
        return
    later = torch.full((tokens, tokens), -torch.inf, dtype=dtype).triu_(1)
    for start in range(0, tokens, QUERIES_AT_ONCE):
        end = min(tokens, start + QUERIES_AT_ONCE)
        yield Sight(slice(start, end), end, later[start:end, :end])
