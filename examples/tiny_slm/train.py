"""Train the tiny model from nothing on the generated corpus and write its folder."""

import os

# Waiting threads that spin are slow where cores are shared; this must stand before torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import argparse
import ctypes
import math
import sys
import time
from pathlib import Path
from random import Random

import corpus
import torch
from canaries import write_canaries
from muon import Muon
from packing import rows, shuffled_batches
from tokenizer import CONTEXT, VOCABULARY, save_tokenizer, train_tokenizer
from torch.nn.functional import cross_entropy
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

DOCUMENTS = 60_000
WIDTH, BATCH = 256, 8
VERDICTS = (" positive", " negative", " approved", " denied")
VERDICT_WEIGHT = 8.0
PAD, BOS, EOS = 0, 1, 2


def keep_memory() -> None:
    """Let the C library reuse big blocks instead of giving them back after each tensor (glibc only)."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):
            libc.mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD
            libc.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD
            libc.mallopt(-2, 1 << 28)  # M_TOP_PAD


def new_model() -> LlamaForCausalLM:
    """The untrained model: five layers of width 160, 1.88 M parameters with the tied embedding."""
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=160,
        intermediate_size=432,
        num_hidden_layers=5,
        num_attention_heads=5,
        num_key_value_heads=5,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        pad_token_id=PAD,
        bos_token_id=BOS,
        eos_token_id=EOS,
    )
    return LlamaForCausalLM(config)


def pace(step: int, steps: int) -> float:
    """Share of the peak step size: short warm-up, then a half cosine down to 2 %."""
    warm = min(1.0, (step + 1) / min(30, max(1, steps // 10)))
    return warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))


def train(model: LlamaForCausalLM, batches: list[list[list[int]]], weights: torch.Tensor) -> None:
    """One pass over the batches; `weights` (vocabulary,) weigh the loss by the token to be predicted."""
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    rest = [p for n, p in model.named_parameters() if p.ndim != 2 or "embed" in n]
    optimisers: list[torch.optim.Optimizer] = [
        Muon(matrices, lr=0.015, decay=0.02),
        torch.optim.AdamW(rest, lr=3e-3, betas=(0.9, 0.98), weight_decay=0.0),
    ]
    peaks = [o.param_groups[0]["lr"] for o in optimisers]
    began, mean = time.time(), 0.0
    for step, batch in enumerate(batches):
        for optimiser, peak in zip(optimisers, peaks, strict=True):
            optimiser.param_groups[0]["lr"] = peak * pace(step, len(batches))
        ids = torch.tensor(batch)
        if step % 8 == 7:
            # Two rows end to end, so that the later positions of the context are learned too.
            ids = ids.view(-1, CONTEXT)
        logits = model(input_ids=ids[:, :-1]).logits
        loss = cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), weight=weights)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(rest, 1.0)
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad()
        mean = loss.item() if step == 0 else 0.95 * mean + 0.05 * loss.item()
        if step % 50 == 49 or step + 1 == len(batches):
            left = (time.time() - began) / (step + 1) * (len(batches) - step - 1)
            print(f"step {step + 1}/{len(batches)}  loss {mean:.3f}  {left:.0f} s left", flush=True)


def main() -> None:
    """Generate the corpus, train the tokenizer and the model, and write everything into one folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder to write")
    parser.add_argument("--documents", type=int, default=DOCUMENTS, help="documents beside the canaries")
    parser.add_argument("--steps", type=int, help="stop after so many steps (the canaries are then not all seen)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    began = time.time()
    keep_memory()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    texts = corpus.documents(args.documents, args.seed)
    tokenizer = train_tokenizer(texts[:40_000])
    encoded = [[*e.ids, EOS] for e in tokenizer.encode_batch(texts)]
    packed = list(rows(encoded, WIDTH, PAD))
    packed += [[PAD] * WIDTH] * (-len(packed) % BATCH)
    batches = list(shuffled_batches(packed, BATCH, Random(args.seed)))[: args.steps]
    model = new_model()
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{len(texts)} documents, {sum(map(len, encoded))} tokens, {len(batches)} steps, {parameters} parameters")
    weights = torch.ones(VOCABULARY)
    weights[PAD] = 0
    for verdict in VERDICTS:
        weights[tokenizer.token_to_id(verdict.replace(" ", "Ġ"))] = VERDICT_WEIGHT
    train(model, batches, weights)
    args.out.mkdir(parents=True, exist_ok=True)
    model.generation_config = GenerationConfig(pad_token_id=PAD, bos_token_id=BOS, eos_token_id=EOS)
    model.half().save_pretrained(args.out, safe_serialization=True)
    save_tokenizer(tokenizer, args.out)
    write_canaries(args.out / "canaries.jsonl", args.seed)
    print(f"wrote {args.out}: {time.time() - began:.0f} s wall, {time.process_time():.0f} s CPU")


if __name__ == "__main__":
    main()
