"""A run's folder: safe names, atomic files, digests of all."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from slm_audit.audits import run_folder
from slm_audit.audits.errors import EvidenceError, UserError

NOW = datetime(2026, 6, 1, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize("name", ["../../etc", "a/b", "<img src=x>", "\x1b[31m", "", ".", "a" * 500, "naïve model"])
def test_no_models_name_can_lead_out_of_the_folder(tmp_path: Path, name: str) -> None:
    folder = run_folder.create(tmp_path, name, NOW)
    assert folder.parent == tmp_path
    assert re.fullmatch(r"[A-Za-z0-9.-]{1,40}-20260601T123000Z-[0-9a-f]{6}", folder.name)
    assert (tmp_path / "latest").resolve() == folder


def test_latest_is_the_last_one(tmp_path: Path) -> None:
    run_folder.create(tmp_path, "a", NOW)
    last = run_folder.create(tmp_path, "a", NOW)
    assert (tmp_path / "latest").resolve() == last
    assert len(list(tmp_path.iterdir())) == 3


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_folder.write(tmp_path / "f", "before")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run_folder.os, "fsync", full)
    with pytest.raises(EvidenceError, match="make room and resume"):
        run_folder.write(tmp_path / "f", "after")
    assert (tmp_path / "f").read_text() == "before"
    assert [one.name for one in tmp_path.iterdir()] == ["f"]


def test_a_record_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text('{"schema": 1}')
    with pytest.raises(UserError, match="is not a record"):
        run_folder.read_record(tmp_path)
