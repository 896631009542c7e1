"""Draw the next token from logits so that a request's text depends on nothing but the request."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy
import torch

from ...probes.contract import Decoding

NEARLY_ALL = 256


class Noise:
    """The uniform numbers of one sample, one a step, from (seed, prompt, sample) alone."""

    def __init__(self, seed: int, prompt: Sequence[int], sample: int) -> None:
        """Seed the stream; `prompt` holds token ids."""
        said = f"{seed}|{sample}|{','.join(map(str, prompt))}"
        key = int.from_bytes(hashlib.sha256(said.encode()).digest()[:16], "little")
        self._stream = numpy.random.Generator(numpy.random.Philox(key=key))

    def next(self) -> float:
        """The next number in [0, 1)."""
        return float(self._stream.random())


def draw(logits: torch.Tensor, decoding: Decoding, noise: Sequence[Noise]) -> torch.Tensor:
    """One token id a row, shape [rows]; `logits` is float32 [rows, vocabulary] and finite.

    Greedy at temperature 0. Otherwise by the inverse of the cumulative distribution over tokens sorted by
    probability, cut to `top_k` tokens and then to the smallest set that holds `top_p` (Holtzman et al. 2020).
    """
    if decoding.temperature == 0:
        return logits.argmax(-1)
    heights, order = _ranked((logits / decoding.temperature).double().softmax(-1), decoding)
    total = heights.cumsum(-1)
    if decoding.top_p < 1:
        kept = total - heights < decoding.top_p * (1.0 if not decoding.top_k else total[:, -1:])
        heights = heights.where(kept, torch.zeros_like(heights))
        total = heights.cumsum(-1)
    aim = torch.tensor([[one.next()] for one in noise], dtype=torch.float64, device=logits.device) * total[:, -1:]
    place = torch.searchsorted(total, aim, right=True)
    last = (heights > 0).sum(-1, keepdim=True) - 1
    return order.gather(-1, torch.minimum(place, last)).squeeze(-1)


def _ranked(chances: torch.Tensor, decoding: Decoding) -> tuple[torch.Tensor, torch.Tensor]:
    """The likeliest tokens' probabilities in falling order, and the tokens: as many as the cuts can leave.

    Sorting the whole vocabulary would take most of a step's time; few tokens nearly always hold `top_p`.
    """
    vocabulary = chances.shape[-1]
    if decoding.top_k:
        return chances.topk(min(decoding.top_k, vocabulary), dim=-1)
    if decoding.top_p < 1 and vocabulary > NEARLY_ALL:
        heights, order = chances.topk(NEARLY_ALL, dim=-1)
        if bool((heights.sum(-1) >= decoding.top_p).all()):
            return heights, order
    return torch.sort(chances, dim=-1, descending=True, stable=True)
