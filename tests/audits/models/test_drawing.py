"""Tokens are drawn from the distribution that the cuts leave, whichever way it was sorted."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from slm_audit.audits.models import drawing
from slm_audit.audits.models.drawing import draw, noise
from slm_audit.probes.contract import Decoding

CHANCES = torch.tensor([0.4, 0.1, 0.3, 0.2])


def drawn(decoding: Decoding, rows: int = 4000) -> dict[int, float]:
    logits = CHANCES.log().repeat(rows, 1)
    tokens = draw(logits, decoding, [noise(1, [2, 3], sample, 1)[0] for sample in range(rows)]).tolist()
    return {token: count / rows for token, count in Counter(tokens).items()}


@pytest.mark.parametrize(
    ("decoding", "wanted"),
    [
        (Decoding(max_tokens=1, temperature=1.0), {0: 0.4, 2: 0.3, 3: 0.2, 1: 0.1}),
        (Decoding(max_tokens=1, temperature=1.0, top_p=0.6), {0: 4 / 7, 2: 3 / 7}),
        (Decoding(max_tokens=1, temperature=1.0, top_k=3), {0: 4 / 9, 2: 3 / 9, 3: 2 / 9}),
        (Decoding(max_tokens=1, temperature=1.0, top_k=3, top_p=0.5), {0: 4 / 7, 2: 3 / 7}),
        (Decoding(max_tokens=1, temperature=0.5), {0: 16 / 30, 2: 9 / 30, 3: 4 / 30, 1: 1 / 30}),
        (Decoding(max_tokens=1), {0: 1.0}),
    ],
)
def test_shares_are_those_of_the_cut_distribution(decoding: Decoding, wanted: dict[int, float]) -> None:
    found = drawn(decoding)
    assert set(found) == set(wanted)
    for token, share in wanted.items():
        assert found[token] == pytest.approx(share, abs=4 * (0.25 / 4000) ** 0.5)


@pytest.mark.parametrize("vocabulary", [3 * drawing.BLOCK, 3 * drawing.BLOCK + 5])
def test_a_number_falls_on_the_token_at_which_the_running_sum_passes_it(vocabulary: int) -> None:
    torch.manual_seed(0)
    logits = torch.randn(vocabulary) * 3
    numbers = torch.linspace(0.001, 0.999, 400).tolist()
    running = logits.double().softmax(-1).cumsum(-1).tolist()
    drawn = draw(logits.repeat(400, 1), Decoding(max_tokens=1, temperature=1.0), numbers).tolist()
    for token, number in zip(drawn, numbers, strict=True):
        assert (running[token - 1] if token else 0) - 1e-6 <= number <= running[token] + 1e-6


def test_a_part_of_the_vocabulary_is_enough_and_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    logits = torch.randn(64, 1000) * torch.linspace(0.1, 6, 64)[:, None]
    decoding = Decoding(max_tokens=1, temperature=1.0, top_p=0.9)

    def tokens(rows: slice) -> list[int]:
        return draw(logits[rows], decoding, [noise(7, [1], at, 1)[0] for at in range(64)][rows]).tolist()

    whole = tokens(slice(None))
    alone = [token for at in range(64) for token in tokens(slice(at, at + 1))]
    monkeypatch.setattr(drawing, "NEARLY_ALL", 10_000)
    assert whole == alone == tokens(slice(None))


def test_noise_depends_on_seed_prompt_sample_and_step() -> None:
    first = noise(1, [1, 2], 0, 3)
    assert first == noise(1, [1, 2], 0, 5)[:3]
    assert len({*first, *noise(2, [1, 2], 0, 3), *noise(1, [12], 0, 3), *noise(1, [1, 2], 1, 3)}) == 12
