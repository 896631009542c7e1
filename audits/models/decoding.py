"""Decode a batch of prompts step by step with the model's own cache."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, cast

import torch

from ...probes.contract import Decoding
from .drawing import Noise, draw
from .tokens import Tokens


class Told(Protocol):
    """What a forward pass gives: logits [rows, positions, vocabulary]; most also a cache, `past_key_values`."""

    logits: torch.Tensor


Forward = Callable[..., Told]


@dataclass(slots=True, kw_only=True)
class Row:
    """One sample on its way: where it started from, and what was drawn so far (log-probabilities in nats)."""

    place: int
    ids: list[int]
    noise: Noise
    drawn: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    finish: Literal["length", "stop", "nan"] = "length"
    seconds: float = 0.0
    first_token_seconds: float = 0.0


def decode(forward: Forward, tokens: Tokens, rows: Sequence[Row], decoding: Decoding, device: str) -> None:
    """Draw up to `max_tokens` for each row, in place; a row whose logits are not finite ends as "nan"."""
    started = time.perf_counter()
    ids, mask, positions = tokens.padded([row.ids for row in rows], device)
    going = set(range(len(rows)))
    cache: object = None
    for step in range(decoding.max_tokens):
        told = forward(
            input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True, keep=1
        )
        cache = getattr(told, "past_key_values", None)
        logits = told.logits[:, -1].float()
        broken = ~torch.isfinite(logits).all(-1)
        logits = torch.where(broken[:, None], torch.zeros_like(logits), logits)
        chosen = draw(logits, decoding, [row.noise for row in rows])
        likely = logits.log_softmax(-1).gather(-1, chosen[:, None]).squeeze(-1)
        now = time.perf_counter() - started
        for at, (token, logprob, bad) in enumerate(
            zip(
                cast("list[int]", chosen.tolist()),
                cast("list[float]", likely.tolist()),
                cast("list[bool]", broken.tolist()),
                strict=True,
            )
        ):
            if at in going and not _goes_on(rows[at], token, logprob, bad, tokens, decoding):
                going.discard(at)
                rows[at].seconds = now
            if step == 0:
                rows[at].first_token_seconds = now
        if not going:
            break
        mask = torch.cat([mask, torch.ones_like(mask[:, :1])], dim=1)
        following = positions[:, -1:] + 1
        if cache is None:  # recurrent models keep a state of another form: their whole text is read again
            ids, positions = torch.cat([ids, chosen[:, None]], dim=1), torch.cat([positions, following], dim=1)
        else:
            ids, positions = chosen[:, None], following
    for at in going:
        rows[at].seconds = time.perf_counter() - started


def _goes_on(row: Row, token: int, logprob: float, bad: bool, tokens: Tokens, decoding: Decoding) -> bool:
    if bad:
        row.finish = "nan"
    elif token in tokens.ends:
        row.finish = "stop"
    else:
        row.drawn.append(token)
        row.logprobs.append(logprob)
        if decoding.stop and any(one in tokens.said(row.ids, row.drawn) for one in decoding.stop):
            row.finish = "stop"
    return row.finish == "length"
