"""The typos probe finds planted fragility of known size, and acquits a model that reads through errors."""

import hashlib
from collections import Counter

import pytest
from slm_audit.probes.contract import Access
from slm_audit.probes.robustness.edits import EDITS
from slm_audit.probes.robustness.typos import Typos
from slm_audit.probes.testing import PlainBench, Scripted, check_probe, measure, observe


def drops_by_kind(model: Scripted) -> dict[str, float]:
    probe = Typos()
    found = probe.measure(observe(probe, model), 0.95)
    grouped = [one for one in found if one.groups]
    assert all(one.metric == "accuracy_drop" and one.role == "diagnostic" for one in grouped)
    return {dict(one.groups)["typo"]: one.value for one in grouped}


@pytest.mark.planted
def test_a_model_that_breaks_at_any_error_loses_half(by_heart: Scripted) -> None:
    # Right on all 420 clean; every mistyped one is called negative, which half of them are.
    found = measure(Typos(), by_heart)
    assert found["accuracy"].value == 1.0
    assert found["accuracy_under_typos"].value == pytest.approx(0.5)
    assert found["accuracy_drop"].value == pytest.approx(0.5)
    assert found["drop_rate"].value == pytest.approx(0.5)
    assert found["flip_rate"].value == pytest.approx(0.5)
    assert found["accuracy_drop"].low > 0.4
    assert drops_by_kind(by_heart) == pytest.approx(dict.fromkeys(EDITS, 0.5))


@pytest.mark.planted
def test_a_model_that_breaks_at_swaps_alone_loses_an_eighth(labels: dict[str, int], reader) -> None:
    # A swap alone leaves a changed word its letters; a word of it is told from its review's first letters.
    clean = {tuple(word[0] for word in text.split()): text for text in labels}

    def nearest(text: str) -> str:
        return clean[tuple(word[0] for word in text.split())]

    def swapped(word: str, other: str) -> bool:
        return word != other and sorted(word) == sorted(other)

    def lead(text: str) -> float:
        words = zip(text.split(), nearest(text).split(), strict=True)
        return -1.0 if any(swapped(*pair) for pair in words) else 1.0 - 2.0 * labels[nearest(text)]

    model = reader(lead)
    found = measure(Typos(), model)
    assert found["accuracy_drop"].value == pytest.approx(0.5 / 4)
    assert drops_by_kind(model) == pytest.approx({"neighbour": 0.0, "swap": 0.5, "drop": 0.0, "double": 0.0})


@pytest.mark.planted
def test_a_model_that_reads_through_errors_is_acquitted(robust: Scripted) -> None:
    found = measure(Typos(), robust)
    assert found["accuracy"].value == found["accuracy_under_typos"].value == 1.0
    assert found["accuracy_drop"].value == found["flip_rate"].value == 0.0
    assert found["accuracy_drop"].high < 0.05


@pytest.mark.planted
def test_a_guessing_model_reaches_no_floor(reader) -> None:
    model = reader(lambda text: 1.0 - 2.0 * (hashlib.sha256(text.encode()).digest()[0] & 1))
    found = measure(Typos(), model)
    assert found["accuracy"].chance == 0.5
    assert found["accuracy"].low < 0.6
    assert abs(found["accuracy_drop"].value) < 0.1
    # Four independent coins beside the first: 1 - 1/16 of the reviews have one that differs.
    assert found["flip_rate"].value == pytest.approx(15 / 16, abs=0.06)


@pytest.mark.planted
def test_a_model_that_always_says_the_same_is_at_chance(reader) -> None:
    found = measure(Typos(), reader(lambda _: 1.0))
    assert found["accuracy"].value == pytest.approx(0.5)
    assert found["accuracy"].low < 0.5 < found["accuracy"].high
    assert found["accuracy_drop"].value == 0.0


@pytest.mark.planted
def test_errors_under_typos_are_missing_and_do_not_help(failing: Scripted) -> None:
    found = measure(Typos(), failing)
    assert found["accuracy"].value == 1.0
    assert found["accuracy_drop"].value is None or found["accuracy_drop"].missing == 420
    statuses = Counter(one.status for one in observe(Typos(), failing, most_items=10))
    assert statuses == {"judged": 10, "error": 40}


@pytest.mark.planted
@pytest.mark.parametrize(
    ("reply", "status"),
    [("", "empty"), ("I'm sorry, but I can't help with that.", "refused"), ("Blue cars.", "unparseable")],
)
def test_replies_without_an_answer_are_not_judged(reply: str, status: str) -> None:
    model = Scripted(reply, access=frozenset({Access.generate}))
    seen = observe(Typos(), model, most_items=10)
    assert {one.status for one in seen} == {status}
    assert all(value is None for one in seen for value in one.values.values())
    found = {one.metric: one for one in Typos().measure(seen, 0.95)}
    assert found["accuracy"].value is None


def test_a_kind_that_is_missing_counts_as_missing_for_the_mean_and_not_for_the_others(by_heart: Scripted) -> None:
    seen = [one for one in observe(Typos(), by_heart, most_items=20) if (one.arm, one.item) != ("swap", "s001")]
    found = Typos().measure(seen, 0.95)
    missing = {(one.metric, *dict(one.groups).values()): one.missing for one in found}
    assert missing["accuracy_drop",] == 1
    assert missing["accuracy_drop", "swap"] == 1
    assert missing["accuracy_drop", "drop"] == 0
    assert missing["accuracy",] == 0


def test_results_do_not_depend_on_window_or_order(by_heart: Scripted) -> None:
    probe = Typos()
    items = list(probe.items())[:6]
    whole = {(one.item, one.arm): one for one in probe.observe(items, PlainBench(by_heart, seed=3))}
    parts = [
        *probe.observe(items[4:], PlainBench(by_heart, seed=3)),
        *probe.observe(items[:4], PlainBench(by_heart, seed=3)),
    ]
    assert {(one.item, one.arm): one for one in parts} == whole


def test_one_list_is_sent_for_a_window(by_heart: Scripted) -> None:
    observe(Typos(), by_heart, most_items=7)
    assert len(by_heart.heard) == 7 * 5 * 2


def test_a_budget_that_cannot_be_kept_is_refused() -> None:
    for wrong in ({"share": 0.0}, {"share": 1.5}, {"shortest": 2}):
        with pytest.raises(ValueError, match="share must lie"):
            Typos(**wrong)


def test_nothing_seen_is_nothing_measured() -> None:
    assert {one.metric for one in Typos().measure([], 0.95) if not one.groups} == {one.name for one in Typos.metrics}


def test_it_keeps_the_contract(by_heart: Scripted) -> None:
    check_probe(Typos())
    check_probe(Typos(), by_heart)
