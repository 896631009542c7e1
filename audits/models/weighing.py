"""Attention of side by side rows, and what it takes to join it with attention to other keys."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.nn.functional import scaled_dot_product_attention


def attended(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    *,
    causal: bool = False,
    mask: torch.Tensor | None = None,
    scale: float | None,
) -> torch.Tensor:
    """Attention, all [rows, heads, tokens, size]; a mask is added to what is weighed."""
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
