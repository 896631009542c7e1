"""What is used of a transformers causal language model, and how one is loaded."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol, cast

import torch
import transformers

from ..errors import UserError
from . import files
from .lean import AutoModelForCausalLM, AutoTokenizer
from .leave import NONE, Leave
from .quantised import settle
from .tokens import Tokenizer
from .variant import AS_IT_LIES, Variant

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class Told(Protocol):
    """What a forward pass gives: logits [rows, positions, vocabulary]; most also a cache, `past_key_values`."""

    logits: torch.Tensor


class Read(Protocol):
    """What the layers below the head give: [rows, positions, size]."""

    last_hidden_state: torch.Tensor


class Body(Protocol):
    """The layers below the head."""

    def __call__(self, **given: object) -> Read:
        """Read tokens."""
        ...


class Network(Protocol):
    """What is used of a transformers causal language model."""

    generation_config: transformers.GenerationConfig
    config: transformers.PretrainedConfig
    base_model: Body
    dtype: torch.dtype

    def forward(self, **given: object) -> Told:
        """Logits and cache."""
        ...

    def __call__(self, **given: object) -> Told:
        """The same."""
        ...

    def get_output_embeddings(self) -> torch.nn.Module | None:
        """The head."""
        ...

    def set_attn_implementation(self, name: str) -> None:
        """Attend by a registered function."""
        ...

    def parameters(self) -> Iterator[torch.Tensor]:
        """The weights."""
        ...

    def eval(self) -> Network:
        """Make ready for inference."""
        ...

    def to(self, device: str) -> Network:
        """Move to a device."""
        ...


class Accepts(NamedTuple):
    """What a network's forward pass takes."""

    logits_to_keep: bool
    position_ids: bool

    @classmethod
    def of(cls, network: Network) -> Accepts:
        """Found out from its signature."""
        names = inspect.signature(network.forward).parameters
        return cls("logits_to_keep" in names, "position_ids" in names)


def vocabulary_of(network: Network) -> int:
    """How many tokens a network knows."""
    return int(network.config.get_text_config().vocab_size)


class Loaded(NamedTuple):
    """A tokenizer, a network, and the names of tensors in its files that are no part of it."""

    tokenizer: Tokenizer
    network: Network
    unused: tuple[str, ...]


def loaded(folder: Path, dtype: str, device: str, variant: Variant = AS_IT_LIES, leave: Leave = NONE) -> Loaded:
    """What a folder holds; UserError says in one sentence why it cannot be loaded whole."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        given: Mapping[str, object] = {"local_files_only": True, "trust_remote_code": leave.code}
        tokenizer = AutoTokenizer.from_pretrained(folder, **given)
        weights = {"use_safetensors": bool(files.weight_files(folder)), "dtype": DTYPES[dtype]}
        weights |= {"output_loading_info": True, "ignore_mismatched_sizes": True}  # so that all that is amiss is told
        network, told = AutoModelForCausalLM.from_pretrained(folder, **given, **weights)
        unused = _refuse_other_weights(folder, network, told)
        network = variant.applied(tokenizer, network).eval().to(device)
        if variant.quantised:
            settle(network)
    except UserError:
        raise
    except Exception as error:
        first = str(error).strip().split("\n")[0]
        raise UserError(f"{folder} cannot be loaded as a causal language model: {first}; save it again") from error
    return Loaded(cast(Tokenizer, tokenizer), cast(Network, network), unused)


def _refuse_other_weights(folder: Path, network: torch.nn.Module, told: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """The tensors that are no part of the network; UserError where it would be filled up at random, or is cut short."""
    if misshapen := sorted(map(str, told["mismatched_keys"])):
        raise UserError(
            f"{folder} holds {len(misshapen)} tensors in another shape than its config.json asks for: {misshapen[0]}; "
            "mend config.json, or save the model again"
        )
    if lacking := sorted(told["missing_keys"]):
        raise UserError(
            f"{folder} lacks {len(lacking)} of the tensors that its config.json asks for, such as {lacking[0]}; "
            "save the model again"
        )
    own = {re.sub(r"\d+", "#", name) for name in network.state_dict()}
    unused = tuple(sorted(told["unexpected_keys"]))
    if more := [name for name in unused if re.sub(r"\d+", "#", name) in own]:
        raise UserError(
            f"{folder} holds {len(more)} tensors of layers that its config.json does not have, such as {more[0]}; "
            "mend config.json, or save the model again"
        )
    return unused


def downloaded(name: str, revision: str | None, leave: Leave = NONE) -> Path:
    """The folder of a hub id in the hub's cache, fetched if the network is there; code and pickles only with leave."""
    from huggingface_hub import snapshot_download

    try:
        patterns = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]
        patterns += [*(["*.py"] if leave.code else []), *(["pytorch_model*.bin"] if leave.pickles else [])]
        return Path(snapshot_download(name, revision=revision, allow_patterns=patterns))
    except Exception as error:
        why = str(error).strip().split("\n")[0]
        raise UserError(
            f"{name} is no folder here and cannot be had from the hub ({why}); name a local folder"
        ) from error
