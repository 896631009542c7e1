"""What logits say of wanted tokens: their log-probabilities, whether each was the first choice, and two moments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

import torch

from .tokens import Continued


class Asked(NamedTuple):
    """A text whose last `scored` tokens are to be scored, and whether the moments of each step are wanted."""

    text: Continued
    moments: bool


class Scored(NamedTuple):
    """One scored text: nats of each token, whether all were first choices, and each step's mean and variance."""

    logprobs: tuple[float, ...]
    greedy: bool
    means: tuple[float, ...] | None = None
    variances: tuple[float, ...] | None = None


class Steps(NamedTuple):
    """What is said of single tokens, each [tokens]; the moments are NaN where they were not wanted."""

    logprobs: torch.Tensor
    first: torch.Tensor
    means: torch.Tensor
    variances: torch.Tensor


def steps(
    logits_of: Callable[[slice], torch.Tensor], rows: torch.Tensor, tokens: torch.Tensor, *, most: int, moments: bool
) -> Steps:
    """What the logits in each of `rows` say of the token beside it in `tokens`; both are int64 of one length.

    `logits_of` gives float32 logits [rows, vocabulary] of a slice of rows; as many as `most` at a time.
    """
    nothing = torch.full(tokens.shape, torch.nan, device=tokens.device)
    found = Steps(nothing, nothing.bool(), nothing.clone(), nothing.clone())
    for start in range(0, int(rows.max()) + 1, most):
        logits = logits_of(slice(start, start + most))
        here = ((rows >= start) & (rows < start + most)).nonzero().squeeze(-1)
        at, wanted = rows[here] - start, tokens[here]
        likely = logits.log_softmax(-1)
        found.logprobs[here] = likely[at, wanted]
        found.first[here] = logits[at, wanted] >= logits.amax(-1)[at]
        if moments:
            chances = likely.exp()
            mean = (chances * likely).sum(-1)
            found.means[here] = mean[at]
            found.variances[here] = (chances * (likely - mean[:, None]) ** 2).sum(-1)[at]
    return found


def scored(found: Steps, lengths: Sequence[int], moments: Sequence[bool]) -> list[Scored | None]:
    """The steps of texts that lie one behind the other, text by text; None where a number is not finite."""
    columns = [cast("list[float]", one.double().tolist()) for one in (found.logprobs, found.means, found.variances)]
    firsts, finite = found.first.tolist(), torch.isfinite(found.logprobs).tolist()
    texts: list[Scored | None] = []
    start = 0
    for length, more in zip(lengths, moments, strict=True):
        part = slice(start, start + length)
        start += length
        logprobs, means, variances = (tuple(one[part]) for one in columns)
        text = Scored(logprobs, all(firsts[part]), means if more else None, variances if more else None)
        texts.append(text if all(finite[part]) else None)
    return texts
