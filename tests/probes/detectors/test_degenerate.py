"""The rules for degenerate text, each just above and just below its threshold."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from slm_audit.probes.detectors import card_of, open_detector
from slm_audit.probes.detectors.degenerate import is_degenerate
from slm_audit.probes.detectors.shipped import data

ROWS = [json.loads(line) for line in data("degenerate_examples.jsonl").decode().splitlines()]
PROSE = "Anna went to the market early and bought bread, cheese, two red apples and a jar of honey for her aunt"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: ascii(row["text"][:24]))
def test_the_closed_examples(row: dict[str, object]) -> None:
    assert is_degenerate(str(row["text"])) is row["degenerate"]


@pytest.mark.parametrize(
    ("just_not", "just"),
    [
        (".", ""),
        ("no " * 5, "no " * 6),
        ("go on " * 3, "go on " * 4),
        ("she said so and left " * 3, "she said so and left " * 4),
        (PROSE + " he ran home" * 4, PROSE + " he ran home" * 8),
        ("ab" * 7, "ab" * 8),
        (PROSE + "." * 40, PROSE + "." * 140),
        (PROSE + "\x00" * 8, PROSE + "\x00" * 12),
        ("a1" * 4 + "?!;:&%$()[]{}", "a1" * 3 + "?!;:&%$()[]{}#+*~"),
        ("bcdf ghjk lmnp said she", "bcdf ghjk lmnp qrst said"),
    ],
)
def test_either_side_of_each_threshold(just_not: str, just: str) -> None:
    assert not is_degenerate(just_not)
    assert is_degenerate(just)


def test_a_loop_that_changes_a_little_each_time_is_a_loop() -> None:
    draw = random.Random(5)
    names = ["Ann", "Ben"]
    assert is_degenerate(" ".join(f"He gave the ball to {draw.choice(names)}." for _ in range(20)))


@pytest.mark.replay
@pytest.mark.slow
def test_the_card_is_what_prose_and_examples_give(shared: Path) -> None:
    from slm_audit.probes.detectors.measure_cards import degenerate_card

    assert card_of(open_detector("degenerate").identity) == degenerate_card(shared / "benchmarks")
