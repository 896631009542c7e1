"""Attention of our own behind transformers' interface: what a pass attends by is chosen around it, thread by thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

import torch

from .lean import AttentionInterface

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
