"""What a card says chooses what is advised, and what was measured needs no advice."""

from __future__ import annotations

import pytest
from slm_audit.audits.advice import advice
from slm_audit.audits.model_file import CascadeFile, LocalFile
from slm_audit.audits.spec import Card

PLAIN = LocalFile(path="m")


def pair(small: LocalFile, large: LocalFile) -> CascadeFile:
    return CascadeFile(kind="cascade", small=small, large=large, threshold=0.5)


@pytest.mark.parametrize(
    ("card", "model", "said"),
    [
        ({"acquired": {"how": "quantised"}}, PLAIN, "was quantised"),
        ({}, LocalFile(path="m", quantised="int8"), "was quantised"),
        ({"acquired": {"how": "distilled", "from": "t"}}, PLAIN, "was distilled"),
        ({"enhanced": ["sft"]}, PLAIN, "plant canaries"),
        ({}, LocalFile(path="m", adapter="a"), "plant canaries"),
        ({"enhanced": ["int4 quantisation"], "acquired": {"how": "quantised"}}, PLAIN, "was quantised"),
        ({"enhanced": ["int4 quantisation"]}, LocalFile(path="m", quantised="int4"), "the model was quantised"),
        ({"used_for": {"task": "answers over retrieved pages"}}, PLAIN, "keeps to them is not shown"),
        ({"enhanced": ["RAG"]}, PLAIN, "keeps to them is not shown"),
        ({}, pair(LocalFile(path="m", quantised="int8"), PLAIN), "the small model was quantised"),
        ({}, pair(PLAIN, LocalFile(path="m", adapter="a")), "the large model was fine-tuned"),
        (
            {"acquired": {"how": "quantised"}},
            pair(LocalFile(path="m", quantised="int8"), PLAIN),
            "the model was quantised",
        ),
    ],
)
def test_each_making_has_its_advice(card: dict[str, object], model: LocalFile | CascadeFile, said: str) -> None:
    (line,) = advice(Card.model_validate(card), model, {}, {"toxicity.continuations"})
    assert said in line


def test_a_plain_model_and_one_whose_canaries_were_asked_for_have_none() -> None:
    assert list(advice(Card(), PLAIN, {}, set())) == []
    tuned = Card.model_validate({"enhanced": ["sft", "dpo"], "acquired": {"how": "trained"}})
    assert list(advice(tuned, PLAIN, {}, {"privacy.exposure"})) == []
    assert list(advice(tuned, PLAIN, {}, {"privacy.membership"})) == []
    grounded = Card.model_validate({"used_for": {"task": "summaries"}})
    assert list(advice(grounded, PLAIN, {}, {"hallucination.grounded"})) == []


def test_a_part_that_was_quantised_before_it_was_saved_is_found_by_its_own_config() -> None:
    stored = {"settings": {"stored_as": "gptq"}}
    (line,) = advice(Card(), PLAIN, stored, set())
    assert line.startswith("the model was quantised")
    (line,) = advice(Card(), pair(PLAIN, PLAIN), {"settings": {"small": stored, "large": {"settings": {}}}}, set())
    assert line.startswith("the small model was quantised")
