"""What a server tells of the model that it serves: how much it takes, and by what one would know other weights."""

from __future__ import annotations

from collections.abc import Mapping, Set

from ....probes.contract import JSON
from ...errors import UserError
from ...yaml_file import nearest
from .client import Address, Client
from .faults import RequestFault
from .wire import dig

_OF_THE_SERVING = frozenset(
    {"id", "aliases", "tags", "object", "created", "owned_by", "permission", "status"}
    | {"max_model_len", "n_ctx", "context_length"}
)
"""Fields that are of the moment or of how a model is served: the same weights may come with others."""


async def listing(client: Client, address: Address, model: str) -> Mapping[str, object]:
    """The model's entry in an address's list; UserError if the list is there and lacks the model.

    Empty where there is no list, for not every server has one.
    """
    try:
        said = (await client.at(address, "GET", "models")).said
    except RequestFault as fault:
        if fault.cause in ("redirect", "time_out"):
            raise
        return {}
    listed = dig(said, "data")
    if not isinstance(listed, list) or not listed:
        return {}
    models = {str(dig(one, "id")): one for one in listed}
    for one in listed:  # llama.cpp gives a model more names than one
        aliases = dig(one, "aliases")
        models |= {str(name): one for name in aliases} if isinstance(aliases, list) else {}
    if model not in models:
        raise UserError(f"{address.url} serves no model '{model}'{nearest(model, models)}")
    return models[model] if isinstance(models[model], dict) else {}


def context_of(listed: Mapping[str, object]) -> int | None:
    """How many tokens prompt and reply may have, where the entry tells it (vLLM's does, and llama.cpp's)."""
    tokens = listed.get("max_model_len") or dig(listed, "meta", "n_ctx")
    return tokens if isinstance(tokens, int) and tokens > 0 else None


def served(fingerprints: Set[str], before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, JSON]:
    """By what other weights would be known: what every reply and the model's entry told, each time the same."""
    told = _steady(before, after)
    if len(fingerprints) == 1:
        told["system_fingerprint"] = next(iter(fingerprints))
    return told


def _steady(before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, JSON]:
    found: dict[str, JSON] = {}
    for name, value in before.items():
        other = after.get(name)
        if name in _OF_THE_SERVING or value in (None, "", [], {}):
            continue
        if isinstance(value, dict) and isinstance(other, dict):
            if inner := _steady(value, other):
                found[name] = inner
        elif value == other:
            found[name] = value  # type: ignore[assignment]
    return found
