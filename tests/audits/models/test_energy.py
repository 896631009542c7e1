"""Energy counters as the kernel lays them out; no machine of ours has any that a test may read."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest
from slm_audit import Decoding, Generation
from slm_audit.audits.models.energy import meter
from slm_audit.audits.models.transformers import TransformersModel

RANGE = 262_143_328_850  # of an Intel package, in microjoules: about a quarter of a megajoule


class Powercap:
    """A folder like /sys/class/powercap: links to the folders of the parts, those of sub-parts beside the others."""

    def __init__(self, place: Path) -> None:
        self.devices = place / "devices/virtual/powercap/intel-rapl"
        self.place = place / "class/powercap"
        self.place.mkdir(parents=True)

    def part(self, zone: str, name: str, joules: float = 0.0) -> Path:
        folder = self.devices / zone.rsplit(":", 1)[0] / zone
        folder.mkdir(parents=True)
        (folder / "name").write_text(name + "\n")
        (folder / "max_energy_range_uj").write_text(f"{RANGE}\n")
        (self.place / zone).symlink_to(folder)
        self.shows(zone, joules)
        return folder

    def shows(self, zone: str, joules: float) -> None:
        (self.place / zone / "energy_uj").write_text(f"{round(joules * 1e6)}\n")


@pytest.fixture
def powercap(tmp_path: Path) -> Powercap:
    made = Powercap(tmp_path)
    (made.place / "intel-rapl").mkdir()  # the control type, which counts nothing
    return made


def test_two_sockets_and_their_memory_are_added_and_nothing_is_counted_twice(powercap: Powercap) -> None:
    parts = {
        "intel-rapl:0": "package-0",
        "intel-rapl:0:0": "core",
        "intel-rapl:0:1": "dram",
        "intel-rapl:1": "package-1",
        "intel-rapl:1:0": "dram",
        "intel-rapl:2": "psys",
        "intel-rapl-mmio:0": "package-0",
    }
    for zone, name in parts.items():
        powercap.part(zone, name, joules=1000.0)
    found = meter("cpu", powercap.place)
    assert found.parts == ("package-0", "dram of intel-rapl:0", "package-1", "dram of intel-rapl:1")
    before = found.read()
    for at, zone in enumerate(parts):
        powercap.shows(zone, 1000.0 + 10.0**at)
    assert found.since(before, seconds=1.0) == pytest.approx(10.0**0 + 10.0**2 + 10.0**3 + 10.0**4)


def test_a_counter_that_begins_again_goes_on_counting(powercap: Powercap) -> None:
    powercap.part("intel-rapl:0", "package-0", joules=RANGE / 1e6 - 3.0)
    found = meter("cpu", powercap.place)
    before = found.read()
    powercap.shows("intel-rapl:0", 4.0)
    assert found.since(before, seconds=1.0) == pytest.approx(7.0, abs=1e-5)
    # At a thousand watts it would have gone round in 262 s, and nobody could tell how often.
    assert found.since(before, seconds=261.0) is not None
    assert found.since(before, seconds=263.0) is None


def test_what_goes_away_meanwhile_is_not_told(powercap: Powercap) -> None:
    folder = powercap.part("intel-rapl:0", "package-0")
    found = meter("cpu", powercap.place)
    before = found.read()
    (folder / "energy_uj").unlink()
    assert before and found.since(before, seconds=1.0) is None


def test_where_there_is_no_counter_or_none_for_us_the_reason_is_told(
    powercap: Powercap, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "shows no energy counter" in meter("cpu", powercap.place / "not there").why_not
    assert "shows no energy counter" in meter("cpu", powercap.place).why_not
    folder = powercap.part("intel-rapl:0", "package-0")
    (folder / "energy_uj").write_text("")
    assert "cannot be read" in meter("cpu", powercap.place).why_not
    (folder / "energy_uj").write_text("1")
    plain = Path.read_text

    def as_a_user(file: Path, *arguments: str) -> str:  # root, who may run the tests, may read all files
        if file.name == "energy_uj":
            raise PermissionError(13, "Permission denied", str(file))
        return plain(file, *arguments)

    monkeypatch.setattr(Path, "read_text", as_a_user)
    found = meter("cpu", powercap.place)
    assert found.read() == () and "may be read by root alone" in found.why_not


def test_a_gpu_without_its_own_counter_is_not_measured_by_the_processors(
    powercap: Powercap, monkeypatch: pytest.MonkeyPatch
) -> None:
    powercap.part("intel-rapl:0", "package-0")
    monkeypatch.setitem(sys.modules, "pynvml", None)  # as where it is not installed
    found = meter("cuda:0", powercap.place)
    assert found.parts == () and "slm-audit[energy]" in found.why_not
    assert "no counter is known" in meter("mps", powercap.place).why_not


def test_a_request_alone_tells_its_joules_and_others_none(powercap: Powercap, small_model: Path) -> None:
    powercap.part("intel-rapl:0", "package-0")
    model = TransformersModel(str(small_model), powercap=powercap.place)
    assert model.footprint is not None and model.footprint.energy_of == ("package-0",)
    ended, spent = threading.Event(), [0]

    def spend() -> None:
        while not ended.is_set():
            spent[0] += 1
            new = powercap.place / "intel-rapl:0" / "new"
            new.write_text(f"{spent[0]}")
            new.replace(powercap.place / "intel-rapl:0" / "energy_uj")  # the kernel's file is never half written

    worker = threading.Thread(target=spend)
    worker.start()
    try:
        asked = [Generation(prompt=f"The {at}", decoding=Decoding(max_tokens=32), alone=True) for at in range(6)]
        joules = [model.generate([one])[0][0].joules for one in asked]
        shared = Generation(prompt="A", decoding=Decoding(max_tokens=16, temperature=1.0), samples=3, alone=True)
        joules += [sum(one.joules or 0.0 for one in model.generate([shared])[0])]
        ((together,),) = model.generate([Generation(prompt="A", decoding=Decoding(max_tokens=4))])
    finally:
        ended.set()
        worker.join()
    # On a busy machine the counter may stand still for the milliseconds of one request, hardly for those of all.
    assert all(one is not None for one in joules)
    assert 0 < sum(one or 0.0 for one in joules) <= spent[0] / 1e6
    assert together.joules is None
