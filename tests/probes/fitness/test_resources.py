"""What a model takes, from replies whose times are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from slm_audit import Completion, Generation, Scripted, check_probe
from slm_audit.probes.contract import Footprint
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
