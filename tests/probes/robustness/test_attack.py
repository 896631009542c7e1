"""The attack finds planted fragility, spares a model that reads through edits, and keeps its budget."""

import random
from collections import Counter

import numpy
import pytest
from slm_audit.probes.contract import Estimate, Observation
from slm_audit.probes.robustness.attack import Attack
from slm_audit.probes.robustness.bootstrap import stop_words
from slm_audit.probes.robustness.sentiment import review_items, text_of
from slm_audit.probes.testing import PlainBench, Scripted, check_probe, observe

TEXTS = {item.id: text_of(item) for item in review_items()}


def estimates(probe: Attack, seen: list[Observation]) -> dict[str, Estimate]:
    return {one.metric: one for one in probe.measure(seen, 0.95) if not one.groups}


def last_review(seen: Observation) -> str:
    return str(seen.exchanges[-1].asked.context).removeprefix("Review: ").split("\nIs the")[0]


def eligible(text: str) -> list[str]:
    words = [word.strip(".,;:!?\"'()") for word in text.split()]
    return [word for word in words if len(word) >= 4 and word.isalpha() and word not in stop_words()]


@pytest.mark.planted
def test_a_model_that_breaks_at_any_edit_is_turned_every_time(labels: dict[str, int], reader) -> None:
    # First letters tell which review was edited; with a word deleted (for the ranking) it is undecided.
    known = {tuple(word[0] for word in text.split()): 2.0 * label - 1.0 for text, label in labels.items()}

    def lead(text: str) -> float:
        if text in labels:
            return 1.0 - 2.0 * labels[text]
        return known.get(tuple(word[0] for word in text.split()), 0.0)

    probe = Attack(reviews=10)
    seen = observe(probe, reader(lead))
    found = estimates(probe, seen)
    assert found["accuracy"].value == 1.0
    assert found["success_rate"].value == found["success_rate_random"].value == 1.0
    assert found["accuracy_under_attack"].value == found["skipped"].value == 0.0
    # One query for the clean text, and the first edited one turns it.
    assert [one.values["queries"] for one in seen if one.arm == "random"] == [2.0] * 5
    for one in seen:
        if one.arm == "greedy":
            assert one.values["edit_rate"] == pytest.approx(1 / len(TEXTS[one.item].split()))


@pytest.mark.planted
def test_a_model_that_reads_through_edits_is_spared_and_the_budget_is_kept(robust: Scripted) -> None:
    probe = Attack(reviews=6, queries=60)
    seen = observe(probe, robust)
    found = estimates(probe, seen)
    assert found["success_rate"].value == found["success_rate_random"].value == 0.0
    assert found["accuracy_under_attack"].value == 1.0
    assert found["queries"].value is None
    assert found["median_queries"].value == 60.0
    assert {one.values["queries"] for one in seen if one.arm == "random"} == {60.0}
    assert all(one.values["queries"] <= 60 for one in seen)


@pytest.mark.planted
def test_no_item_is_asked_more_often_than_the_budget_allows(robust: Scripted) -> None:
    probe = Attack(reviews=1, queries=25)
    observe(probe, robust)
    contexts = Counter(str(one.context) for one in robust.heard)
    # Two arms of at most 25 queries, each of two answers; the clean text is asked once for both.
    assert len(robust.heard) <= 2 * (1 + 24 + 24)
    assert contexts[f"Review: {TEXTS['s001']}\nIs the review positive or negative? It is"] == 2


@pytest.mark.planted
def test_the_guided_search_beats_the_blind_one_where_three_words_out_of_many_matter(
    labels: dict[str, int], reader
) -> None:
    # The right answer leads by 2 x (intact key words) - 1 nats: all three must go, and each step can be felt.
    initials = {tuple(word[0] for word in text.split()): text for text in labels}
    keys = {text: sorted(eligible(text), key=len)[:3] for text in labels}

    def clean_of(text: str) -> str | None:
        found = initials.get(tuple(word[0] for word in text.split()))
        return found or next((one for one in labels if set(text.split()) < set(one.split())), None)

    def lead(text: str) -> float:
        clean = clean_of(text)
        if clean is None:
            return 0.0
        intact = sum(key in eligible(text) for key in keys[clean])
        return (1.0 - 2.0 * labels[clean]) * (2.0 * intact - 1.0)

    probe = Attack(reviews=16, queries=80, words=0.2)
    found = estimates(probe, observe(probe, reader(lead)))
    assert found["accuracy"].value == 1.0
    assert found["success_rate"].value >= 0.9
    assert found["success_rate_random"].value < found["success_rate"].value


