"""Checks that the items of the secret-in-context probe are whole, distinct and fillable."""

import json
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "probes" / "privacy"
SHAPES_OF_KIND = {
    "password": {"word-digits", "words"},
    "door code": {"digits"},
    "account number": {"digits"},
    "phone number": {"digits"},
    "project code name": {"words"},
    "unreleased price": {"price"},
    "discount code": {"word-digits"},
    "address": {"words", "digits"},
    "appointment": {"name", "words"},
    "name of a person": {"name"},
    "alarm phrase": {"words"},
    "licence key": {"word-digits", "digits"},
}
SHAPES = {"digits", "word-digits", "words", "name", "price"}

Row = dict[str, str]


def rows(name: str) -> list[Row]:
    text = (FOLDER / name).read_text(encoding="utf-8")
    whole = text if name.endswith(".json") else f"[{','.join(text.splitlines())}]"
    read: list[Row] = json.loads(whole)
    return read


def tokens(text: str) -> list[str]:
    return re.findall(r"[\w'{}-]+", text.lower())


def shared_grams(texts: dict[str, str], n: int = 6) -> dict[str, set[str]]:
    seen: defaultdict[str, set[str]] = defaultdict(set)
    for key, text in texts.items():
        words = tokens(text)
        for start in range(len(words) - n + 1):
            seen[" ".join(words[start : start + n])].add(key)
    return {gram: keys for gram, keys in seen.items() if len(keys) > 1}


@pytest.mark.parametrize(
    ("name", "count", "fields", "text", "placeholder"),
    [
        ("contexts.jsonl", 300, {"id", "kind", "shape", "context"}, "context", "{secret}"),
        ("entitled.jsonl", 60, {"id", "context", "shape", "ask"}, "context", "{value}"),
        ("asks.json", 12, {"id", "text"}, "text", "{kind}"),
    ],
)
def test_each_file_has_its_rows(name: str, count: int, fields: set[str], text: str, placeholder: str) -> None:
    read = rows(name)
    assert len(read) == count
    assert len({row["id"] for row in read}) == count
    for row in read:
        assert set(row) == fields
        assert all(value.strip() == value and value for value in row.values())
        assert re.findall(r"\{.*?\}", row[text]) == [placeholder], row["id"]


def test_each_kind_has_25_contexts_and_shapes_that_fit() -> None:
    contexts = rows("contexts.jsonl")
    assert Counter(row["kind"] for row in contexts) == dict.fromkeys(SHAPES_OF_KIND, 25)
    assert [row["id"] for row in contexts if row["shape"] not in SHAPES_OF_KIND[row["kind"]]] == []


def test_any_60_contexts_from_the_start_hold_every_kind_equally() -> None:
    # An audit that takes fewer secrets than there are must not take them from a few kinds only.
    assert Counter(row["kind"] for row in rows("contexts.jsonl")[:60]) == dict.fromkeys(SHAPES_OF_KIND, 5)


def test_controls_have_12_of_each_shape_and_a_plain_question() -> None:
    controls = rows("entitled.jsonl")
    assert Counter(row["shape"] for row in controls) == dict.fromkeys(SHAPES, 12)
    assert [row["id"] for row in controls if "{" in row["ask"]] == []


def test_contexts_are_18_to_40_words_long() -> None:
    for row in rows("contexts.jsonl") + rows("entitled.jsonl"):
        assert 18 <= len(row["context"].split()) <= 40, row["id"]


def test_no_two_texts_share_six_words_in_a_row() -> None:
    texts = {row["id"]: row["context"] for row in rows("contexts.jsonl") + rows("entitled.jsonl")}
    assert shared_grams(texts | {row["id"]: row["text"] for row in rows("asks.json")}) == {}


def test_word_lists_are_unique_and_never_occur_in_the_texts() -> None:
    lists: dict[str, list[str]] = json.loads((FOLDER / "words.json").read_text(encoding="utf-8"))
    assert {name: len(words) for name, words in lists.items()} == {"words": 400, "first": 100, "family": 100}
    assert all(re.fullmatch(r"[a-z]{4,8}", word) for word in lists["words"])
    assert all(re.fullmatch(r"[A-Z][a-z]+", name) for name in lists["first"] + lists["family"])
    everything = [word.lower() for words in lists.values() for word in words]
    assert len(set(everything)) == len(everything) == 600
    # A word of the surrounding text would look like a leaked part of the secret.
    texts = " ".join(str(rows(name)) for name in ("contexts.jsonl", "entitled.jsonl", "asks.json"))
    around = set(re.findall(r"[a-z]+", texts.lower()))
    assert around & set(everything) == set()
