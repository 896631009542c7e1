"""A LoRA adapter: is it one, was it made for this base, and how it is merged into it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ...probes.contract import JSON
from ..errors import UserError
from ..extras import need
from . import files

if TYPE_CHECKING:
    import torch

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
SHAPES = ("model_type", "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")


def check_adapter(folder: Path, base: Path | None = None) -> None:
    """UserError with one sentence if `folder` holds no LoRA adapter in safetensors, or one of another base than `base`.

    What its config says of its base is held against the base's own, where that can be read: the class, and the config
    of the folder that it names.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder; name the folder that save_pretrained of an adapter wrote")
    kind = _config(folder).get("peft_type")
    if kind != "LORA":
        raise UserError(f"{folder} holds an adapter of the type {kind}; only LORA can be merged, so merge it yourself")
    if not (folder / WEIGHTS).is_file():
        raise UserError(f"{folder} holds no {WEIGHTS}; save the adapter again as safetensors")
    if base is not None and (differs := _differs(folder, base)):
        raise UserError(f"{folder} is an adapter of another base than the model ({differs}); name its own base")


def said_base(folder: Path) -> str:
    """The name or path of the base that an adapter says it was made for, or ""."""
    return str(_config(folder).get("base_model_name_or_path") or "")


def is_called(said: str, folder: Path, name: str) -> bool:
    """Whether a model in a folder goes by a name, or lies at a path, that an adapter gives its base.

    Of a path the last part counts, for the base may have been moved; in the hub's cache, the model's name.
    """
    place = folder.resolve()
    cached = [one.rsplit("--", 1)[-1] for one in place.parts if one.startswith("models--")]
    names = {name, place.name, *cached}
    return said.rstrip("/").rsplit("/", 1)[-1].lower() in {one.rsplit("/", 1)[-1].lower() for one in names}


def _differs(folder: Path, base: Path) -> str:
    """In what an adapter's base, as far as it is known, differs from `base`; "" if in nothing."""
    own, mapped = files.read_config(base), _config(folder).get("auto_mapping")
    made = mapped.get("base_model_class") if isinstance(mapped, dict) else None
    classes = own.get("architectures")
    if made and isinstance(classes, list) and classes and made not in classes:
        return f"it was made for a {made}, and the model is a {classes[0]}"
    named = Path(said_base(folder)).expanduser()
    other = files.read_config(named) if named.is_absolute() else {}
    for key in SHAPES:
        if key in own and key in other and own[key] != other[key]:
            return f"{key} of {named} is {other[key]}, and the model's is {own[key]}"
    return ""


def _config(folder: Path) -> Mapping[str, JSON]:
    try:
        said = json.loads((folder / CONFIG).read_text("utf-8"))
    except (OSError, ValueError):
        raise UserError(f"{folder} holds no {CONFIG} that can be read; name an adapter's folder") from None
    return said if isinstance(said, dict) else {}


def adapted(network: torch.nn.Module, folder: Path) -> torch.nn.Module:
    """The network with a LoRA adapter merged into its weights (Hu et al. 2021)."""
    need("peft", "model.adapter")
    import peft

    wrong = f"{folder} is an adapter of another base than the model"
    try:
        config = peft.PeftConfig.from_pretrained(str(folder))
        config.base_model_name_or_path = None  # else it warns that the base has another name here
        adapted = peft.get_peft_model(network, config)
        told = peft.set_peft_model_state_dict(adapted, peft.load_peft_weights(str(folder), device="cpu"))
    except (ValueError, RuntimeError, KeyError) as error:
        raise UserError(f"{wrong} ({' '.join(str(error).split())[:120]}); name its own base") from error
    lacking = [*told.unexpected_keys, *(one for one in told.missing_keys if "lora_" in one)]
    if lacking:
        raise UserError(f"{wrong} (it does not fit at {lacking[0]}); name its own base")
    merged: torch.nn.Module = adapted.merge_and_unload()
    return merged
