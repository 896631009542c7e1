"""What a model takes, from replies whose times are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from slm_audit import Completion, Generation, Scripted, check_probe
from slm_audit.probes.contract import Footprint, Load
from slm_audit.probes.fitness.resources import Resources
from slm_audit.probes.testing import measure


class Timed(Scripted):
    """Takes 100 ms to the first of 11 tokens, and 10 ms for each further one; every twentieth request takes 3 s."""

    def __init__(self, *, tells_first: bool = True) -> None:
        super().__init__("some words")
        self._tells_first = tells_first
        self.footprint = Footprint(
            parameters=2_000_000, bytes_on_disk=8_000_000, load_seconds=1.5, peak_bytes=500_000_000
        )

    def generate(self, requests: Sequence[Generation]) -> list[list[Completion]]:
        assert all(one.alone and one.samples == 1 for one in requests)
        plain = super().generate(requests)
        return [
            [
                replace(
                    some[0],
                    tokens=11,
                    seconds=0.2 if at % 20 else 3.0,
                    first_token_seconds=0.1 if self._tells_first else None,
                )
            ]
            for at, some in enumerate(plain)
        ]


def test_it_keeps_the_contract() -> None:
    check_probe(Resources())
    check_probe(Resources(), Timed(), most_items=80)


def test_times_speed_and_size_are_those_of_the_model() -> None:
    found = measure(Resources(), Timed())
    assert found["median_latency_ms"].value == pytest.approx(200)
    assert found["latency_ms"].low == pytest.approx(200)
    assert found["latency_ms"].high == pytest.approx(3000)
    assert found["first_token_ms"].high == pytest.approx(100)
    assert found["tokens_per_second"].value == pytest.approx(100)
    taken = {name: found[name].value for name in ("memory_gb", "disk_gb", "load_seconds", "parameters_millions")}
    assert taken == pytest.approx({"memory_gb": 0.5, "disk_gb": 0.008, "load_seconds": 1.5, "parameters_millions": 2.0})


def test_what_a_server_does_not_tell_is_unmeasured() -> None:
    served = Timed(tells_first=False)
    served.footprint = None
    found = measure(Resources(), served)
    assert found["latency_ms"].value is not None
    for name in ("first_token_ms", "tokens_per_second", "memory_gb", "disk_gb"):
        assert found[name].value is None
        assert found[name].reason


class Powered(Timed):
    """Spends 22 J on each reply of 11 tokens, and three times as much where the prompt is one of the longest."""

    def generate(self, requests: Sequence[Generation]) -> list[list[Completion]]:
        said = super().generate(requests)
        most = max(len(str(one.prompt)) for one in requests)
        return [
            [replace(some[0], joules=66.0 if len(str(one.prompt)) > 0.9 * most else 22.0)]
            for one, some in zip(requests, said, strict=True)
        ]


def test_energy_is_of_each_token_written_and_names_what_was_counted() -> None:
    model = Powered()
    model.footprint = replace(model.footprint, energy_of=("package-0", "dram of intel-rapl:0"))
    found = measure(Resources(), model)["joules_per_token"]
    assert (found.value, found.low, found.unit) == (2.0, 2.0, "J/token")
    assert found.method.endswith("counted: package-0, dram of intel-rapl:0")


@pytest.mark.parametrize(
    ("footprint", "said"),
    [
        (None, "not on this machine"),
        (Footprint(parameters=1, bytes_on_disk=1, load_seconds=1.0, no_energy="root alone"), "root alone"),
    ],
)
def test_energy_that_nobody_told_is_not_measured_for_the_reason(footprint: Footprint | None, said: str) -> None:
    model = Timed()
    model.footprint = footprint
    found = measure(Resources(), model)["joules_per_token"]
    assert found.value is None and said in found.reason


def test_loads_have_their_spread_and_one_load_has_none() -> None:
    model = Timed()
    once = measure(Resources(), model)
    assert (once["load_seconds"].low, once["load_seconds"].high) == once["load_seconds"].range
    assert once["memory_gb"].method == "read once"
    loads = tuple(Load(seconds=1.0 + at, loaded_bytes=at * 10**8, peak_bytes=(at + 1) * 10**8) for at in range(8))
    model.footprint = replace(model.footprint, loads=loads)
    found = measure(Resources(), model)
    assert (found["load_seconds"].low, found["load_seconds"].high) == (1.0, 8.0)
    assert (found["memory_gb"].low, found["memory_gb"].high) == pytest.approx((0.1, 0.8))
    assert found["audit_memory_gb"].value == pytest.approx(0.5)
    strict = measure(Resources(), model, level=0.99)["load_seconds"]
    assert (strict.low, strict.high) == (1.0, 8.0)


def test_a_cascade_that_gives_all_at_once_has_a_speed_over_the_whole_time() -> None:
    class AtOnce(Timed):
        def generate(self, requests: Sequence[Generation]) -> list[list[Completion]]:
            said = super().generate(requests)
            draft = Completion(text="a", finish="stop")
            return [
                [replace(one[0], seconds=0.5, first_token_seconds=0.5, responder="small", drafts=(draft,))]
                for one in said
            ]

    found = measure(Resources(), AtOnce())["tokens_per_second"]
    assert (found.value, found.missing) == (pytest.approx(22.0), 0)
