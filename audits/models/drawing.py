"""Draw the next token from logits so that a request's text depends on nothing but the request."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy
import torch

from ...probes.contract import Decoding

NEARLY_ALL = 256
BLOCK = 128  # divides most vocabularies, and what need not be padded is not copied


def noise(seed: int, prompt: Sequence[int], sample: int, steps: int) -> list[float]:
    """One number in [0, 1) for each step of a sample, from (seed, prompt, sample, step) alone; `prompt` holds ids."""
    said = f"{seed}|{sample}|{','.join(map(str, prompt))}"
    key = int.from_bytes(hashlib.sha256(said.encode()).digest()[:16], "little")
    numbers: list[float] = numpy.random.Generator(numpy.random.Philox(key=key)).random(steps).tolist()
    return numbers


def draw(logits: torch.Tensor, decoding: Decoding, numbers: Sequence[float]) -> torch.Tensor:
    """One token id a row, shape [rows]; `logits` is float32 [rows, vocabulary] and finite.

    Greedy at temperature 0. Otherwise by the inverse of the cumulative distribution at each row's number. Where the
    distribution is cut, it is that over tokens sorted by probability, cut to `top_k` tokens and then to the smallest
    set that holds `top_p` (Holtzman et al. 2020).
    """
    if decoding.temperature == 0:
        return logits.argmax(-1)
    at = torch.tensor(numbers, dtype=torch.float64, device=logits.device)[:, None]
    chances = (logits if decoding.temperature == 1 else logits / decoding.temperature).softmax(-1)
    if not decoding.top_k and decoding.top_p == 1:
        return _by_blocks(chances, at)
    heights, order = _ranked(chances, decoding)
    heights = heights.double()
    total = heights.cumsum(-1)
    if decoding.top_p < 1:
        kept = total - heights < decoding.top_p * (1.0 if not decoding.top_k else total[:, -1:])
        heights = heights.where(kept, torch.zeros_like(heights))
        total = heights.cumsum(-1)
    return order.gather(-1, _fallen(heights, total, at * total[:, -1:])).squeeze(-1)


def _by_blocks(chances: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """The token on which each number falls, found among blocks of tokens first: the whole is summed only once."""
    rows, vocabulary = chances.shape
    if vocabulary % BLOCK:
        chances = torch.nn.functional.pad(chances, (0, -vocabulary % BLOCK))
    chances = chances.view(rows, -1, BLOCK)
    heights = chances.sum(-1).double()
    total = heights.cumsum(-1)
    aim = at * total[:, -1:]
    block = _fallen(heights, total, aim)
    inside = chances[torch.arange(rows, device=block.device), block[:, 0]].double()
    aim = aim - (total - heights).gather(-1, block)
    return (block * BLOCK + _fallen(inside, inside.cumsum(-1), aim)).squeeze(-1)


def _fallen(heights: torch.Tensor, total: torch.Tensor, aim: torch.Tensor) -> torch.Tensor:
    """Where each aim falls among heights whose running sum is `total`, never on one of no height."""
    last = heights.shape[-1] - 1 - (heights > 0).flip(-1).int().argmax(-1, keepdim=True)
    return torch.minimum(torch.searchsorted(total, aim, right=True), last)


def _ranked(chances: torch.Tensor, decoding: Decoding) -> tuple[torch.Tensor, torch.Tensor]:
    """The likeliest tokens' probabilities in falling order, and the tokens: as many as the cuts can leave.

    Sorting the whole vocabulary would take most of a step's time; few tokens nearly always hold `top_p`.
    """
    vocabulary = chances.shape[-1]
    if decoding.top_k:
        return chances.topk(min(decoding.top_k, vocabulary), dim=-1)
    if decoding.top_p < 1 and vocabulary > NEARLY_ALL:
        heights, order = chances.topk(NEARLY_ALL, dim=-1)
        if bool((heights.sum(-1, dtype=torch.float64) >= decoding.top_p).all()):
            return heights, order
    return torch.sort(chances, dim=-1, descending=True, stable=True)
