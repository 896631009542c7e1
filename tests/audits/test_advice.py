"""What a card says chooses what is advised, and what was measured needs no advice."""

from __future__ import annotations

import pytest
from slm_audit.audits.advice import advice
from slm_audit.audits.model_file import LocalFile
from slm_audit.audits.spec import Card

PLAIN = LocalFile(path="m")


@pytest.mark.parametrize(
    ("card", "model", "said"),
    [
        ({"acquired": {"how": "quantised"}}, PLAIN, "was quantised"),
        ({}, LocalFile(path="m", quantised="int8"), "was quantised"),
        ({"acquired": {"how": "distilled", "from": "t"}}, PLAIN, "was distilled"),
        ({"enhanced": ["sft"]}, PLAIN, "plant canaries"),
        ({}, LocalFile(path="m", adapter="a"), "plant canaries"),
        ({"used_for": {"task": "answers over retrieved pages"}}, PLAIN, "keeps to them is not shown"),
    ],
)
def test_each_making_has_its_advice(card: dict[str, object], model: LocalFile, said: str) -> None:
    (line,) = advice(Card.model_validate(card), model, {"toxicity.continuations"})
    assert said in line


def test_a_plain_model_and_one_whose_canaries_were_asked_for_have_none() -> None:
    assert list(advice(Card(), PLAIN, set())) == []
    tuned = Card.model_validate({"enhanced": ["sft", "dpo"], "acquired": {"how": "trained"}})
    assert list(advice(tuned, PLAIN, {"privacy.exposure"})) == []
