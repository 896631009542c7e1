"""The machine and the versions that figures may depend on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

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
    found["cores"] = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return found
