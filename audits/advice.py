"""What a card says of a model that the audit did not look into: advised under "not covered"."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from ..probes.contract import JSON
from .model_file import ModelFile, OneModelFile
from .spec import Card

_SMALLER = {
    "quantised": re.compile(r"quanti[sz]|\bint[48]\b|\bgptq\b|\bawq\b", re.IGNORECASE),
    "pruned": re.compile(r"\bprun", re.IGNORECASE),
    "distilled": re.compile(r"distil", re.IGNORECASE),
    "merged": re.compile(r"\bmerg", re.IGNORECASE),
}
_TUNED = re.compile(r"sft|dpo|rlhf|ppo|lora|tun", re.IGNORECASE)
_RETRIEVAL = re.compile(r"retriev|\brag\b|summar|ground", re.IGNORECASE)


def advice(card: Card, model: ModelFile, identity: Mapping[str, JSON], measured: Collection[str]) -> Iterator[str]:
    """A sentence for each thing that a model of this making should be asked and was not.

    The card speaks of the whole; of a cascade each part is looked at as well. `identity` is the model's as it was found
    when it was loaded; `measured` names probes.
    """
    parts = [("the model", model, identity)] if model.kind != "cascade" else []
    if model.kind == "cascade":
        settings = _mapping(identity, "settings")
        named = (("small", model.small), ("large", model.large))
        parts = [(f"the {name} model", part, _mapping(settings, name)) for name, part in named]
    made = [how for how, words in _SMALLER.items() if how == card.acquired.how or any(map(words.search, card.enhanced))]
    smaller = [("the model", how) for how in made]
    smaller += [(who, "quantised") for who, part, found in parts if _quantised(part, found) and "quantised" not in made]
    for who, how in smaller:
        yield f"{who} was {how}: what that changed is not shown, so compare it with its base (slm-audit compare)"
    tuned = ["the model"] if any(map(_TUNED.search, card.enhanced)) else []
    tuned = tuned or [who for who, part, _ in parts if part.kind == "transformers" and part.adapter]
    if not any(one == "privacy.exposure" or one.startswith("privacy.member") for one in measured):
        for who in tuned:
            yield (
                f"{who} was fine-tuned: what it memorised of that text is not shown, so plant canaries in it and name "
                "their list (privacy.exposure)"
            )
    retrieves = any(map(_RETRIEVAL.search, (card.used_for.task, *card.enhanced)))
    if retrieves and not any("ground" in one for one in measured):
        yield "the model is to answer from given texts: whether it keeps to them is not shown, for no probe asks it"


def _quantised(part: OneModelFile, identity: Mapping[str, JSON]) -> bool:
    """Whether a part is quantised when it is loaded, or was when it was saved."""
    asked = part.kind == "transformers" and part.quantised is not None
    return asked or "stored_as" in _mapping(identity, "settings")


def _mapping(whole: Mapping[str, JSON], name: str) -> Mapping[str, JSON]:
    found = whole.get(name)
    return found if isinstance(found, Mapping) else {}
