"""Typing errors keep to their kind and their budget."""

import re

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slm_audit.probes.robustness.edits import EDITS, NEIGHBOURS, mistyped
from slm_audit.probes.robustness.sentiment import review_items, text_of

KINDS = pytest.mark.parametrize("kind", list(EDITS))
WORDS = st.lists(st.text("abcdefgxyzABCZ", min_size=1, max_size=9), min_size=1, max_size=20)
SEEDS = st.integers(0, 2**32 - 1)


def rng(seed: int = 0) -> numpy.random.Generator:
    return numpy.random.default_rng(seed)


def is_edit(kind: str, before: str, after: str) -> bool:
    """Whether `after` is `before` with one error of the kind behind the first letter: written from the kinds' names."""
    places = range(1, len(before))
    if kind == "drop":
        return any(after == before[:at] + before[at + 1 :] for at in places)
    if kind == "double":
        return any(after == before[:at] + before[at] + before[at:] for at in places)
    if kind == "swap":
        swapped = [before[:at] + before[at + 1] + before[at] + before[at + 2 :] for at in range(1, len(before) - 1)]
        return after != before and after in swapped
    differing = [at for at in range(len(before)) if len(after) == len(before) and after[at] != before[at]]
    return len(differing) == 1 and after[differing[0]].lower() in NEIGHBOURS[before[differing[0]].lower()]


@KINDS
@given(words=WORDS, seed=SEEDS, share=st.sampled_from([0.05, 0.2, 0.5, 1.0]))
def test_every_error_is_of_its_kind_and_the_budget_is_kept(
    kind: str, words: list[str], seed: int, share: float
) -> None:
    after = mistyped(" ".join(words), kind, rng(seed), share=share, shortest=4).split(" ")
    assert len(after) == len(words)
    changed = [(one, other) for one, other in zip(words, after, strict=True) if one != other]
    assert all(is_edit(kind, one, other) and one[0] == other[0] and len(one) >= 4 for one, other in changed)
    long = [one for one in words if len(one) >= 4]
    able = [one for one in long if kind != "swap" or len(set(one[1:])) > 1]
    assert len(changed) == min(max(1, round(share * len(long))), len(able))


@KINDS
def test_the_same_stream_gives_the_same_errors(kind: str) -> None:
    text = "The kettle, although expensive, never whistles before breakfast."
    one = mistyped(text, kind, rng(5), share=0.5, shortest=4)
    assert one == mistyped(text, kind, rng(5), share=0.5, shortest=4)
    assert len({mistyped(text, kind, rng(seed), share=0.5, shortest=4) for seed in range(20)}) > 10


@KINDS
def test_all_that_is_no_long_word_stays(kind: str) -> None:
    text = "It was: not so 12345 bad, is it? - No!"
    assert mistyped(text, kind, rng(), share=1.0, shortest=4) == text


@KINDS
def test_every_review_can_be_mistyped_and_keeps_its_number_of_words(kind: str) -> None:
    for item in review_items():
        before = text_of(item)
        after = mistyped(before, kind, rng(), share=0.2, shortest=4)
        assert after != before, item.id
        assert len(after.split()) == len(before.split()), item.id


def test_a_swap_leaves_a_word_of_one_letter_repeated_alone() -> None:
    assert mistyped("aaaa bbbb", "swap", rng(), share=1.0, shortest=4) == "aaaa bbbb"
    assert mistyped("aaaa bbbc", "swap", rng(), share=0.5, shortest=4) == "aaaa bbcb"


def test_the_keys_next_to_each_other_are_those_of_a_qwerty_keyboard() -> None:
    assert set(NEIGHBOURS["a"]) == set("qwsz")
    assert set(NEIGHBOURS["g"]) == set("tyfhvb")
    assert set(NEIGHBOURS["p"]) == set("ol")
    assert all(key in NEIGHBOURS[other] for key, near in NEIGHBOURS.items() for other in near)
    assert set(NEIGHBOURS) == set(re.findall("[a-z]", "abcdefghijklmnopqrstuvwxyz"))
