"""The contract's values survive JSON, and what does not fit is refused by name."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as some
from slm_audit.probes.contract import (
    Completion,
    ContractError,
    Decoding,
    Exchange,
    Generation,
    Item,
    Message,
    Observation,
    Score,
    Scoring,
    canonical,
    from_json,
    to_json,
)

text = some.text(max_size=20)
finite = some.floats(allow_nan=False, allow_infinity=False)


@given(
    prompt=some.one_of(
        text, some.lists(some.builds(Message, role=some.sampled_from(["user", "system"]), content=text))
    ),
    seed=some.integers(0, 2**32),
    top_p=some.floats(0.01, 1),
    logprobs=some.none() | some.lists(finite, max_size=4),
    values=some.dictionaries(text, some.none() | finite, max_size=3),
)
def test_an_observation_with_all_its_exchanges_survives_json(prompt, seed, top_p, logprobs, values) -> None:
    asked = Generation(
        prompt=prompt if isinstance(prompt, str) else tuple(prompt),
        decoding=Decoding(max_tokens=3, top_p=top_p),
        seed=seed,
    )
    reply = Completion(text="x", finish="stop", token_logprobs=None if logprobs is None else tuple(logprobs))
    scored = Exchange(asked=Scoring(context="a", continuation="b"), reply=Score(logprob=-1.5, tokens=2))
    seen = Observation(
        item="i", cluster="c", status="judged", values=values, exchanges=(Exchange(asked=asked, reply=reply), scored)
    )
    assert from_json(Observation, json.loads(canonical(seen))) == seen


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"id": "a", "cluster": "b", "colour": 1}, "unknown key 'colour'"),
        ({"id": "a"}, "'cluster' is missing"),
        ({"id": 3, "cluster": "b"}, "Item.id: str is expected"),
        ({"id": "a", "cluster": "b", "groups": [["x"]]}, "2 values are expected"),
        ([], "an object is expected"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(data, said: str) -> None:
    with pytest.raises(ContractError, match="Item") as caught:
        from_json(Item, data)
    assert said in str(caught.value)


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_numbers_that_are_not_finite_have_no_canonical_form(number: float) -> None:
    with pytest.raises(ContractError, match="not finite"):
        canonical(Score(logprob=number, tokens=1))
    with pytest.raises(ContractError, match="finite"):
        from_json(Score, {"logprob": number, "tokens": 1})


def test_canonical_text_does_not_depend_on_the_order_of_keys_and_is_ascii() -> None:
    assert canonical({"b": 1, "a": "é"}) == canonical({"a": "é", "b": 1}) == '{"a":"\\u00e9","b":1}'


def test_a_bool_is_no_number_and_a_number_no_bool() -> None:
    plain = to_json(Completion(text="", finish="stop"))
    assert isinstance(plain, dict)
    for wrong in ({"tokens": True}, {"seeded": 1}):
        with pytest.raises(ContractError):
            from_json(Completion, {**plain, **wrong})


@pytest.mark.parametrize(
    "wrong", [{"max_tokens": 0}, {"max_tokens": 1, "top_p": 0}, {"max_tokens": 1, "temperature": -1}]
)
def test_no_sampler_can_decode_so(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="no sampler"):
        Decoding(**wrong)
