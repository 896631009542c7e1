"""Streams differ by each of seed, probe and item, and are the same everywhere and always."""

from __future__ import annotations

from slm_audit.probes.streams import seed_of, stream


def test_streams_are_their_own() -> None:
    drawn = {stream(*key).random() for key in [(1, "p", "i"), (2, "p", "i"), (1, "q", "i"), (1, "p", "j")]}
    assert len(drawn) == 4
    assert stream(1, "p", "i").random() == stream(1, "p", "i").random()
    assert 0 <= seed_of(1, "p", "i") < 2**32
    assert len({seed_of(1, "p", str(at)) for at in range(1000)}) == 1000
