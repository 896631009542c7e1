"""Decode a batch of prompts step by step with the model's own cache: the plain way, for any causal model."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import torch

from ...probes.contract import Decoding
from .network import Told
from .rows import Row, advance
from .tokens import Tokens

Forward = Callable[..., Told]


def decode(forward: Forward, tokens: Tokens, rows: Sequence[Row], decoding: Decoding, device: str) -> None:
    """Draw up to `max_tokens` for each row, in place."""
    started = time.perf_counter()
    ids, mask, positions = tokens.padded([row.ids for row in rows], device)
    going = list(range(len(rows)))
    last = torch.zeros((len(rows), 1), dtype=torch.long)
    cache: object = None
    for step in range(decoding.max_tokens):
        told = forward(
            input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True, keep=1
        )
        cache = getattr(told, "past_key_values", None)
        drawing = [rows[at] for at in going]
        on = advance(drawing, told.logits[going, -1].float(), decoding, tokens)
        now = time.perf_counter() - started
        for row in drawing:
            row.seconds = now
            if step == 0:
                row.first_token_seconds = now
        going = [at for at, goes in zip(going, on, strict=True) if goes]
        if not going:
            break
        last[going, 0] = torch.tensor([rows[at].drawn[-1] for at in going])
        mask = torch.cat([mask, torch.ones_like(mask[:, :1])], dim=1)
        chosen, following = last.to(device), positions[:, -1:] + 1
        if cache is None:  # recurrent models keep a state of another form: their whole text is read again
            ids, positions = torch.cat([ids, chosen], dim=1), torch.cat([positions, following], dim=1)
        else:
            ids, positions = chosen, following
