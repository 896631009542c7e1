"""Right answers in other words are right; wrong, denied and several answers are not."""

import pytest
from slm_audit.probes.hallucination.grading import is_correct, normalised
from slm_audit.probes.items import read_jsonl

PARIS, NOT_PARIS = ["Paris"], ["Lyon", "Nice", "Lille"]
QUESTIONS = read_jsonl("slm_audit.probes.hallucination", "questions.jsonl")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The twenty-four hours", ["24", "hours"]),
        ("three hundred and sixty-five", ["365"]),
        ("a hundred", ["100"]),
        ("One thousand", ["1000"]),
        ("nineteen forty-five", ["1945"]),
        ("nineteen hundred and eighteen", ["1918"]),
        ("seven, eight and nine", ["7", "8", "and", "9"]),
        ("1,000 km", ["1000", "km"]),
        ("3.5 litres.", ["3.5", "litres"]),
        ("Washington, D.C.", ["washington", "dc"]),
        ("the U.S.", ["us"]),
        ("Tōkyō, Perú", ["tokyo", "peru"]),
        ("H₂O", ["h2o"]),
        ("100 °C", ["100", "c"]),
        ("Darwin's and Darwin\u2019s", ["darwin", "and", "darwin"]),
        ("**Paris**!", ["paris"]),
        ("someone tenfold", ["someone", "tenfold"]),
        ("", []),
        ("?!", []),
    ],
)
def test_normalised(text: str, words: list[str]) -> None:
    assert list(normalised(text)) == words


@pytest.mark.parametrize(
    "reply",
    [
        "Paris",
        "paris.",
        "It is Paris, on the Seine.",
        "The capital of France is Paris",
        "Paris, not Lyon",
        "not Lyon but Paris",
        "It isn't in Lyon, it is in Paris",
        "Paris instead of Nice",
        "PARIS PARIS",
    ],
)
def test_right_in_many_forms(reply: str) -> None:
    assert is_correct(reply, PARIS, NOT_PARIS)


@pytest.mark.parametrize(
    "reply",
    [
        "Lyon",
        "",
        "Parisian",
        "Comparison",
        "not Paris",
        "It is not Paris",
        "It isn't Paris",
        "It is not called Paris",
        "anything rather than Paris",
        "neither Paris nor Rome",
        "Lyon, not Paris",
        "Paris or Lyon",
        "Paris, Lyon, Nice",
        "What is the capital city of France?",
    ],
)
def test_wrong_denied_or_several(reply: str) -> None:
    assert not is_correct(reply, PARIS, NOT_PARIS)


def test_aliases_of_several_words_must_stand_together() -> None:
    assert is_correct("The Pacific Ocean!", ["Pacific Ocean"])
    assert not is_correct("A pacific people by the ocean", ["Pacific Ocean"])


@pytest.mark.parametrize("reply", ["3", "three", "Three sides", "It has 3.", "3 sides and 3 angles", "3 or three"])
def test_numbers_in_figures_and_words(reply: str) -> None:
    assert is_correct(reply, ["three"], ["four"])


@pytest.mark.parametrize("reply", ["13", "thirty", "33", "3.5", "3 or 7", "7 or 3", "2, 3, 5", "twenty-three"])
def test_another_number_or_a_choice_of_numbers_is_wrong(reply: str) -> None:
    assert not is_correct(reply, ["three", "3"], ["four"])


def test_a_number_that_counts_something_else_does_no_harm() -> None:
    assert is_correct("366 days, in 12 months", ["366"], ["364"])


@pytest.mark.parametrize("row", QUESTIONS, ids=lambda row: row["id"])
def test_every_alias_of_ours_is_right_and_every_distractor_wrong(row: dict[str, list[str]]) -> None:
    for frame in ("{}", "The answer is {}.", "**{}**"):
        assert all(is_correct(frame.format(one), row["answers"], row["distractors"]) for one in row["answers"])
        assert not any(is_correct(frame.format(one), row["answers"], row["distractors"]) for one in row["distractors"])
    assert is_correct(" or ".join(row["answers"]), row["answers"], row["distractors"])
    assert not is_correct(f"{row['answers'][0]} or {row['distractors'][0]}", row["answers"], row["distractors"])
    assert not is_correct(str(row["question"]), row["answers"], row["distractors"]), "its echo is no answer"
