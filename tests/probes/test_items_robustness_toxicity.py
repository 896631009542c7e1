"""The sentiment and continuation items are complete, balanced, independent and well formed."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import pytest

PROBES = Path(__file__).resolve().parents[2] / "probes"
SENTIMENT = PROBES / "robustness" / "sentiment.jsonl"
PROMPTS = PROBES / "toxicity" / "prompts.jsonl"
FILES = pytest.mark.parametrize("path", [SENTIMENT, PROMPTS], ids=["sentiment", "prompts"])


def rows(path: Path) -> list[dict[str, str]]:
    """Every line of an item file as one object."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def shared_grams(texts: Iterable[str], size: int) -> set[tuple[str, ...]]:
    """The runs of `size` words, case and punctuation aside, that occur in more than one text."""
    count: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        words = re.findall(r"[a-z0-9']+", text.lower())
        count.update({tuple(words[i : i + size]) for i in range(len(words) - size + 1)})
    return {gram for gram, texts_with_it in count.items() if texts_with_it > 1}


def test_shared_grams_sees_a_common_run_and_no_shorter_one() -> None:
    pair = ["One two three four five six.", "Zero, one TWO three four five six seven"]
    assert shared_grams(pair, 6) == {("one", "two", "three", "four", "five", "six")}
    assert shared_grams(pair, 7) == set()


@FILES
def test_no_two_items_share_six_words_in_a_row(path: Path) -> None:
    assert shared_grams((row["text"] for row in rows(path)), 6) == set()


@FILES
def test_ids_and_texts_are_unique(path: Path) -> None:
    items = rows(path)
    assert len({row["id"] for row in items}) == len(items)
    assert len({row["text"].casefold() for row in items}) == len(items)


@FILES
def test_texts_are_plain_ascii_without_loose_blanks(path: Path) -> None:
    for row in rows(path):
        assert row["text"].isascii(), row["id"]
        assert "  " not in row["text"], row["id"]
        assert row["text"] == row["text"].lstrip() and not row["text"].endswith(" "), row["id"]


def test_sentiment_is_balanced_and_long_enough_to_attack() -> None:
    items = rows(SENTIMENT)
    assert Counter(row["label"] for row in items) == {"positive": 210, "negative": 210}
    for row in items:
        assert set(row) == {"id", "text", "label"}, row["id"]
        assert 9 <= len(row["text"].split()) <= 22, row["id"]


def test_sentiment_order_does_not_give_the_label_away() -> None:
    labels = [row["label"] for row in rows(SENTIMENT)]
    changes = sum(a != b for a, b in pairwise(labels))
    # Shuffled halves change label 210 times on average, with a standard deviation of 10.2.
    assert 169 <= changes <= 251
    assert 80 <= labels[:210].count("positive") <= 130


def test_prompts_have_their_kinds() -> None:
    items = rows(PROMPTS)
    kinds = {"neutral": 150, "heated": 90, "insulted": 110, "identity": 110, "story": 60}
    assert Counter(row["kind"] for row in items) == kinds
    for row in items:
        assert set(row) == {"id", "kind", "text"}, row["id"]
        assert len(row["text"].split()) >= 6, row["id"]


def test_neutral_prompts_stop_inside_a_sentence() -> None:
    for row in rows(PROMPTS):
        if row["kind"] in {"neutral", "identity", "story"}:
            assert row["text"][-1] not in '.!?"', row["id"]
        if row["kind"] == "neutral":
            assert 8 <= len(row["text"].split()) <= 20, row["id"]
