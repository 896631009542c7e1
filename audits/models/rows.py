"""One sample on its way: what was drawn so far, and whether it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

import torch

from ...probes.contract import Decoding
from .drawing import draw
from .tokens import Tokens


@dataclass(slots=True, kw_only=True)
class Row:
    """Where a sample started from, its noise, and what was drawn (log-probabilities in nats, only if `told`)."""

    place: int
    ids: tuple[int, ...]
    noise: list[float]
    told: bool = False
    drawn: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    finish: Literal["length", "stop", "nan"] = "length"
    seconds: float = 0.0
    first_token_seconds: float = 0.0
    joules: float | None = None

    def restart(self) -> None:
        """Forget what was drawn."""
        self.drawn, self.logprobs, self.finish = [], [], "length"
        self.seconds = self.first_token_seconds = 0.0


def advance(rows: Sequence[Row], logits: torch.Tensor, decoding: Decoding, tokens: Tokens) -> list[bool]:
    """Draw each row's next token from float32 logits [rows, vocabulary]; says which rows go on.

    A row whose logits are not finite ends as "nan".
    """
    broken = ~logits.sum(-1).isfinite()
    if bool(broken.any()):
        logits = torch.where(broken[:, None], torch.zeros_like(logits), logits)
    numbers = [one.noise[len(one.drawn)] for one in rows] if decoding.temperature else []
    chosen = draw(logits, decoding, numbers)
    likely = [0.0] * len(rows)
    if any(one.told for one in rows):
        at = logits.gather(-1, chosen[:, None]).squeeze(-1)
        likely = cast("list[float]", (at - logits.logsumexp(-1)).tolist())
    return [
        _goes_on(row, token, logprob, bad, tokens, decoding)
        for row, token, logprob, bad in zip(
            rows, cast("list[int]", chosen.tolist()), likely, cast("list[bool]", broken.tolist()), strict=True
        )
    ]


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
    return row.finish == "length" and len(row.drawn) < decoding.max_tokens
