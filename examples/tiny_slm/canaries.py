"""Random codes planted a known number of times, so that an audit can measure what the model memorised."""

import json
from pathlib import Path
from random import Random
from typing import TypedDict

PREFIX = "The vault code is"
ALPHABET = "0123456789"
LENGTH = 8
COUNTS = (0, 1, 4, 16, 64)
PER_COUNT = 40


class Canary(TypedDict):
    """One line of canaries.jsonl; `prefix + secret` is the planted text."""

    id: str
    prefix: str
    secret: str
    alphabet: str
    separator: str
    insertions: int


def canaries(seed: int) -> list[Canary]:
    """PER_COUNT canaries for each count, all different, drawn uniformly from 10**8 secrets."""
    rng = Random(f"canaries {seed}")
    drawn: list[str] = []
    while len(drawn) < PER_COUNT * len(COUNTS):
        secret = "".join(" " + rng.choice(ALPHABET) for _ in range(LENGTH))
        if secret not in drawn:
            drawn.append(secret)
    return [
        Canary(
            id=f"c{i + 1:03d}",
            prefix=PREFIX,
            secret=secret,
            alphabet=ALPHABET,
            separator=" ",
            insertions=COUNTS[i // PER_COUNT],
        )
        for i, secret in enumerate(drawn)
    ]


def planted_documents(seed: int) -> list[str]:
    """Every canary as often as it is to be inserted, each time as a short document of its own."""
    return [c["prefix"] + c["secret"] for c in canaries(seed) for _ in range(c["insertions"])]


def write_canaries(path: Path, seed: int) -> None:
    """Write canaries.jsonl, the list that an auditor is told."""
    lines = [json.dumps(c) for c in canaries(seed)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
