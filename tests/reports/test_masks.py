"""Nothing sensitive is left in a masked text, and the same value gets the same token."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slm_audit.reports.masks import Mask


def test_known_strings_are_masked_wherever_they_stand_the_longest_first() -> None:
    mask = Mask(["4 8 2 9", "4 8 2 9 1 0", " tundra-4417 "], "run")
    told = mask("it is 4 8 2 9 1 0, TUNDRA-4417 or 4 8 2 9")
    assert "4 8" not in told
    assert "4417" not in told
    assert told.count("[secret ") == 3
    assert told == mask("it is 4 8 2 9 1 0, tundra-4417 or 4 8 2 9")


def test_tokens_are_stable_in_a_run_and_differ_between_runs() -> None:
    assert Mask(["x1"], "a")("x1") == Mask(["x1"], "a")("x1") != Mask(["x1"], "b")("x1")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("write to ann.b+c@example.org now", "email"),
        ("card 4111 1111 1111 1111.", "card"),
        ("DE89 3704 0044 0532 0130 00", "iban"),
        ("call +44 20 7946 0958", "phone"),
        ("call 555-867-5309", "phone"),
    ],
)
def test_what_looks_like_personal_data_is_masked(text: str, kind: str) -> None:
    assert f"[{kind} " in Mask([], "run")(text)


@pytest.mark.parametrize("text", ["in 1984", "3.14 and 2,000", "a - b", "3-2-1", "section 12.3.4"])
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert Mask([], "run")(text) == text


def test_a_long_hostile_text_is_masked_in_linear_time() -> None:
    Mask(["s"], "run")("a@" * 200_000 + "1 " * 200_000)


@given(
    words=st.lists(st.text(alphabet="abAB.(é", min_size=1, max_size=5), min_size=1, max_size=12),
    text=st.text(alphabet="abAB.(éx ", max_size=60),
)
def test_at_each_place_the_longest_secret_is_masked(words: list[str], text: str) -> None:
    longest_first = sorted({one.strip() for one in words}, key=len, reverse=True)
    plainly = re.sub("|".join(map(re.escape, longest_first)), "#", text, flags=re.IGNORECASE)
    assert re.sub(r"\[secret [0-9a-f]{8}\]", "#", Mask(words, "salt")(text)) == plainly


def test_a_very_long_secret_is_masked() -> None:
    long = "x1" * 3000
    assert "x1" not in Mask([long], "salt")(f"it is {long}, they say")


def test_secrets_that_each_begin_with_the_one_before_are_masked() -> None:
    mask = Mask(["a" * length for length in range(1, 1500)], "salt")
    assert "a" not in re.sub(r"\[secret [0-9a-f]{8}\]", "", mask(f"b{'a' * 1200}b"))
