"""Attention over trees of tokens that lie in one row without padding, behind transformers' own interface.

Everything but attention treats tokens one by one, so the tokens of many texts go through a model as one row, and only
here are they put side by side: each trunk is causal, each bush sees its trunk, its own branch, and no other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, Protocol

import numpy
import torch
from torch.nn.functional import scaled_dot_product_attention

from .lean import AttentionInterface
from .trees import Tree

NAME = "slm_audit"
UNKNOWN = ("sliding_window", "softcap", "s_aux", "position_bias", "head_mask")


class Unsupported(Exception):
    """A model asks of its attention what this one cannot do."""


class Keys(NamedTuple):
    """What a layer keeps of tokens that were read: keys and values, each [tokens, heads, size]."""

    keys: torch.Tensor
    values: torch.Tensor


Keep = Callable[[int, Keys], object]
"""Takes what a layer, by its number, keeps of the tokens of a pass."""


class Attention(Protocol):
    """Who may see whom in one forward pass."""

    def attend(
        self, layer: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float | None
    ) -> torch.Tensor:
        """All [tokens, heads, size], and so is what comes back."""
        ...


class _Current(threading.local):
    attention: Attention | None = None


_current = _Current()


@contextmanager
def attending(attention: Attention) -> Iterator[None]:
    """Every forward pass of this thread attends so."""
    _current.attention = attention
    try:
        yield
    finally:
        _current.attention = None


def _attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    **more: object,
) -> tuple[torch.Tensor, None]:
    odd = [name for name in UNKNOWN if more.get(name) is not None]
    if odd or attention_mask is not None or _current.attention is None:
        raise Unsupported(f"attention with {', '.join(odd) or 'a mask of its own'}")
    layer = module.layer_idx
    assert isinstance(layer, int)
    queries, keys, values = (one[0].transpose(0, 1) for one in (query, key, value))
    return _current.attention.attend(layer, queries, keys, values, scaling)[None], None


AttentionInterface.register(NAME, _attend)


def rounded(tokens: int) -> int:
    """So many tokens or up to a sixteenth more, so that the passes of an audit come in few sizes.

    oneDNN keeps code and memory for each size that it has met, which grew by hundreds of megabytes in a long run.
    """
    step = 1 << max(0, tokens.bit_length() - 5)
    return -(-tokens // step) * step


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
        at = self._trunk
        trunk = (queries[:, :, :at], keys[:, :, :at], values[:, :, :at])
        if not self._prefix:
            parts = [_sdpa(*trunk, causal=True, scale=scale)]
            if self._mask is not None:
                parts.append(_sdpa(queries[:, :, at:], keys, values, mask=self._mask, scale=scale))
            return self._in_a_row(torch.cat(parts, dim=2))
        own = [weighed(*trunk, causal=True, scale=scale)] if at else []
        if self._mask is not None:
            own.append(weighed(queries[:, :, at:], keys, values, mask=self._mask, scale=scale))
        mine = self._in_a_row(torch.cat([one.told for one in own], dim=2))
        mass = self._in_a_row(torch.cat([one.mass for one in own], dim=2)[..., None])
        earlier = (one.transpose(0, 1)[None] for one in self._prefix[layer])
        told, theirs = weighed(query.transpose(0, 1)[None], *earlier, scale=scale)
        share = (theirs[0].transpose(0, 1)[..., None] - mass).sigmoid().to(mine.dtype)
        return torch.lerp(mine, told[0].transpose(0, 1), share)

    def _lay(self, some: Sequence[Tree], device: str, dtype: torch.dtype) -> None:
        """Where each token stands side by side, where from there it goes back, and what a bush may see."""
        self._trunk = max(len(tree.trunk) for tree in some)
        bush = max(len(tree.bush) for tree in some)
        width = self._trunk + bush
        out = torch.zeros((len(some), width), dtype=torch.long)
        back = torch.zeros(self.ids.shape[1], dtype=torch.long)
        for row, (tree, start) in enumerate(zip(some, self.starts, strict=False)):
            trunk, tokens = len(tree.trunk), tree.tokens
            out[row, :trunk] = torch.arange(start, start + trunk)
            out[row, self._trunk : self._trunk + tokens - trunk] = torch.arange(start + trunk, start + tokens)
            back[start : start + trunk] = torch.arange(row * width, row * width + trunk)
            first = row * width + self._trunk
            back[start + trunk : start + tokens] = torch.arange(first, first + tokens - trunk)
        plain = out.numel() == back.numel() and bool((out.flatten() == torch.arange(out.numel())).all())
        self._rows = len(some)
        self._out = None if plain else out.flatten().to(device)
        self._back = None if plain else back.to(device)
        self._mask: torch.Tensor | None = None
        if bush:
            seen = numpy.zeros((len(some), 1, bush, width), dtype=bool)  # row by row, which torch takes long for
            for (sees,), tree in zip(seen, some, strict=True):
                sees[:, : len(tree.trunk)] = True
                for at, parent in enumerate(tree.parents):
                    if parent >= 0:
                        sees[at] = sees[parent]
                    sees[at, self._trunk + at] = True
            unseen = torch.from_numpy(~seen)
            self._mask = torch.zeros(unseen.shape, dtype=dtype).masked_fill_(unseen, -torch.inf).to(device)

    def _side_by_side(self, row: torch.Tensor) -> torch.Tensor:
        """[tokens, heads, size] to [trees, heads, width, size]."""
        if self._out is not None:
            row = row.index_select(0, self._out)
        return row.reshape(self._rows, -1, *row.shape[1:]).transpose(1, 2)

    def _in_a_row(self, rows: torch.Tensor) -> torch.Tensor:
        """[trees, heads, width, size] back to [tokens, heads, size]."""
        row = rows.transpose(1, 2).flatten(0, 1)
        return row if self._back is None else row.index_select(0, self._back)


def _sdpa(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    *,
    causal: bool = False,
    mask: torch.Tensor | None = None,
    scale: float | None,
) -> torch.Tensor:
    grouped = query.shape[1] != key.shape[1]
    return scaled_dot_product_attention(
        query, key, value, attn_mask=mask, is_causal=causal, scale=scale, enable_gqa=grouped
    )


class Weighed(NamedTuple):
    """What attention to some keys told, and the logarithm of the mass they had: [rows, heads, queries(, size)]."""

    told: torch.Tensor
    mass: torch.Tensor


def weighed(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    *,
    causal: bool = False,
    mask: torch.Tensor | None = None,
    scale: float | None,
) -> Weighed:
    """Attention whose result can be joined with attention to other keys."""
    if query.device.type == "cpu":
        flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
        return Weighed(*flash(query, key, value, 0.0, causal, attn_mask=mask, scale=scale))
    group = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(group, 1), value.repeat_interleave(group, 1)
    heights = (query @ key.transpose(-1, -2)).float() * (scale or query.shape[-1] ** -0.5)
    if causal:
        later = torch.ones(heights.shape[-2:], dtype=torch.bool, device=heights.device).triu(1)
        heights = heights.masked_fill(later, -torch.inf)
    if mask is not None:
        heights = heights + mask
    return Weighed(heights.softmax(-1).to(value.dtype) @ value, heights.logsumexp(-1))
