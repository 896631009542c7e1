"""What is taken on at once is bounded by memory: beforehand on a CPU, by halving where memory has run out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from slm_audit.audits.models.resources import cores, free_bytes, growth
from slm_audit.audits.models.room import BYTES_A_LOGIT, TOKENS_ON_A_CPU, Room
from slm_audit.audits.models.shared import Shared
from slm_audit.audits.models.transformers import TransformersModel
from slm_audit.probes.contract import Decoding, Generation, Scoring

ASKED = [Scoring(context="The review says", continuation=f" that {word}" * 3) for word in ("good", "denied", "quick")]
DRAWN = [Generation(prompt="A request", decoding=Decoding(max_tokens=8, temperature=1.0), samples=9)]


def fast(model: TransformersModel) -> Shared:
    assert isinstance(model._engine, Shared)
    return model._engine


def test_little_memory_means_small_batches_and_the_same_answers(small_model: Path) -> None:
    much, little = TransformersModel(str(small_model)), TransformersModel(str(small_model), memory=400_000, threads=1)
    positions = 20
    room = fast(little).room
    assert fast(much).room.tokens == TOKENS_ON_A_CPU
    assert room.tokens < 512
    assert room.tokens * room.kept <= 200_000
    assert room.rows(positions) * (positions * room.kept + room.logits) <= 200_000
    assert room.rows_of_logits * room.logits <= 200_000
    scores = [[one.logprob for one in model.score(ASKED)] for model in (much, little)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-5)
    assert much.generate(DRAWN) == little.generate(DRAWN)


def test_where_memory_runs_out_half_as_much_is_tried(small_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = TransformersModel(str(small_model), threads=1)
    wanted = model.score(ASKED), model.generate(DRAWN)
    passing = fast(model)._passing
    read, sizes = passing.read, list[int]()

    def scarce(ids: torch.Tensor, *more: object) -> torch.Tensor:
        sizes.append(ids.shape[1])
        if ids.shape[1] > 20:
            raise torch.OutOfMemoryError("out of memory")
        return read(ids, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(passing, "read", scarce)
    monkeypatch.setattr(Room, "rows_of_logits", 2)
    long = [Scoring(context="", continuation="the meal was good " * 8)]
    assert len(model.score(long)) == 1
    assert max(sizes) > 20
    again = model.score(ASKED), model.generate(DRAWN)
    assert [one.logprob for one in again[0]] == pytest.approx([one.logprob for one in wanted[0]], abs=1e-5)
    assert again[1] == wanted[1]


def test_what_cannot_be_halved_any_more_is_an_error(small_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = TransformersModel(str(small_model), threads=1)

    def none(*_: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(fast(model)._passing, "read", none)
    with pytest.raises(torch.OutOfMemoryError):
        model.score(ASKED)


def test_the_head_is_computed_in_parts_that_fit() -> None:
    room = Room(share=None, tokens=64, kept=1, logits=50_000 * BYTES_A_LOGIT)
    assert 50_000 * room.rows_of_logits <= 6_000_000 < 50_000 * (room.rows_of_logits + 1)


def test_growth_sees_what_was_taken_and_given_back() -> None:
    def work() -> None:
        bytearray(os.urandom(1) * 64_000_000)

    taken = growth(work)
    if taken is None:
        pytest.skip("this system does not tell a process's peak")
    assert 60_000_000 < taken < 300_000_000


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({"cpu.max": "max 100000"}, None),
        ({"cpu.max": "100000 100000"}, 1),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ({}, None),
    ],
)
def test_cores_are_those_that_affinity_and_the_cgroup_allow(
    tmp_path: Path, files: dict[str, str], wanted: int | None
) -> None:
    write(tmp_path, files)
    assert cores(tmp_path) == (wanted or len(os.sched_getaffinity(0)))


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({"memory.max": "max", "memory.current": "5"}, 4096 * 1024),
        ({"memory.max": "1000", "memory.current": "400"}, 600),
        ({"memory/memory.limit_in_bytes": "1000", "memory/memory.usage_in_bytes": "1400"}, 0),
        ({"memory.max": "9999999999", "memory.current": "0"}, 4096 * 1024),
    ],
)
def test_free_memory_is_the_least_that_cgroup_and_machine_leave(
    tmp_path: Path, files: dict[str, str], wanted: int
) -> None:
    write(tmp_path, {**files, "meminfo": "MemTotal: 9000 kB\nMemAvailable: 4096 kB\n"})
    assert free_bytes(tmp_path, tmp_path / "meminfo") == wanted
    assert free_bytes(tmp_path / "nowhere", tmp_path / "nowhere") is None


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
