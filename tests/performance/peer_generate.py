"""transformers' own `generate`, padded batches, one call for all samples. Arguments: folder, number of threads."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import torch
from serving import serve
from transformers import AutoModelForCausalLM, AutoTokenizer

torch.set_num_threads(int(sys.argv[2]))
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1], padding_side="left")
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32).eval()


def work(job: Mapping[str, Any]) -> object:
    """Texts."""
    texts: list[list[str]] = []
    at_once = max(1, 64 // job["samples"])
    for start in range(0, len(job["prompts"]), at_once):
        some = job["prompts"][start : start + at_once]
        given = tokenizer(some, return_tensors="pt", padding=True, return_token_type_ids=False)
        how = {"do_sample": True, "temperature": job["temperature"], "top_k": 0}
        how = how if job["temperature"] else {"do_sample": False}
        with torch.inference_mode():
            out = model.generate(**given, max_new_tokens=job["max_tokens"], num_return_sequences=job["samples"], **how)
        new = tokenizer.batch_decode(out[:, given["input_ids"].shape[1] :], skip_special_tokens=True)
        texts += [new[at : at + job["samples"]] for at in range(0, len(new), job["samples"])]
    return texts


serve(work)
