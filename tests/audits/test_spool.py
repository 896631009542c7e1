"""A spool gives back what was added, however much it is, and leaves no file behind."""

from __future__ import annotations

import resource
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
from slm_audit.audits.errors import EvidenceError
from slm_audit.audits.spool import AT_ONCE, IN_MEMORY, Spool

LONG = "x" * (IN_MEMORY // AT_ONCE)


def filled(count: int, beside: Path | None = None) -> Spool[tuple[int, str]]:
    spool: Spool[tuple[int, str]] = Spool(beside)
    for at in range(count):
        spool.append((at, LONG))
    return spool


@pytest.mark.parametrize("count", [0, 1, AT_ONCE, AT_ONCE + 1, 3 * AT_ONCE])
def test_it_is_the_sequence_that_was_added(count: int, tmp_path: Path) -> None:
    spool, plain = filled(count, tmp_path), [(at, LONG) for at in range(count)]
    assert (len(spool), list(spool)) == (count, plain)
    for some in (slice(None), slice(2, 9), slice(-3, None), slice(5, 2), slice(None, None, 100)):
        assert list(spool[some]) == plain[some]
    assert not count or (spool[0], spool[-1]) == (plain[0], plain[-1])
    with pytest.raises(IndexError):
        spool[count]


def test_readers_do_not_disturb_each_other_or_the_writer(tmp_path: Path) -> None:
    spool = filled(2 * AT_ONCE, tmp_path)
    slow, quick = iter(spool), iter(spool)
    assert [one for one, _ in islice(quick, AT_ONCE + 7)][-1] == AT_ONCE + 6
    assert next(slow)[0] == 0
    spool.append((-1, ""))
    assert next(slow)[0] == 1
    assert [one for one, _ in slow][-1] == -1
    assert len(list(quick)) == AT_ONCE - 7 + 1


def test_no_file_is_left_behind_and_none_is_seen(tmp_path: Path) -> None:
    spool = filled(3 * AT_ONCE, tmp_path)
    assert spool.bytes > IN_MEMORY
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    assert len(filled(2 * AT_ONCE, tmp_path / "not there")) == 2 * AT_ONCE


def test_a_full_disk_is_told_in_one_sentence(tmp_path: Path) -> None:
    spool = filled(1, tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (IN_MEMORY, before[1]))
    try:
        with pytest.raises(EvidenceError, match=r"^what was seen cannot be kept \(.+\); make room and resume$"):
            for _ in range(3 * AT_ONCE):
                spool.append((0, LONG))
                assert list(spool)[-1] == (0, LONG)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_killed_process_leaves_nothing(tmp_path: Path) -> None:
    code = "import os, sys, signal; from slm_audit.audits.spool import Spool; from pathlib import Path\n"
    code += f"s = Spool(Path(sys.argv[1])); [s.append('x' * 1000) for _ in range({IN_MEMORY // 500})]\n"
    code += "os.kill(os.getpid(), signal.SIGKILL)"
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], timeout=60).returncode == -9
    assert list(tmp_path.iterdir()) == []
