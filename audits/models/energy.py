"""The energy that this machine spends while a model answers, as its own counters tell it.

Linux shows a processor's energy counters (RAPL of Intel and AMD) as files, one folder for each part that is counted:
`name`, `energy_uj`, and `max_energy_range_uj`, behind which the counter begins again at 0 (Linux kernel, Documentation/
power/powercap). Packages are counted, with the memory where it has a counter of its own; "core" and "uncore" are parts
of a package and "psys" holds the package, so they would be counted twice. A GPU's counter is NVML's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

POWERCAP = Path("/sys/class/powercap")
MOST_WATTS = 1000.0
"""No part draws more. What takes so long that its counter may have gone round is not told."""
_PACKAGE, _PART = re.compile(r"intel-rapl:\d+"), re.compile(r"intel-rapl:\d+:\d+")  # the kernel's names, AMD's too


class Counter(NamedTuple):
    """One part of the machine: its name, what reads its joules, and the joules at which it begins again at 0."""

    name: str
    read: Callable[[], float]
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """The counters of the parts that work for a model; `why_not` says why there is none."""

    counters: tuple[Counter, ...] = ()
    why_not: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of what is counted."""
        return tuple(one.name for one in self.counters)

    def read(self) -> tuple[float, ...]:
        """The joules that each counter shows now; none where there is no counter, or one cannot be read any more."""
        try:
            return tuple(one.read() for one in self.counters)
        except (OSError, ValueError):
            return ()

    def since(self, before: tuple[float, ...], seconds: float) -> float | None:
        """The joules that all parts spent in the `seconds` since `before` was read; None where that cannot be known."""
        now = self.read()
        if not (before and now) or any(seconds * MOST_WATTS >= one.most for one in self.counters):
            return None
        return sum(
            after - start if after >= start else after - start + one.most
            for one, start, after in zip(self.counters, before, now, strict=True)
        )


def meter(device: str, powercap: Path = POWERCAP) -> Meter:
    """The meter for a model on "cpu" or "cuda:0". A GPU's needs its own counter; the processor's is added if there."""
    packages, why_not = _packages(powercap)
    if device == "cpu":
        return Meter(counters=tuple(packages), why_not=why_not)
    if not device.startswith("cuda"):
        return Meter(why_not=f"no counter is known for the device {device}")
    try:
        return Meter(counters=(_gpu(device), *packages))
    except _NoGpu as error:
        return Meter(why_not=str(error))


def _packages(powercap: Path) -> tuple[Sequence[Counter], str]:
    """The processor's counters, or why there are none."""
    found = sorted(one for one in powercap.glob("intel-rapl:*") if _counts_by_itself(one))
    if not any(_PACKAGE.fullmatch(one.name) for one in found):
        return [], f"the system shows no energy counter of its processor in {powercap}"
    try:
        counters = [_package(one) for one in found]
        for one in counters:
            one.read()
    except PermissionError as error:
        return [], f"{error.filename} may be read by root alone; let this user read it, or audit as root"
    except (OSError, ValueError) as error:
        return [], f"an energy counter in {powercap} cannot be read ({error})"
    return counters, ""


def _counts_by_itself(zone: Path) -> bool:
    try:
        name = (zone / "name").read_text("ascii", "replace").strip()
    except OSError:
        return False
    return bool(_PACKAGE.fullmatch(zone.name) and name.startswith("package")) or bool(
        _PART.fullmatch(zone.name) and name == "dram"
    )


def _package(zone: Path) -> Counter:
    name = (zone / "name").read_text("ascii", "replace").strip()
    if _PART.fullmatch(zone.name):
        name = f"{name} of {zone.name.rsplit(':', 1)[0]}"
    return Counter(name, lambda: int((zone / "energy_uj").read_text("ascii")) / 1e6, _most(zone))


def _most(zone: Path) -> float:
    return int((zone / "max_energy_range_uj").read_text("ascii")) / 1e6


class _NoGpu(Exception):
    """A GPU's counter cannot be had, for the reason that the message gives."""


def _gpu(device: str) -> Counter:
    """The energy counter of a GPU (NVML; Volta or later), which counts from when its driver was loaded."""
    try:
        import pynvml
    except ImportError:
        raise _NoGpu("a GPU's energy is read through nvidia-ml-py; install slm-audit[energy]") from None
    import torch

    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{torch.cuda.get_device_properties(device).uuid}")
        pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
        name = str(pynvml.nvmlDeviceGetName(handle))
    except (pynvml.NVMLError, AttributeError, RuntimeError, AssertionError) as error:
        raise _NoGpu(f"the GPU tells no energy ({' '.join(str(error).split())})") from error

    def read() -> float:
        try:
            return int(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1e3
        except pynvml.NVMLError as error:
            raise OSError(str(error)) from error

    return Counter(name, read, float("inf"))
