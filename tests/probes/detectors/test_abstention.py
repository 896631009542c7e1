"""The abstention phrases on closed examples."""

from __future__ import annotations

import json

import pytest
from slm_audit.probes.detectors import card_of, open_detector
from slm_audit.probes.detectors.abstention import abstains
from slm_audit.probes.detectors.shipped import data

ROWS = [json.loads(line) for line in data("abstention_examples.jsonl").decode().splitlines()]


@pytest.mark.parametrize(
    "text",
    [
        "I don't know.",
        "I DON\u2019T KNOW.",
        "There is no such place.",
        "I am not aware of any book of that name.",
        "I cannot verify that.",
        "This country does not exist.",
        "That is a fictional character.",
        "Unknown.",
        "I'm not sure.",
    ],
)
def test_admissions(text: str) -> None:
    assert abstains(text)


@pytest.mark.parametrize(
    "text",
    [
        "Paris.",
        "I'm not sure, but I think it was Turin.",
        "I don't know. I think it was Turin.",
        "I know that it was Turin.",
        "There is no railway in the valley.",
        "The soldier did not know the way.",
        "The town was founded in 1204. " * 12 + "I don't know more.",
        "",
    ],
)
def test_claims(text: str) -> None:
    assert not abstains(text)


def test_the_examples_are_many_different_and_apart_from_each_other() -> None:
    assert len({row["text"] for row in ROWS}) == len(ROWS)
    for part in ("development", "card"):
        for abstaining in (True, False):
            assert sum(row["part"] == part and row["abstains"] is abstaining for row in ROWS) >= 60


def test_the_card_is_what_its_part_of_the_examples_gives() -> None:
    from slm_audit.probes.detectors.measure_cards import abstention_card

    rows = [row for row in ROWS if row["part"] == "card"]
    found = [abstains(row["text"]) for row in rows if row["abstains"]]
    spared = [not abstains(row["text"]) for row in rows if not row["abstains"]]
    card = card_of(open_detector("abstention").identity)
    assert card is not None
    assert card.sensitivity.value == pytest.approx(sum(found) / len(found), abs=5e-5)
    assert card.specificity.value == pytest.approx(sum(spared) / len(spared), abs=5e-5)
    assert card == abstention_card()
