"""What this process may use: cores by affinity and cgroup, memory by cgroup and machine."""

from __future__ import annotations

import ctypes
import math
import os
from collections.abc import Callable
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
MEMINFO = Path("/proc/meminfo")
MALLOC = {-8: 1, -3: 1 << 25, -1: 1 << 27}  # glibc's M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD


def cores(cgroup: Path = CGROUP) -> int:
    """How many cores this process may keep busy, at least 1."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for name in ("cpu.max", "cpu/cpu.cfs_quota_us"):
        words = _words(cgroup / name)
        period = words[1:] or _words(cgroup / "cpu/cpu.cfs_period_us")
        if words and period and words[0].isdigit() and int(period[0]):
            allowed = min(allowed, math.ceil(int(words[0]) / int(period[0])))
    return max(1, allowed)


def free_bytes(cgroup: Path = CGROUP, meminfo: Path = MEMINFO) -> int | None:
    """How much memory this process may still take; None where nobody says."""
    found: list[int] = []
    for most, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        limit, taken = _words(cgroup / most), _words(cgroup / used)
        if limit and taken and limit[0].isdigit():
            found.append(int(limit[0]) - int(taken[0]))
    words = _words(meminfo)
    if "MemAvailable:" in words:
        found.append(1024 * int(words[words.index("MemAvailable:") + 1]))
    return max(0, min(found)) if found else None


def growth(work: Callable[[], object]) -> int | None:
    """By how many bytes this process's memory grows at most while it works; None where the system does not say."""
    try:
        Path("/proc/self/clear_refs").write_text("5", "ascii")  # the peak starts anew
        before = _kilobytes("VmRSS:")
    except (OSError, ValueError):
        before = None
    work()
    after = None if before is None else _kilobytes("VmHWM:")
    return None if before is None or after is None else max(0, after - before) * 1024


def one_heap() -> None:
    """All threads allocate from one heap, and what is freed of it is kept for the next pass.

    By default each thread has heaps of its own, which a pass's large blocks leave full of holes, and the system takes
    freed memory back and clears it before every pass. Does nothing where malloc is not glibc's.
    """
    try:
        tune = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    for option, value in MALLOC.items():
        tune(option, value)


def _kilobytes(key: str) -> int | None:
    words = _words(Path("/proc/self/status"))
    return int(words[words.index(key) + 1]) if key in words else None


def _words(file: Path) -> list[str]:
    try:
        return file.read_text("ascii", "replace").split()
    except OSError:
        return []
