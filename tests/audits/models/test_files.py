"""A folder that holds no safe model is named in one sentence, before anything heavy is imported."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from slm_audit.audits.errors import UserError
from slm_audit.audits.models.files import check_folder, sha256, weight_files
from slm_audit.audits.models.transformers import TransformersModel


@pytest.fixture
def folder(small_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_model, tmp_path / "model"))


def test_a_whole_folder_is_fine(folder: Path) -> None:
    check_folder(folder)


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ("config.json", "no config.json"),
        ("model.safetensors", "no \\*.safetensors"),
        ("tokenizer.json", "no tokenizer"),
    ],
)
def test_what_is_missing_is_named(folder: Path, gone: str, said: str) -> None:
    (folder / gone).unlink()
    with pytest.raises(UserError, match=said):
        check_folder(folder)


def test_a_pickle_is_refused_by_name(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"pickle \(pytorch_model.bin\)"):
        check_folder(folder)


def test_remote_code_and_broken_configs_are_refused(folder: Path) -> None:
    said = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**said, "auto_map": {"AutoModel": "x.Y"}}))
    with pytest.raises(UserError, match="remote code is refused"):
        check_folder(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(UserError, match="not JSON"):
        check_folder(folder)


def test_one_changed_byte_of_the_weights_is_another_model(folder: Path) -> None:
    before = sha256(weight_files(folder))
    weights = folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert sha256(weight_files(folder)) != before


def test_the_files_that_are_loaded_count_and_no_others(folder: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    (folder / "consolidated.safetensors").write_bytes(b"the same weights in another layout")
    assert [one.name for one in weight_files(folder)] == ["model.safetensors"]
    sharded = Path(shutil.copytree(folder, tmp_path / "sharded"))
    (sharded / "model.safetensors").unlink()
    AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).save_pretrained(sharded, max_shard_size="40KB")
    shards = weight_files(sharded)
    assert len(shards) > 1 and all(one.match("model-*-of-*.safetensors") for one in shards)
    check_folder(sharded)
    shards[-1].unlink()
    with pytest.raises(UserError, match=f"holds no {shards[-1].name}, which its index names"):
        check_folder(sharded)


def test_links_into_the_hubs_cache_count_what_they_lead_to(folder: Path, tmp_path: Path) -> None:
    cached = tmp_path / "hub/models--owner--name"
    snapshot, blobs = cached / "snapshots/0123abcd", cached / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    for at, file in enumerate(sorted(folder.iterdir())):
        shutil.copy(file, blobs / f"{at:040x}")
        (snapshot / file.name).symlink_to(f"../../blobs/{at:040x}")
    check_folder(snapshot)
    model = TransformersModel(str(snapshot))
    assert model.footprint is not None
    assert model.footprint.bytes_on_disk == (folder / "model.safetensors").stat().st_size
