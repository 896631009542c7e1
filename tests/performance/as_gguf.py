"""A saved Llama model and its BPE tokenizer as one GGUF file of float32, for llama.cpp. Arguments: folder, file.

It needs the package `gguf`. llama.cpp's own converter knows tokenizers by a hash of what they give, and so knows no
tokenizer that was trained here.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import load_file

LAYER = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
WHOLE = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def convert(folder: Path, file: Path) -> None:
    """Write the file; the embedding stands in for a head that is tied to it."""
    config = json.loads((folder / "config.json").read_text("utf-8"))
    assert config["model_type"] == "llama", config["model_type"]
    heads, groups = config["num_attention_heads"], config["num_key_value_heads"]
    rope = config.get("rope_parameters") or config
    out = gguf.GGUFWriter(file, "llama")
    out.add_file_type(gguf.LlamaFileType.ALL_F32)
    out.add_context_length(config["max_position_embeddings"])
    out.add_embedding_length(config["hidden_size"])
    out.add_feed_forward_length(config["intermediate_size"])
    out.add_block_count(config["num_hidden_layers"])
    out.add_head_count(heads)
    out.add_head_count_kv(groups)
    out.add_layer_norm_rms_eps(config["rms_norm_eps"])
    out.add_rope_dimension_count(config["hidden_size"] // heads)
    out.add_rope_freq_base(rope["rope_theta"])
    _add_tokenizer(out, json.loads((folder / "tokenizer.json").read_text("utf-8")), config)
    for name, weight in load_file(folder / "model.safetensors").items():
        weight = weight.astype(np.float32)
        if ".q_proj." in name or ".k_proj." in name:
            weight = _paired(weight, heads if ".q_proj." in name else groups)
        out.add_tensor(_renamed(name), weight)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def _renamed(name: str) -> str:
    stem = name.removesuffix(".weight")
    if stem in WHOLE:
        return f"{WHOLE[stem]}.weight"
    at, part = stem.removeprefix("model.layers.").split(".", 1)
    return f"blk.{at}.{LAYER[part]}.weight"


def _paired(weight: np.ndarray, heads: int) -> np.ndarray:
    """Rows such that the two coordinates of a rotation are neighbours; transformers has them half a head apart."""
    halves = weight.reshape(heads, 2, -1, weight.shape[-1])
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(weight.shape))


def _add_tokenizer(out: gguf.GGUFWriter, tokenizer: dict, config: dict) -> None:
    """Bytes as GPT-2 writes them, or pieces with bytes to fall back on; ids that no token has stay unused."""
    model = tokenizer["model"]
    special = {one["id"]: one["content"] for one in tokenizer["added_tokens"]}
    tokens = {**{at: token for token, at in model["vocab"].items()}, **special}
    merges = [one.split(" ") if isinstance(one, str) else one for one in model["merges"]]
    merged = {"".join(one): at for at, one in reversed(list(enumerate(merges)))}
    kinds = gguf.TokenType
    names, types, scores = [], [], []
    for at in range(config["vocab_size"]):
        name = tokens.get(at, f"<unused {at}>")
        byte = model["byte_fallback"] and len(name) == 6 and name.startswith("<0x")
        kind = kinds.CONTROL if at in special else kinds.BYTE if byte else kinds.NORMAL
        names.append(name)
        types.append(kind if at in tokens else kinds.UNUSED)
        scores.append(-float(merged.get(name, len(merges))))
    out.add_tokenizer_model("llama" if model["byte_fallback"] else "gpt2")
    if model["byte_fallback"]:
        out.add_token_scores(scores)  # the earliest merge first
    else:
        out.add_tokenizer_pre("gpt-2")
        out.add_token_merges([" ".join(one) for one in merges])
    out.add_token_list(names)
    out.add_token_types(types)
    out.add_bos_token_id(config["bos_token_id"])
    out.add_eos_token_id(config["eos_token_id"])
    out.add_add_bos_token((tokenizer["post_processor"] or {}).get("type") == "TemplateProcessing")


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
