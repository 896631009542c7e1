"""What is made of a local model's weights before it is audited: adapted, quantised, or with another chat template."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ...probes.contract import JSON
from ..errors import UserError
from . import files

if TYPE_CHECKING:
    import torch

    from .tokens import Tokenizer

GROUPS = (128, 64, 32, 16, 8)
"""Weights of a row that share a scale at 4 bits: the largest number that divides every row."""
_TUNED = re.compile(r"(?<![a-z])(instruct|chat|it|sft|dpo)(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """How a model differs from what lies in its folder.

    `template` is "auto" (the tokenizer's own), "never", or the path of a Jinja file.
    """

    quantised: Literal["int8", "int4"] | None = None
    adapter: str | None = None
    template: str = "auto"

    def facts(self) -> dict[str, JSON]:
        """What belongs to the model's identity; empty for a model as it lies there."""
        found: dict[str, JSON] = {}
        if self.quantised:
            found["quantised"] = f"{self.quantised} (torchao {version('torchao')})"
        if self.adapter:
            found["adapter_sha256"] = files.sha256(sorted(_adapter_files(Path(self.adapter))))
            found["peft"] = version("peft")
        return found

    def weight_files(self) -> Sequence[Path]:
        """The weight files that come on top of those of the model's folder."""
        return [Path(self.adapter) / "adapter_model.safetensors"] if self.adapter else []

    def notes(self, name: str, own_template: str) -> Iterator[str]:
        """What a reader of the figures must know: chiefly whether a model was asked as it was made to be."""
        if self.template == "never" and own_template:
            yield "the model has a chat template and was audited without it: it was not asked as it was tuned to be"
        elif self.template not in ("auto", "never") and not own_template:
            yield "the model has no chat template of its own and was audited through one from a file"
        elif not own_template and _TUNED.search(name):
            yield f"the model is called {name} but has no chat template: it was audited as one that was never tuned"
        if self.adapter and (base := str(_adapter_config(Path(self.adapter)).get("base_model_name_or_path") or "")):
            yield f"the adapter says that it was made for {base}; that this is its base was judged by shapes alone"

    def applied(self, tokenizer: Tokenizer, network: torch.nn.Module) -> torch.nn.Module:
        """The network as it is to be audited; UserError if an adapter or a library does not fit."""
        if self.template == "never":
            tokenizer.chat_template = None
        elif self.template != "auto":
            tokenizer.chat_template = Path(self.template).read_text("utf-8")
        if self.adapter:
            network = _adapted(network, Path(self.adapter))
        if self.quantised:
            _quantise(network, self.quantised)
        return network


AS_IT_LIES = Variant()


def check_adapter(folder: Path) -> None:
    """UserError with one sentence if `folder` does not hold a LoRA adapter in safetensors."""
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder; name the folder that save_pretrained of an adapter wrote")
    kind = _adapter_config(folder).get("peft_type")
    if kind != "LORA":
        raise UserError(f"{folder} holds an adapter of the type {kind}; only LORA can be merged, so merge it yourself")
    if not (folder / "adapter_model.safetensors").is_file():
        raise UserError(f"{folder} holds no adapter_model.safetensors; save the adapter again as safetensors")


def _adapter_config(folder: Path) -> Mapping[str, JSON]:
    try:
        said = json.loads((folder / "adapter_config.json").read_text("utf-8"))
    except (OSError, ValueError):
        raise UserError(f"{folder} holds no adapter_config.json that can be read; name an adapter's folder") from None
    return said if isinstance(said, dict) else {}


def _adapter_files(folder: Path) -> list[Path]:
    return [folder / "adapter_config.json", folder / "adapter_model.safetensors"]


def _adapted(network: torch.nn.Module, folder: Path) -> torch.nn.Module:
    """The network with a LoRA adapter merged into its weights (Hu et al. 2021)."""
    try:
        import peft
    except ImportError as error:
        raise UserError("an adapter needs peft; install slm-audit[adapters]") from error
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


def _quantise(network: torch.nn.Module, bits: Literal["int8", "int4"]) -> None:
    """Round the weights of every linear layer but the head to 8 or 4 bits, in place."""
    import torch

    try:
        from torchao.quantization import Int8WeightOnlyConfig, IntxWeightOnlyConfig, PerAxis, PerGroup, quantize_
    except ImportError as error:
        raise UserError(f"{bits} needs torchao; install slm-audit[quantised]") from error
    head = network.get_output_embeddings()  # type: ignore[operator]
    layers = [one for one in network.modules() if isinstance(one, torch.nn.Linear) and one is not head]
    if bits == "int8":
        config = Int8WeightOnlyConfig()
    else:
        group = next((size for size in GROUPS if all(one.in_features % size == 0 for one in layers)), None)
        granularity = PerGroup(group) if group else PerAxis(0)
        config = IntxWeightOnlyConfig(weight_dtype=torch.int4, granularity=granularity)  # type: ignore[attr-defined]
    quantize_(network, config, filter_fn=lambda one, _name: isinstance(one, torch.nn.Linear) and one is not head)
