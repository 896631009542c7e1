"""An embedding that lies in a file says what a plain one says, and does not fill memory with what it read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from slm_audit.audits.models.mapped import LOOKED_UP, MappedEmbedding, forget, keep_mapped, unwritten

ROWS, SIZE = 20_032, 256
WHOLE = 4 * ROWS * SIZE  # bytes
HUB_CACHE = f"models--a--b/blobs/{'5f' * 32}"
SMAPS = Path("/proc/self/smaps")


def network(weight: torch.Tensor) -> torch.nn.Sequential:
    return torch.nn.Sequential(torch.nn.Embedding.from_pretrained(weight))


def in_memory(file: Path) -> int:
    """Bytes of a mapped file that are in this process's memory."""
    parts = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", SMAPS.read_text("utf-8"), flags=re.MULTILINE)
    told = [re.search(r"^Rss: +(\d+)", part, re.MULTILINE) for part in parts if str(file) in part.split("\n")[0]]
    return sum(1024 * int(one[1]) for one in told if one)


@pytest.mark.skipif(not SMAPS.exists(), reason="this system does not tell what is mapped")
@pytest.mark.parametrize("name", ["model.safetensors", HUB_CACHE])
def test_what_was_looked_up_is_right_and_does_not_stay_in_memory(tmp_path: Path, name: str) -> None:
    torch.manual_seed(1)
    wanted, file = torch.randn(ROWS, SIZE), tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({"weight": wanted}, file)
    link = tmp_path / "snapshot.safetensors"
    link.symlink_to(file)
    with safe_open(link, "pt") as opened:
        plain = network(opened.get_tensor("weight"))
    keep_mapped(mapped := network(plain[0].weight))
    assert isinstance(mapped[0], MappedEmbedding)
    for ids in torch.randperm(ROWS).view(-1, LOOKED_UP // 2)[:100]:
        assert torch.equal(mapped(ids), wanted[ids])
    plain(torch.arange(ROWS))
    assert in_memory(file) >= WHOLE
    mapped(torch.arange(LOOKED_UP))
    assert in_memory(file) < WHOLE / 100


def test_what_was_written_into_a_mapped_weight_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    save_file({"weight": torch.zeros(ROWS, SIZE)}, file)
    with safe_open(file, "pt") as opened:
        weight = opened.get_tensor("weight")
    weight[7] += 1  # in place, as adapters are merged
    forget(unwritten())
    keep_mapped(adapted := network(weight))
    assert type(adapted[0]) is torch.nn.Embedding
    assert torch.equal(adapted(torch.tensor([6, 7])), torch.stack([torch.zeros(SIZE), torch.ones(SIZE)]))


def test_an_embedding_that_was_made_in_memory_is_left_alone() -> None:
    keep_mapped(made := network(torch.randn(ROWS, SIZE)))
    assert type(made[0]) is torch.nn.Embedding
