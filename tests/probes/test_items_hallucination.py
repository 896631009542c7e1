"""The closed-book, made-up and real questions are complete, independent and have one undisputed answer."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import TypedDict

import pytest

FOLDER = Path(__file__).parents[2] / "probes" / "hallucination"
COUNTS = {"questions": 320, "made_up": 200, "real": 60}
FIELDS = {
    "questions": {"id", "category", "question", "answers", "distractors"},
    "made_up": {"id", "kind", "name", "question"},
    "real": {"id", "kind", "name", "question", "answers"},
}


class Row(TypedDict, total=False):
    id: str
    category: str
    kind: str
    name: str
    question: str
    answers: list[str]
    distractors: list[str]


def read(name: str) -> list[Row]:
    lines = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def words(text: str) -> list[str]:
    return re.findall(r"[\w']+", text.lower())


def padded(text: str) -> str:
    """The words without a leading article, spaced so that `in` finds whole words only."""
    found = words(text)
    if found and found[0] in {"a", "an", "the"}:
        found = found[1:]
    return f" {' '.join(found)} "


@pytest.mark.parametrize("name", COUNTS)
def test_rows_are_complete_and_ids_count_up(name: str) -> None:
    rows = read(name)
    assert [row["id"] for row in rows] == [f"{name[0]}{n:03d}" for n in range(1, COUNTS[name] + 1)]
    assert all(set(row) == FIELDS[name] for row in rows)
    assert all(row["question"] == row["question"].strip() and row["question"][-1] in "?." for row in rows)


@pytest.mark.parametrize("name", COUNTS)
def test_no_two_questions_of_a_file_share_six_words_in_a_row(name: str) -> None:
    # Questions from one template would count as many clusters and be one.
    owner: dict[tuple[str, ...], str] = {}
    for row in read(name):
        found = words(row["question"])
        for start in range(len(found) - 5):
            gram = tuple(found[start : start + 6])
            assert owner.setdefault(gram, row["id"]) == row["id"], gram


def test_categories_and_kinds_are_balanced() -> None:
    categories = Counter(row["category"] for row in read("questions"))
    assert len(categories) == 22
    assert all(10 <= count <= 25 for count in categories.values()), categories
    made_up, real = (Counter(row["kind"] for row in read(name)) for name in ("made_up", "real"))
    assert set(made_up.values()) == {16, 17} and set(real.values()) == {5}
    assert made_up.keys() == real.keys() and len(real) == 12


@pytest.mark.parametrize("row", read("questions"), ids=lambda row: row["id"])
def test_three_distractors_none_of_which_is_right(row: Row) -> None:
    truths = [padded(answer) for answer in row["answers"]]
    wrong = [padded(distractor) for distractor in row["distractors"]]
    assert len(set(wrong)) == len(wrong) == 3
    assert not [(t, w) for t in truths for w in wrong if t in w or w in t]
    assert 5 <= len(words(row["question"])) <= 16


@pytest.mark.parametrize("name", ["questions", "real"])
def test_aliases_are_distinct_and_not_given_away_by_the_question(name: str) -> None:
    for row in read(name):
        assert row["answers"] and len({answer.lower() for answer in row["answers"]}) == len(row["answers"])
        asked = f" {' '.join(words(row['question']))} "
        assert not [answer for answer in row["answers"] if padded(answer) in asked], row["id"]


@pytest.mark.parametrize("name", ["made_up", "real"])
def test_names_are_distinct_and_asked_about(name: str) -> None:
    rows = read(name)
    assert len({row["name"].lower() for row in rows}) == len(rows)
    assert all(row["name"] in row["question"] for row in rows)


def test_nothing_is_both_made_up_and_real() -> None:
    made_up, real = ({row["name"].lower() for row in read(name)} for name in ("made_up", "real"))
    assert not made_up & real
