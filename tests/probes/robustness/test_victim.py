"""What a text attack is told of the model."""

import itertools

import pytest
from slm_audit.probes.asking import Choice
from slm_audit.probes.robustness.victim import Victim


def answer(first: float, second: float) -> Choice:
    return Choice(option=int(second > first), status="judged", logprobs=(first, second))


def victim(said: dict[str, Choice], right: int = 0) -> Victim:
    return Victim(lambda texts: [said[text] for text in texts], right, "clean", answer(-1.0, -2.0))


def test_shares_keep_the_order_of_leads_in_single_precision() -> None:
    import numpy

    leads = [-300.0, -41.0, -40.0, -1.0, -1e-4, 0.0, 1e-4, 1.0, 40.0, 41.0, 300.0]
    shares = victim({str(one): answer(one, 0.0) for one in leads})([str(one) for one in leads])
    single = [float(numpy.float32(right)) for right, _ in shares]
    assert all(one < other for one, other in itertools.pairwise(single))
    assert all(right + other == pytest.approx(1.0) for right, other in shares)


@pytest.mark.parametrize("right", [0, 1])
def test_the_right_answer_comes_first_and_wins_ties(right: int) -> None:
    told = victim({"better": answer(-1.0, -3.0), "tie": answer(-2.0, -2.0)}, right)(["better", "tie"])
    assert (told[0][0] > 0.5) == (right == 0)
    assert told[1] == [0.5, 0.5]


def test_a_text_without_an_answer_counts_as_right_and_is_remembered() -> None:
    broken = Choice(option=None, status="error", reason="too_long: 9 tokens")
    asked = victim({"long": broken})
    assert asked(["long"]) == [[1.0, 0.0]]
    assert asked.failed == "too_long: 9 tokens"


def test_no_text_is_asked_twice() -> None:
    heard: list[str] = []

    def ask(texts: list[str]) -> list[Choice]:
        heard.extend(texts)
        return [answer(0.0, -1.0) for _ in texts]

    asked = Victim(ask, 0, "clean", answer(0.0, -1.0))
    asked(["clean", "one", "one"])
    asked(["one", "two"])
    assert heard == ["one", "two"]
