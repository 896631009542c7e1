"""Causal language models of many classes, built small from their configs, decode and score as they do alone.

Those whose attention is plain and causal go by the fast path, the others by the plain one, and the identity says so.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers
from slm_audit.audits.models.transformers import TransformersModel
from slm_audit.probes.contract import Decoding, Generation, Scoring

SIZE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
WIDE = {**SIZE, "intermediate_size": 64}
FAST = {
    "Llama": {**WIDE, "num_key_value_heads": 2},
    "Qwen2": {**WIDE, "num_key_value_heads": 2},
    "Qwen3": {**WIDE, "num_key_value_heads": 2, "head_dim": 8},
    "GPT2": {"n_embd": 32, "n_layer": 2, "n_head": 4},
    "GPTNeoX": WIDE,
    "Phi": WIDE,
}
PLAIN = {
    "Gemma2": {**WIDE, "num_key_value_heads": 2, "head_dim": 8, "sliding_window": 4},
    "Gemma3Text": {**WIDE, "num_key_value_heads": 2, "head_dim": 8, "sliding_window": 4},
    "Mistral": {**WIDE, "num_key_value_heads": 2, "sliding_window": 4},
    "OPT": {**SIZE, "ffn_dim": 64, "word_embed_proj_dim": 32},
    "Bloom": {"hidden_size": 32, "n_layer": 2, "n_head": 4},
    "Falcon": SIZE,
    "Mamba": {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 8},
}
if not transformers.__version__.startswith("4."):
    # From version 5 on OPT leaves its mask to the attention, as the others do.
    FAST["OPT"] = PLAIN.pop("OPT")
CONFIGS = {**FAST, **PLAIN}
PROMPTS = ["The review says that the meal was good", "A request", "Question: what is the capital of France?"]


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGS)
def test_texts_and_scores_are_those_of_the_plain_model(make_model: Callable[..., Path], name: str) -> None:
    folder = make_model(seed=11)
    (folder / "model.safetensors").unlink()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    config = getattr(transformers, f"{name}Config")(
        vocab_size=len(tokenizer), bos_token_id=0, eos_token_id=1, pad_token_id=1, **CONFIGS[name]
    )
    torch.manual_seed(3)
    network = transformers.AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(4 if weight.dim() > 1 else 1)
    network.save_pretrained(folder)
    model = TransformersModel(str(folder))
    path = model.identity.settings["path"]
    assert (path, bool(model.why_plain)) == (("shared", False) if name in FAST else ("plain", True))
    replies = model.generate([Generation(prompt=one, decoding=Decoding(max_tokens=8)) for one in PROMPTS])
    scores = model.score([Scoring(context=one, continuation=" is denied") for one in PROMPTS])
    for prompt, (reply,), score in zip(PROMPTS, replies, scores, strict=True):
        ids = tokenizer(prompt, return_tensors="pt")["input_ids"]
        out = network.generate(ids, max_new_tokens=8, do_sample=False)[0]
        assert reply.text == tokenizer.decode(out[ids.shape[1] :], skip_special_tokens=True)
        whole = tokenizer(prompt + " is denied", return_tensors="pt")["input_ids"]
        with torch.no_grad():
            plain = network(whole).logits[0].double().log_softmax(-1)
        wanted = plain[ids.shape[1] - 1 : -1].gather(1, whole[0, ids.shape[1] :, None]).sum()
        assert score.logprob == pytest.approx(float(wanted), abs=1e-3)
