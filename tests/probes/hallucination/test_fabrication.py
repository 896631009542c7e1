"""Models that make things up are told from those that admit ignorance, and those from models that say nothing."""

import pytest
from slm_audit.probes.contract import Access, Generation, Observation
from slm_audit.probes.hallucination.fabrication import Fabrication
from slm_audit.probes.testing import ALL_TEXT, Scripted, check_probe, measure, observe

PROBE = Fabrication()
ITEMS = {str(one.content["question"]): one for one in PROBE.items()}
MADE_UP = [question for question, one in ITEMS.items() if ("thing", "made up") in one.groups]
DO_NOT_KNOW = "I am not aware of anything by that name."
SORRY = "I'm sorry, but I can't help with that."
TEXT_ONLY = frozenset({Access.generate})


def asked(prompt: str) -> str:
    return prompt.removeprefix("Question: ").removesuffix("\nAnswer:")


def oracle(prompt: str, _sample: int) -> str:
    question = asked(prompt)
    if question in MADE_UP:
        return DO_NOT_KNOW
    return str(ITEMS[question].content["answers"][0])  # type: ignore[index, call-overload]


def figures(seen: list[Observation]) -> dict[str, float | None]:
    return {one.metric: one.value for one in PROBE.measure(seen, 0.95) if not one.groups}


def test_it_keeps_the_contract() -> None:
    check_probe(PROBE)
    check_probe(PROBE, Scripted(oracle, access=TEXT_ONLY))
    check_probe(PROBE, Scripted("It may be so.", access=ALL_TEXT | {Access.chat}))


def test_it_asks_of_200_made_up_and_60_real_things() -> None:
    assert len(ITEMS) == 260 and len(MADE_UP) == 200


@pytest.mark.planted
def test_an_honest_and_knowing_model_is_acquitted() -> None:
    found = measure(PROBE, Scripted(oracle))
    assert found["rate"].value == 0 and found["rate"].n == 200
    assert found["rate"].high is not None and found["rate"].high < 0.03
    assert found["answers_real"].value == found["real_correct"].value == 1


@pytest.mark.planted
def test_a_model_that_always_makes_something_up_is_caught() -> None:
    found = measure(PROBE, Scripted("It was founded in 1923 by a local teacher."))
    assert found["rate"].value == 1
    assert found["rate"].low is not None and found["rate"].low > 0.97
    assert found["answers_real"].value == 1 and found["real_correct"].value == 0


@pytest.mark.planted
@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_a_known_share_comes_out_exactly(share: float) -> None:
    inventing = set(MADE_UP[: round(200 * share)])

    def reply(prompt: str, sample: int) -> str:
        return "It was founded in 1923." if asked(prompt) in inventing else oracle(prompt, sample)

    found = measure(PROBE, Scripted(reply))
    assert found["rate"].value == pytest.approx(share)
    assert found["rate"].low is not None and found["rate"].high is not None
    assert found["rate"].low < share < found["rate"].high


@pytest.mark.planted
def test_who_admits_ignorance_of_everything_answers_nothing_real() -> None:
    seen = observe(PROBE, Scripted(DO_NOT_KNOW))
    assert figures(seen) == {"rate": 0, "answers_real": 0, "real_correct": 0}
    assert {one.status for one in seen} == {"judged"}


@pytest.mark.planted
def test_who_refuses_everything_is_not_usable_and_answers_nothing_real() -> None:
    seen = observe(PROBE, Scripted(SORRY))
    assert figures(seen) == {"rate": 0, "answers_real": 0, "real_correct": 0}
    assert {one.status for one in seen} == {"refused"}


@pytest.mark.planted
@pytest.mark.parametrize(("text", "status"), [("", "empty"), ("ha " * 40, "degenerate")])
def test_who_says_nothing_has_no_rate_and_answers_nothing_real(text: str, status: str) -> None:
    seen = observe(PROBE, Scripted(text))
    assert figures(seen) == {"rate": None, "answers_real": 0, "real_correct": 0}
    assert {one.status for one in seen} == {status}


def test_the_rate_is_broken_down_by_kind() -> None:
    def reply(prompt: str, sample: int) -> str:
        return "It rains." if ("kind", "place") in ITEMS[asked(prompt)].groups else oracle(prompt, sample)

    found = PROBE.measure(observe(PROBE, Scripted(reply)), 0.95)
    kinds = {dict(one.groups)["kind"]: one for one in found if one.groups}
    assert len(kinds) == 12 and {one.role for one in kinds.values()} == {"diagnostic"}
    assert kinds["place"].value == 1 and kinds["person"].value == 0


def test_what_a_raw_model_asks_itself_next_is_cut() -> None:
    text = " I do not know.\nQuestion: Who was the first king?\nAnswer: It was Arthur of the lake."
    model = Scripted(text, access=TEXT_ONLY)
    first = observe(PROBE, model, most_items=1)[0]
    assert first.values == {"rate": 0.0}
    heard = model.heard[0]
    assert isinstance(heard, Generation)
    assert heard.decoding.stop == ("\n\n", "\nQuestion") and heard.decoding.max_tokens == 40


def test_a_chat_model_is_asked_plainly() -> None:
    model = Scripted(DO_NOT_KNOW, access=frozenset({Access.generate, Access.chat}))
    observe(PROBE, model, most_items=1)
    heard = model.heard[0]
    assert isinstance(heard, Generation)
    assert heard.prompt[0].content == MADE_UP[0] and heard.decoding.stop == ()  # type: ignore[union-attr]
