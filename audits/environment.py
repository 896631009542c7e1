"""The machine and the versions that figures may depend on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..probes.contract import JSON

LIBRARIES = ("torch", "transformers", "numpy", "scipy", "scikit-learn", "textattack", "fairlearn", "detoxify")


def own_version() -> str:
    """The version of slm-audit."""
    try:
        return version("slm-audit")
    except PackageNotFoundError:
        return "0+checkout"


def environment() -> dict[str, JSON]:
    """Versions, machine and cores, as a record holds them."""
    found: dict[str, JSON] = {"slm-audit": own_version(), "python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    found["machine"] = f"{platform.system()} {platform.machine()}"
    found["processor"] = _processor()
    found["memory_gb"] = _memory_gb()
    found["cores"] = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return found


def _processor() -> str:
    """The processor's name as the kernel tells it, or what the platform says."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or "unknown"


def _memory_gb() -> float | None:
    """The machine's memory."""
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (AttributeError, OSError, ValueError):
        return None
