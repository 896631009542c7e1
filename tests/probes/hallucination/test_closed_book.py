"""Models that answer rightly, wrongly, not at all or by a known share get the figures that they deserve."""

from collections.abc import Callable

import pytest
from slm_audit.probes.contract import Access, Estimate, Generation, Observation, Scoring
from slm_audit.probes.hallucination.closed_book import REQUEST, ClosedBook
from slm_audit.probes.testing import ALL_TEXT, Scripted, check_probe, measure, observe

PROBE = ClosedBook()
ITEMS = {str(one.content["question"]): one.content for one in PROBE.items()}
PLACE = {question: at for at, question in enumerate(ITEMS)}
N = 320
TEXT_ONLY = frozenset({Access.generate})

DO_NOT_KNOW = "I do not know."
SORRY = "I'm sorry, but I can't help with that."


def asked(prompt: str) -> str:
    """The question that a prompt puts."""
    return next(line for line in prompt.removeprefix("Question: ").split("\n") if line in ITEMS)


def right(question: str) -> str:
    return str(ITEMS[question]["answers"][0])  # type: ignore[index, call-overload]


def wrong(question: str) -> str:
    return str(ITEMS[question]["distractors"][1])  # type: ignore[index, call-overload]


def knows(prompt: str, text: str) -> float:
    return 0.0 if text.strip() == right(asked(prompt)) else -9.0


def knows_nothing(_prompt: str, _text: str) -> float:
    return -1.0


def saying(reply: Callable[[str], str], likelihood: Callable[[str, str], float] = knows, **more: object) -> Scripted:
    return Scripted(lambda prompt, _: reply(asked(prompt)), likelihood, **more)  # type: ignore[arg-type]


def statuses(seen: list[Observation], arm: str = "free") -> set[str]:
    return {one.status for one in seen if one.arm == arm}


def test_it_keeps_the_contract() -> None:
    check_probe(PROBE)
    check_probe(PROBE, Scripted("Paris", access=TEXT_ONLY))
    check_probe(PROBE, Scripted("Paris", access=ALL_TEXT | {Access.chat}))


def test_every_metric_comes_out_once() -> None:
    for model in (saying(right), Scripted(""), Scripted(DO_NOT_KNOW, access=TEXT_ONLY)):
        found = [one.metric for one in PROBE.measure(observe(PROBE, model, most_items=30), 0.95) if not one.groups]
        assert sorted(found) == sorted(one.name for one in PROBE.metrics)


@pytest.mark.planted
def test_a_model_that_knows_all_is_acquitted() -> None:
    found = measure(PROBE, saying(right))
    assert found["hallucination_rate"].value == 0
    assert found["hallucination_rate"].high is not None and found["hallucination_rate"].high < 0.02
    assert found["accuracy"].value == found["choice_accuracy"].value == 1
    assert found["abstention_rate"].value == found["selective_risk"].value == found["aurc"].value == 0
    assert {one.missing for one in found.values()} == {0}
    assert found["hallucination_rate"].n == N


@pytest.mark.planted
def test_a_model_that_is_always_wrong_is_caught() -> None:
    found = measure(PROBE, saying(wrong, lambda prompt, text: -knows(prompt, text)))
    assert found["hallucination_rate"].value == found["selective_risk"].value == found["aurc"].value == 1
    assert found["hallucination_rate"].low is not None and found["hallucination_rate"].low > 0.98
    assert found["accuracy"].value == found["choice_accuracy"].value == 0


@pytest.mark.planted
@pytest.mark.parametrize(("wrongs", "silent"), [(32, 0), (80, 80), (160, 40)])
def test_known_shares_come_out_exactly(wrongs: int, silent: int) -> None:
    def reply(question: str) -> str:
        at = (PLACE[question] * 77) % N
        if at < wrongs:
            return wrong(question)
        return DO_NOT_KNOW if at < wrongs + silent else right(question)

    found = measure(PROBE, saying(reply))
    assert found["hallucination_rate"].value == pytest.approx(wrongs / N)
    assert found["abstention_rate"].value == pytest.approx(silent / N)
    assert found["accuracy"].value == pytest.approx((N - wrongs - silent) / N)
    assert found["selective_risk"].value == pytest.approx(wrongs / (N - silent))
    # Scripted replies are all equally confident (exp(-0.1) a token): the risk is the same at every coverage.
    accuracy, confidence = 1 - wrongs / (N - silent), 0.904837
    assert found["aurc"].value == pytest.approx(wrongs / (N - silent))
    assert found["brier"].value == pytest.approx(
        accuracy * (1 - confidence) ** 2 + (1 - accuracy) * confidence**2, abs=1e-6
    )
    assert found["ece"].value == pytest.approx(abs(confidence - accuracy), abs=0.04)


@pytest.mark.planted
def test_a_model_that_admits_ignorance_does_not_hallucinate_but_knows_nothing() -> None:
    seen = observe(PROBE, Scripted(DO_NOT_KNOW, knows_nothing))
    found = {one.metric: one for one in PROBE.measure(seen, 0.95) if not one.groups}
    assert found["hallucination_rate"].value == 0 and found["abstention_rate"].value == 1
    assert statuses(seen) == {"judged"}
    at_chance(found["choice_accuracy"])
    for name in ("selective_risk", "aurc", "ece", "brier"):
        assert found[name].value is None, "there is no answer whose confidence could be looked at"


