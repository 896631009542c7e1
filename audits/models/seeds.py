"""The seed of one sample, for models that draw by a seed of their own."""

from __future__ import annotations

import hashlib


def seed_of_sample(seed: int, sample: int) -> int:
    """A seed below 2**31, since programs differ in what they take; sample j has the same one however many there are."""
    return int.from_bytes(hashlib.sha256(f"{seed}|{sample}".encode()).digest()[:4], "little") >> 1
