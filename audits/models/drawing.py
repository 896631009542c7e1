"""Draw the next token from logits so that a request's text depends on nothing but the request."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy
import torch

from ...probes.contract import Decoding


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
    ranked, order = torch.sort(logits / decoding.temperature, dim=-1, descending=True, stable=True)
    if decoding.top_k:
        ranked, order = ranked[:, : decoding.top_k], order[:, : decoding.top_k]
    heights = ranked.double().softmax(-1)
    total = heights.cumsum(-1)
    if decoding.top_p < 1:
        heights = heights.masked_fill(total - heights >= decoding.top_p, 0.0)
        total = heights.cumsum(-1)
    aim = torch.tensor([[one.next()] for one in noise], dtype=torch.float64, device=logits.device) * total[:, -1:]
    place = torch.searchsorted(total, aim, right=True).clamp(max=total.shape[1] - 1)
    last = (heights > 0).sum(-1, keepdim=True) - 1
    return order.gather(-1, torch.minimum(place, last)).squeeze(-1)
