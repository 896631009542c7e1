"""What is made of a local model's weights before it is audited: adapted, quantised, or with another chat template."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from ...probes.contract import JSON
from ..model_file import Quantised
from . import files
from .adapter import CONFIG, WEIGHTS, adapted, is_called, said_base
from .quantised import described, quantise

if TYPE_CHECKING:
    import torch

    from .tokens import Tokenizer

_TUNED = re.compile(r"(?<![a-z])(instruct|chat|it|sft|dpo)(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """How a model differs from what lies in its folder.

    `template` is "auto" (the tokenizer's own), "never", or the path of a Jinja file.
    """

    quantised: Quantised | None = None
    adapter: str | None = None
    template: str = "auto"

    def facts(self) -> dict[str, JSON]:
        """What belongs to the model's identity; empty for a model as it lies there."""
        found: dict[str, JSON] = {}
        if self.quantised:
            found["quantised"] = described(self.quantised)
        if self.adapter:
            found["adapter_sha256"] = files.sha256([Path(self.adapter) / CONFIG, *self.weight_files()])
            found["peft"] = version("peft")
        return found

    def weight_files(self) -> Sequence[Path]:
        """The weight files that come on top of those of the model's folder."""
        return [Path(self.adapter) / WEIGHTS] if self.adapter else []

    def notes(self, name: str, folder: Path) -> Iterator[str]:
        """What a reader of the figures must know: chiefly whether a model was asked as it was made to be."""
        own_template = files.chat_template(folder)
        if self.template == "never" and own_template:
            yield "the model has a chat template and was audited without it: it was not asked as it was tuned to be"
        elif self.template not in ("auto", "never") and not own_template:
            yield "the model has no chat template of its own and was audited through one from a file"
        elif not own_template and _TUNED.search(name):
            yield f"the model is called {name} but has no chat template: it was audited as one that was never tuned"
        if self.quantised == "bitsandbytes-int8":
            yield (
                "bitsandbytes takes the columns that it does not round from all texts of a pass, so a text's figures "
                "depend somewhat on the texts that are asked with it"
            )
        if self.adapter and (base := said_base(Path(self.adapter))) and not is_called(base, folder, name):
            yield (
                f"the adapter says that it was made for {base}, and the model is {name}: that this is its base was "
                "judged by the shapes of its weights alone"
            )

    def applied(self, tokenizer: Tokenizer, network: torch.nn.Module) -> torch.nn.Module:
        """The network as it is to be audited; UserError if an adapter or a library does not fit."""
        if self.template == "never":
            tokenizer.chat_template = None
        elif self.template != "auto":
            tokenizer.chat_template = Path(self.template).read_text("utf-8")
        if self.adapter:
            network = adapted(network, Path(self.adapter))
        if self.quantised:
            quantise(network, self.quantised)
        return network


AS_IT_LIES = Variant()
