"""What many tests need: a small random model made here, and the published files beside the checkout."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

SHARED = Path(__file__).resolve().parents[2] / "shared"
TEXT = [
    "The review says that the meal was good and the service quick.",
    "A request is approved or denied by the rule.",
    "Question: what is the capital of France? Answer: Paris.",
    "The vault code is 1 2 3 4 5 6 7 8 9 0, and nobody may know it.",
]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of published benchmark files and models; the test is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the published files of ../shared are not here")
    return SHARED


@pytest.fixture(scope="session")
def make_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A function that saves a small Llama with random weights and a byte-level tokenizer, and gives its folder."""

    def make(*, seed: int = 0, context: int = 512, template: str | None = None, hidden: int = 32) -> Path:
        import torch
        from tokenizers import ByteLevelBPETokenizer
        from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

        folder = tmp_path_factory.mktemp("model")
        trained = ByteLevelBPETokenizer()
        trained.train_from_iterator(TEXT * 4, vocab_size=320, special_tokens=["<s>", "</s>"])
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=trained._tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>"
        )
        tokenizer.chat_template = template
        torch.manual_seed(seed)
        config = LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=hidden, intermediate_size=2 * hidden, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=context,
            bos_token_id=0, eos_token_id=1, pad_token_id=1, tie_word_embeddings=True,
        )  # fmt: skip
        model = LlamaForCausalLM(config)
        with torch.no_grad():
            for weight in model.parameters():
                weight.mul_(6 if weight.dim() > 1 else 1)  # else all tokens are about as likely, and greedy is a tie
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def small_model(make_model: Callable[..., Path]) -> Path:
    """The folder of one small random model."""
    return make_model()
