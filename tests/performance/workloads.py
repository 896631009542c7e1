"""The work of the benchmark: two shapes of model with random weights, and requests over synthetic English."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHAPES = {
    "15M": {
        "vocab_size": 32000,
        "hidden_size": 288,
        "intermediate_size": 768,
        "num_hidden_layers": 6,
        "num_attention_heads": 6,
        "num_key_value_heads": 6,
    },
    "135M": {
        "vocab_size": 49152,
        "hidden_size": 576,
        "intermediate_size": 1536,
        "num_hidden_layers": 30,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
    },
}


@dataclass(frozen=True, kw_only=True)
class Job:
    """Pairs to score, texts to score whole, or prompts of which `samples` continuations are drawn."""

    pairs: tuple[tuple[str, str], ...] = ()
    texts: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    samples: int = 1
    max_tokens: int = 0
    temperature: float = 1.0
    batch: int = 16


def build(shape: str, folder: Path) -> None:
    """Write a model of a shape, with random weights, and a tokenizer trained on the texts of this repository."""
    import torch
    from tokenizers import ByteLevelBPETokenizer
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    trained = ByteLevelBPETokenizer()
    special = ["<s>", "</s>"]
    trained.train_from_iterator(corpus(), vocab_size=SHAPES[shape]["vocab_size"], special_tokens=special)
    ends = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "</s>"}
    PreTrainedTokenizerFast(tokenizer_object=trained._tokenizer, **ends).save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        **SHAPES[shape], max_position_embeddings=2048, tie_word_embeddings=True,
        bos_token_id=0, eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)


def corpus() -> list[str]:
    """Lines of English that lie in the repository."""
    files = [
        *sorted((ROOT / "probes").rglob("*.jsonl")),
        *sorted((ROOT / "examples").rglob("*.txt")),
        *ROOT.glob("*.md"),
    ]
    return [line for file in files for line in file.read_text("utf-8", "replace").splitlines() if len(line) > 20]


class Writer:
    """Writes sentences of drawn words."""

    def __init__(self, seed: str) -> None:
        """From a stream of its own."""
        self._stream = random.Random(seed)
        told = Counter(word for line in corpus() for word in line.split() if word.isalpha())
        self._words = sorted(told)
        self._frequent = sorted(word for word in told if told[word] >= 20)

    def words(self, fewest: int, most: int) -> str:
        """So many words."""
        return " ".join(self._stream.choices(self._words, k=self._stream.randint(fewest, most)))

    def choices(self, contexts: int, longest: int, *, before: str = "", words: tuple[int, int] = (45, 60)) -> Job:
        """Four choices behind each context; `longest` is the most words of one."""
        fewest = 1 if longest == 1 else longest // 2
        pairs = []
        for _ in range(contexts):
            context = before + "Question: " + self.words(*words) + "\nAnswer:"
            pairs += [(context, " " + self.words(fewest, longest)) for _ in range(4)]
        return Job(pairs=tuple(pairs))

    def windows(self, number: int) -> Job:
        """Nothing that two of them share: 255 words behind 257, each a token of its own in any vocabulary of the size.

        These are the windows that llama.cpp scores.
        """
        words = [f" {word}" for word in self._stream.choices(self._frequent, k=512 * number)]
        starts = range(0, len(words), 512)
        pairs = tuple(("".join(words[at : at + 257]), "".join(words[at + 257 : at + 512])) for at in starts)
        return Job(pairs=pairs, batch=4)

    def letters(self, contexts: int) -> Job:
        """Choices of one token behind each context."""
        asked = ["Question: " + self.words(45, 60) + "\nAnswer:" for _ in range(contexts)]
        return Job(pairs=tuple((context, f" {letter}") for context in asked for letter in "ABCD"))

    def sampled(self, prompts: int, samples: int, max_tokens: int, batch: int) -> Job:
        """Samples behind each prompt."""
        asked = tuple(self.words(38, 48) for _ in range(prompts))
        return Job(prompts=asked, samples=samples, max_tokens=max_tokens, batch=batch)


def jobs(shape: str, repetition: int) -> dict[str, Job]:
    """Each workload's requests; other ones at each repetition, so that nobody gains by remembering."""
    writer = Writer(f"{shape}/{repetition}")
    big = shape == "135M"
    shots = "".join(f"Question: {writer.words(28, 34)}\nAnswer: {writer.words(3, 5)}\n" for _ in range(10))
    texts = tuple(writer.words(80, 220) for _ in range(8 if big else 40))
    return {
        "choices": writer.choices(16 if big else 50, 8),
        "few-shot": writer.choices(6 if big else 12, 8, before=shots, words=(20, 30)),
        "letters": writer.letters(12 if big else 50),
        "texts": Job(texts=texts),
        "samples k=5": writer.sampled(8, 5, 32, 16),
        "samples k=8": writer.sampled(16, 8, 12, 64),
        "windows": writer.windows(8 if big else 32),
    }
