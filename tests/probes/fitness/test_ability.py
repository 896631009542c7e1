"""The user's own task: what is measured of models whose ability is known, and what is wrong with a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from slm_audit import Access, Item, NotMeasured, Scripted, check_probe
from slm_audit.probes.fitness.ability import Ability
from slm_audit.probes.testing import measure


def task(place: Path, name: str = "task.jsonl") -> Path:
    """60 texts of two labels, 40 of them 'even'."""
    rows = [{"text": f"number {at} is", "label": "odd" if at % 3 == 0 else "even"} for at in range(60)]
    file = place / name
    if name.endswith(".csv"):
        file.write_text("text,label\n" + "".join(f"{row['text']},{row['label']}\n" for row in rows))
    else:
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def knows(context: str, answer: str) -> float:
    number = int(context.split("number ")[1].split()[0])
    return -1.0 if (answer.strip() == "odd") == (number % 3 == 0) else -5.0


@pytest.mark.parametrize("name", ["task.jsonl", "task.csv"])
def test_a_model_that_can_do_it_and_one_that_always_says_the_same(tmp_path: Path, name: str) -> None:
    probe = Ability(task=task(tmp_path, name))
    check_probe(probe, most_items=60)
    able = measure(probe, Scripted("", knows))
    assert able["accuracy"].value == 1.0
    assert able["accuracy"].low > 0.9
    assert able["accuracy"].chance == 0.5
    assert able["majority"].value == pytest.approx(40 / 60)
    same = measure(probe, Scripted("", lambda _, answer: -float("odd" in answer)))
    assert same["accuracy"].value == pytest.approx(40 / 60)


def test_a_model_that_only_writes_is_read_and_a_reply_without_a_label_is_missing(tmp_path: Path) -> None:
    probe = Ability(task=task(tmp_path))
    writes = frozenset({Access.generate})
    always = measure(probe, Scripted("It is even.", access=writes))
    assert always["accuracy"].value == pytest.approx(40 / 60)
    vague = measure(probe, Scripted("Who knows?", access=writes))
    assert vague["accuracy"].value is None
    assert vague["accuracy"].missing == 60


def test_rows_of_one_cluster_stay_together(tmp_path: Path) -> None:
    file = tmp_path / "task.jsonl"
    rows = [{"text": "t", "label": "ab"[at % 2], "cluster": f"customer {at // 2}"} for at in range(6)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    items: list[Item] = list(Ability(task=file).items())
    assert [one.cluster for one in items] == [f"customer {at // 2}" for at in range(6)]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("t.jsonl", '{"text": "a", "label": "x"}\n{"text": "b"}\n', "t.jsonl:2: the label is missing"),
        ("t.csv", "text,label\na,x\nb,\n", "t.csv:3: the label is missing"),
        ("t.csv", "question,answer\na,x\n", "t.csv:2: the text is missing"),
        ("t.jsonl", '{"text": "a", "label": "x"}\n{"text": "b", "la', "t.jsonl:2: is not JSON"),
        ("t.jsonl", '{"text": "a", "label": "x"}\n', "has fewer than two labels"),
        ("t.jsonl", "[1]\n", "t.jsonl:1: text and label are expected"),
        ("t.jsonl", "", "has fewer than two labels"),
    ],
)
def test_a_file_that_is_no_task_is_told_with_its_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=said):
        Ability(task=tmp_path / name).items()


def test_a_label_that_is_not_among_the_given_ones(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the label 'odd' is none of even, uneven"):
        Ability(task=task(tmp_path), labels=("even", "uneven")).items()


def test_without_a_file_it_is_not_measured() -> None:
    with pytest.raises(NotMeasured, match="no task file was named"):
        Ability().items()
