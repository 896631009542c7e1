"""The weights of every linear layer but the head, rounded to 8 or 4 bits when a model is loaded."""

from __future__ import annotations

import logging
import math
import warnings
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal

from ..errors import UserError
from ..extras import library_of, need
from ..model_file import Quantised

if TYPE_CHECKING:
    import torch

GROUPS = (128, 64, 32, 16, 8)
"""Weights of a row that share a scale at 4 bits: the largest number that divides every row."""
BLOCK = 64
"""Weights that share a scale in bitsandbytes' 4 bits."""


def described(how: Quantised) -> str:
    """The way of rounding and the version of its library, as the model's identity has it."""
    library = library_of(how)
    return f"{how} ({library} {version(library)})"


def quantise(network: torch.nn.Module, how: Quantised) -> None:
    """Round the layers in place; bitsandbytes' are rounded when the network is next moved to its device."""
    need(library_of(how), f"model.quantised: {how}")
    if how == "bitsandbytes-int8" or how == "bitsandbytes-nf4":
        _by_bitsandbytes(network, how)
    else:
        _by_torchao(network, how)


def settle(network: torch.nn.Module) -> None:
    """Pass through once: bitsandbytes lays 4-bit weights out anew in the first pass, which no two threads may do."""
    import torch

    with torch.inference_mode():
        network(input_ids=torch.zeros(1, 1, dtype=torch.long, device=next(network.parameters()).device))


def parameters_of(network: torch.nn.Module) -> int:
    """How many parameters there are, however many bits each has: two of 4 bits lie in one byte."""
    states = [(one, getattr(one, "quant_state", None)) for one in network.parameters()]
    return sum(one.numel() if state is None else math.prod(state.shape) for one, state in states)


def _layers(network: torch.nn.Module) -> list[torch.nn.Linear]:
    import torch

    head = network.get_output_embeddings()  # type: ignore[operator]
    return [one for one in network.modules() if isinstance(one, torch.nn.Linear) and one is not head]


def _by_torchao(network: torch.nn.Module, bits: Literal["int8", "int4"]) -> None:
    import torch
    from torchao.quantization import Int8WeightOnlyConfig, IntxWeightOnlyConfig, PerAxis, PerGroup, quantize_

    layers = _layers(network)
    if bits == "int8":
        config = Int8WeightOnlyConfig()
    else:
        group = next((size for size in GROUPS if all(one.in_features % size == 0 for one in layers)), None)
        granularity = PerGroup(group) if group else PerAxis(0)
        config = IntxWeightOnlyConfig(weight_dtype=torch.int4, granularity=granularity)  # type: ignore[attr-defined]
    chosen = {id(one) for one in layers}
    quantize_(network, config, filter_fn=lambda one, _name: id(one) in chosen)


def _by_bitsandbytes(network: torch.nn.Module, how: Literal["bitsandbytes-int8", "bitsandbytes-nf4"]) -> None:
    """LLM.int8() (Dettmers et al. 2022), or NF4 with scales that are rounded too (Dettmers et al. 2023)."""
    import bitsandbytes
    import torch

    # It says with every layer and pass that it computes in float16.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="bitsandbytes")
    chosen = {id(one) for one in _layers(network)}
    for parent in list(network.modules()):
        for name, plain in list(parent.named_children()):
            if id(plain) not in chosen:
                continue
            assert isinstance(plain, torch.nn.Linear)
            size = {"input_features": plain.in_features, "output_features": plain.out_features}
            if how == "bitsandbytes-int8":
                layer = bitsandbytes.nn.Linear8bitLt(**size, has_fp16_weights=False, threshold=6.0)
                weight = bitsandbytes.nn.Int8Params(plain.weight.data, requires_grad=False, has_fp16_weights=False)
            elif plain.in_features % BLOCK:
                raise UserError(
                    f"{how} needs rows of a multiple of {BLOCK} weights, but {name} has {plain.in_features}; write int4"
                )
            else:
                layer = bitsandbytes.nn.Linear4bit(**size, compute_dtype=plain.weight.dtype, quant_type="nf4")
                weight = bitsandbytes.nn.Params4bit(plain.weight.data, requires_grad=False, quant_type="nf4")
            layer.weight, layer.bias = weight, plain.bias
            setattr(parent, name, layer)
