"""This engine, behind the contract's two verbs. Arguments: the model's folder, the number of threads, and
`plain` for padded batches."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from ceiling import rates
from serving import serve
from slm_audit.audits.models.transformers import TransformersModel
from slm_audit.probes.contract import Decoding, Generation, Scoring

PLAIN = "plain" in sys.argv
model = TransformersModel(sys.argv[1], threads=int(sys.argv[2]), plain=PLAIN)
assert model.identity.settings["path"] == ("plain" if PLAIN else "shared"), model.why_plain


def work(job: Mapping[str, Any]) -> object:
    """Scores in nats, or texts."""
    if job["prompts"]:
        decoding = Decoding(max_tokens=job["max_tokens"], temperature=job["temperature"])
        asked = [Generation(prompt=one, decoding=decoding, samples=job["samples"]) for one in job["prompts"]]
        return [[one.text for one in some] for some in model.generate(asked)]
    pairs = [*job["pairs"], *(("", text) for text in job["texts"])]
    return [one.logprob for one in model.score([Scoring(context=a, continuation=b) for a, b in pairs])]


serve(work, rates(int(sys.argv[2])))
