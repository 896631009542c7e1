"""lm_eval's `hf` backend. Arguments: the model's folder, the number of threads. Runs in an environment of its own."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from serving import serve

torch.set_num_threads(int(sys.argv[2]))
models = {}


def work(job: Mapping[str, Any]) -> object:
    """Scores in nats, or texts."""
    if "lm" not in models:
        models["lm"] = HFLM(pretrained=sys.argv[1], device="cpu", dtype="float32", batch_size=job["batch"])
    lm = models["lm"]
    if job["prompts"]:
        sampled = job["temperature"] > 0
        how = {"until": [], "max_gen_toks": job["max_tokens"], "do_sample": sampled, "temperature": job["temperature"]}
        repeated = [one for one in job["prompts"] for _ in range(job["samples"])]
        texts = lm.generate_until([_asked("generate_until", one, how) for one in repeated], disable_tqdm=True)
        return [texts[at : at + job["samples"]] for at in range(0, len(texts), job["samples"])]
    if job["texts"]:
        asked = [_asked("loglikelihood_rolling", one) for one in job["texts"]]
        return [float(one) for one in lm.loglikelihood_rolling(asked, disable_tqdm=True)]
    asked = [_asked("loglikelihood", *one) for one in job["pairs"]]
    return [float(one) for one, _ in lm.loglikelihood(asked, disable_tqdm=True)]


def _asked(kind: str, *arguments: object) -> Instance:
    return Instance(request_type=kind, doc={}, arguments=arguments, idx=0)


serve(work)
