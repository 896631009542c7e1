"""A model is audited whole or not at all: what its files lack would be filled up at random."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from slm_audit.audits.errors import UserError
from slm_audit.audits.models.leave import Leave
from slm_audit.audits.models.transformers import TransformersModel

Tensors = dict[str, torch.Tensor]


@pytest.fixture
def changed(small_model: Path, tmp_path: Path) -> Callable[[Callable[[Tensors], Tensors]], Path]:
    """A copy of the small model whose tensors were changed so."""

    def change(by: Callable[[Tensors], Tensors]) -> Path:
        folder = Path(shutil.copytree(small_model, tmp_path / "changed"))
        file = folder / "model.safetensors"
        save_file({name: one.clone() for name, one in by(load_file(file)).items()}, file, metadata={"format": "pt"})
        return folder

    return change


def without_a_layer(tensors: Tensors) -> Tensors:
    return {name: one for name, one in tensors.items() if "layers.0.self_attn" not in name}


def under_other_names(tensors: Tensors) -> Tensors:
    return {f"x.{name}": one for name, one in tensors.items()}


def with_one_layer_more(tensors: Tensors) -> Tensors:
    first = {name: one for name, one in tensors.items() if "layers.0." in name}
    return tensors | {name.replace("layers.0.", "layers.7."): one for name, one in first.items()}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (without_a_layer, r"lacks 4 of the tensors .+, such as model\.layers\.0\.self_attn\.k_proj\.weight; save"),
        (
            under_other_names,
            r"lacks \d+ of the tensors that its config.json asks for, such as .+; save the model again",
        ),
        (with_one_layer_more, r"holds \d+ tensors of layers that its config.json does not have, such as .+layers\.7"),
    ],
)
def test_a_model_that_is_not_whole_is_refused(
    changed: Callable[..., Path], change: Callable[[Tensors], Tensors], told: str
) -> None:
    with pytest.raises(UserError, match=told):
        TransformersModel(str(changed(change)))


def test_pickled_weights_of_something_else_are_refused_too(small_model: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small_model, tmp_path / "pickled"))
    (folder / "model.safetensors").unlink()
    torch.save({"a": torch.ones(2)}, folder / "pytorch_model.bin")
    with pytest.raises(UserError, match="lacks"):
        TransformersModel(str(folder), leave=Leave(pickles=True))


def test_a_tensor_beside_the_model_is_noted(changed: Callable[..., Path]) -> None:
    model = TransformersModel(str(changed(lambda tensors: tensors | {"v_head.weight": torch.ones(3)})))
    assert model.notes == (
        "1 tensors of its files are no part of the model, such as v_head.weight: they were not loaded",
    )


def test_a_tensor_of_another_shape_is_named(small_model: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small_model, tmp_path / "reshaped"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"intermediate_size": config["intermediate_size"] * 2}))
    with pytest.raises(UserError, match=r"6 tensors in another shape .+: .*_proj.weight.*; mend config.json"):
        TransformersModel(str(folder))