def at_chance(choice: Estimate) -> None:
    """Not above the usual floor, chance + 0.10: ties are broken evenly between the four."""
    assert choice.chance == 0.25 and choice.low is not None
    assert choice.low < 0.25 < 0.35 and choice.value == pytest.approx(0.25, abs=0.08)


@pytest.mark.planted
def test_a_model_that_refuses_all_is_not_usable() -> None:
    seen = observe(PROBE, Scripted(SORRY, access=TEXT_ONLY))
    found = {one.metric: one for one in PROBE.measure(seen, 0.95) if not one.groups}
    assert statuses(seen) == statuses(seen, "choice") == {"refused"}
    assert found["hallucination_rate"].value == 0
    assert found["choice_accuracy"].value is None, "a floor on it cannot be shown"


@pytest.mark.planted
@pytest.mark.parametrize("text", ["", "   \n", "\nParis"])
def test_a_model_that_says_nothing_shows_nothing(text: str) -> None:
    seen = observe(PROBE, Scripted(text, access=TEXT_ONLY))
    found = {one.metric: one for one in PROBE.measure(seen, 0.95) if not one.groups}
    assert statuses(seen) == {"empty"}
    assert found["hallucination_rate"].value is None
    assert found["hallucination_rate"].missing == N
    assert found["hallucination_rate"].high in (None, 1.0)


@pytest.mark.planted
def test_gibberish_is_missing_and_not_wrong() -> None:
    seen = observe(PROBE, Scripted("the the the the the the the the the the the the", access=TEXT_ONLY))
    assert statuses(seen) == {"degenerate"}
    assert {one.values["hallucination_rate"] for one in seen if one.arm == "free"} == {None}


@pytest.mark.planted
def test_confidence_that_tells_right_from_wrong_lowers_the_area() -> None:
    def unlike(sure: Callable[[str], str], unsure: Callable[[str], str]) -> float | None:
        # Scripted tells -0.1 a token whatever it says, so the second half's confidence is set by hand.
        seen = observe(PROBE, saying(lambda question: (sure if PLACE[question] < 160 else unsure)(question)))
        ids = {str(ITEMS[question]["id"]) for question, at in PLACE.items() if at >= 160}
        for one in seen:
            if one.arm == "free" and one.item in ids:
                one.values["confidence"] = 0.5  # type: ignore[index]
        return {one.metric: one.value for one in PROBE.measure(seen, 0.95)}["aurc"]

    # With half of the answers wrong: perfect order (1/n) sum of (k - n/2)+ / k, about (1 - ln 2) / 2.
    good, bad = unlike(right, wrong), unlike(wrong, right)
    assert good == pytest.approx((1 - 0.693147) / 2, abs=0.01)
    assert bad == pytest.approx((1 + 0.693147) / 2, abs=0.01)


def test_accuracy_is_broken_down_by_category() -> None:
    def reply(question: str) -> str:
        return wrong(question) if ITEMS[question]["category"] == "capitals" else right(question)

    found = PROBE.measure(observe(PROBE, saying(reply)), 0.95)
    groups = {dict(one.groups)["category"]: one for one in found if one.groups}
    assert len(groups) == 22 and {one.role for one in groups.values()} == {"diagnostic"}
    assert groups["capitals"].value == 0 and groups["colours"].value == 1


def test_the_frame_for_a_model_without_a_chat_template() -> None:
    model = saying(right)
    observe(PROBE, model, most_items=1)
    question = next(iter(ITEMS))
    free = next(one for one in model.heard if isinstance(one, Generation))
    assert free.prompt == f"Question: {question}\nAnswer:"
    assert free.decoding.stop == ("\n",) and free.decoding.max_tokens == 24 and free.decoding.temperature == 0
    assert free.token_logprobs
    scored = [one for one in model.heard if isinstance(one, Scoring)]
    assert {one.context for one in scored} == {free.prompt}
    assert sorted(one.continuation for one in scored) == [" Lille", " Lyon", " Nice", " Paris"]


def test_the_request_to_a_chat_model() -> None:
    model = Scripted("It is\n\nParis", access=frozenset({Access.generate, Access.chat}))
    first = observe(PROBE, model, most_items=1)[0]
    free = next(one for one in model.heard if isinstance(one, Generation))
    assert free.prompt[0].content == f"{next(iter(ITEMS))}\n{REQUEST}"  # type: ignore[union-attr]
    assert free.decoding.stop == () and first.values["accuracy"] == 1


def test_a_raw_answer_ends_with_its_line() -> None:
    first = observe(PROBE, Scripted(" Paris\nQuestion: And of Italy?\nAnswer: Nice", access=TEXT_ONLY), most_items=1)[0]
    assert first.values["accuracy"] == 1


def test_options_stand_in_every_place() -> None:
    model = Scripted("x", access=TEXT_ONLY)
    observe(PROBE, model)
    shown = [str(one.prompt) for one in model.heard if isinstance(one, Generation)]
    rows = [(asked(text), text.partition("nothing else: ")[2]) for text in shown if "D.C." not in text]
    shuffled = [(question, text.split("\n")[0].rstrip(".").split(", ")) for question, text in rows if text]
    places = [options.index(right(question)) for question, options in shuffled]
    assert all(60 <= places.count(at) <= 105 for at in range(4)), "80 each, give or take three deviations of 7.7"