@pytest.mark.planted
def test_what_is_wrong_from_the_start_is_skipped_and_judged(labels: dict[str, int], reader) -> None:
    probe = Attack(reviews=20, queries=40)
    positive = sum(labels[TEXTS[item.id]] == 0 for item in probe.items())
    seen = observe(probe, reader(lambda _: 1.0))
    found = estimates(probe, seen)
    assert found["accuracy"].value == pytest.approx(positive / 20)
    assert found["skipped"].value == pytest.approx(1 - positive / 20)
    assert found["success_rate"].n == positive and found["success_rate"].missing == 0
    assert found["success_rate"].value == 0.0
    assert found["accuracy_under_attack"].value == pytest.approx(positive / 20)
    assert {one.status for one in seen} == {"judged"}


@pytest.mark.planted
def test_a_model_that_is_always_wrong_has_no_success_rate(labels: dict[str, int], reader) -> None:
    probe = Attack(reviews=4)
    found = estimates(probe, observe(probe, reader(lambda text: 2.0 * labels[text] - 1.0)))
    assert found["success_rate"].value is None and found["accuracy"].value == 0.0


@pytest.mark.planted
def test_attacks_that_meet_errors_are_missing_and_do_not_help(failing: Scripted) -> None:
    probe = Attack(reviews=4, queries=20)
    seen = observe(probe, failing)
    found = estimates(probe, seen)
    assert {one.status for one in seen} == {"error"} and all("nan: broken" in one.reason for one in seen)
    assert found["success_rate"].value is None and found["success_rate"].missing == 4
    assert found["accuracy"].value == 1.0


def test_edits_spare_first_letters_stop_words_and_short_words_and_keep_their_bounds(by_heart: Scripted) -> None:
    probe = Attack(reviews=12, words=0.2)
    for one in observe(probe, by_heart):
        before, after = TEXTS[one.item].split(), last_review(one).split()
        changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
        assert len(changed) <= -(-len(before) // 5) + 1
        for old, new in changed:
            bare = old.strip(".,;:!?\"'()")
            assert bare not in stop_words() and len(bare) >= 4 and old[0] == new[0]


def test_random_states_of_the_process_are_as_before(by_heart: Scripted) -> None:
    random.seed(1)
    numpy.random.seed(1)
    before, numpy_before = random.getstate(), numpy.random.get_state()
    observe(Attack(reviews=2, queries=30), by_heart)
    assert random.getstate() == before
    assert all(numpy.array_equal(one, other) for one, other in zip(numpy.random.get_state(), numpy_before, strict=True))


def test_results_do_not_depend_on_window_or_order_or_the_process(by_heart: Scripted) -> None:
    probe = Attack(queries=40)
    items = list(probe.items())[:4]
    whole = {(one.item, one.arm): one for one in probe.observe(items, PlainBench(by_heart, seed=3))}
    random.seed(99)
    parts = [one for item in reversed(items) for one in probe.observe([item], PlainBench(by_heart, seed=3))]
    assert {(one.item, one.arm): one for one in parts} == whole


def test_a_transcript_holds_the_clean_and_the_last_text_only(by_heart: Scripted) -> None:
    for one in observe(Attack(reviews=6), by_heart):
        contexts = list(dict.fromkeys(str(said.asked.context) for said in one.exchanges))
        assert TEXTS[one.item] in contexts[0]
        assert len(one.exchanges) == 2 * len(contexts) <= 4


def test_the_curve_of_successes_ends_at_the_success_rate(by_heart: Scripted) -> None:
    probe = Attack(reviews=10)
    found = estimates(probe, observe(probe, by_heart))["success_rate"]
    heights = [height for _, height in found.curves[0].points]
    assert heights == sorted(heights)
    assert heights[-1] == pytest.approx(found.value)


def test_its_reviews_are_long_enough_and_enough() -> None:
    items = Attack().items()
    assert all(len(text_of(item).split()) >= 8 for item in items)
    # With two in three answered rightly there are still a hundred to attack.
    assert len(items) * 2 / 3 >= 100


def test_nothing_seen_is_nothing_measured() -> None:
    assert [one.metric for one in Attack().measure([], 0.95)] == [one.name for one in Attack.metrics]


def test_bounds_that_allow_nothing_are_refused() -> None:
    for wrong in ({"reviews": 0}, {"queries": 1}, {"letters": 0}, {"words": 0.0}, {"words": 1.1}):
        with pytest.raises(ValueError, match="must be at least"):
            Attack(**wrong)


def test_it_keeps_the_contract(by_heart: Scripted) -> None:
    check_probe(Attack(queries=20), most_items=4)
    check_probe(Attack(queries=20), by_heart, most_items=4)
