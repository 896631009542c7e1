"""What a card says of a model that the audit did not look into: advised under "not covered"."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from .model_file import ModelFile
from .spec import Card

_TUNED = re.compile(r"sft|dpo|rlhf|ppo|lora|tun", re.IGNORECASE)
_RETRIEVAL = re.compile(r"retriev|\brag\b|summar|ground", re.IGNORECASE)


def advice(card: Card, model: ModelFile, measured: Collection[str]) -> Iterator[str]:
    """A sentence for each thing that a model of this making should be asked and was not; `measured` names probes."""
    smaller = card.acquired.how in ("quantised", "pruned", "distilled", "merged")
    if smaller or (model.kind == "transformers" and model.quantised):
        how = card.acquired.how if smaller else "quantised"
        yield f"the model was {how}: what that changed is not shown, so compare it with its base (slm-audit compare)"
    tuned = any(_TUNED.search(one) for one in card.enhanced) or (model.kind == "transformers" and model.adapter)
    if tuned and "privacy.exposure" not in measured:
        yield "the model was fine-tuned: what it memorised of that text is not shown, so plant canaries and list them"
    if _RETRIEVAL.search(card.used_for.task) and not any("ground" in one for one in measured):
        yield "the model is to answer from given texts: whether it keeps to them is not shown, for no probe asks it"
