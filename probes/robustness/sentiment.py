"""The task that the robustness probes share: is a review positive or negative?"""

from __future__ import annotations

from collections.abc import Sequence

from ..asking import Choice, choose
from ..contract import Bench, Item
from ..items import read_jsonl

OPTIONS = ("positive", "negative")


def review_items() -> list[Item]:
    """The reviews as items: each its own cluster, with its text, and its label's place among the options."""
    assert __package__
    return [
        Item(
            id=str(row["id"]),
            cluster=str(row["id"]),
            groups=(("label", str(row["label"])),),
            content={"text": row["text"], "label": OPTIONS.index(str(row["label"]))},
        )
        for row in read_jsonl(__package__, "sentiment.jsonl")
    ]


def text_of(item: Item) -> str:
    """The review's text."""
    return str(item.content["text"])


def label_of(item: Item) -> int:
    """The place of the right answer among the options."""
    label = item.content["label"]
    assert isinstance(label, int)
    return label


def ask(bench: Bench, texts: Sequence[tuple[str, str]]) -> list[Choice]:
    """The answer that the model gives for each review: an id for the tie-break, and the review's text."""
    questions = [(name, f"Review: {text}\nIs the review positive or negative?") for name, text in texts]
    return choose(bench, questions, [OPTIONS] * len(questions), cue=" It is")
