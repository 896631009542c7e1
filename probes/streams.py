"""Streams of random choices that depend on (seed, probe, item) and on nothing else."""

from __future__ import annotations

import hashlib

import numpy


def stream(seed: int, probe: str, item: str) -> numpy.random.Generator:
    """The stream of one item of a probe."""
    return numpy.random.Generator(numpy.random.Philox(key=_entropy(seed, probe, item, 16)))


def seed_of(seed: int, probe: str, item: str) -> int:
    """The seed of one item's generations, below 2**32."""
    return _entropy(seed, probe, item, 4)


def _entropy(seed: int, probe: str, item: str, size: int) -> int:
    said = f"{seed}|{probe}|{item}".encode()
    return int.from_bytes(hashlib.sha256(said).digest()[:size], "little")
