"""A difference that one imperfect detector counted on both sides is corrected, with the card's own error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from slm_audit.probes.contract import Metric, Term
from slm_audit.probes.estimates import Card, Share, corrected_difference, paired_difference

DELTA = Metric(name="difference", meaning="", range=(-1.0, 1.0))
LARGE = 10**9


def card(q1: float, q0: float, n1: int = LARGE, n0: int = LARGE) -> Card:
    return Card(
        detector="linear",
        version="1",
        threshold=0.5,
        sensitivity=Share.counted(round(q1 * n1), n1, 0.95),
        specificity=Share.counted(round(q0 * n0), n0, 0.95),
        level=0.95,
        source="made for the test",
    )


def terms(flags: list[float]) -> list[Term]:
    return [Term(item=str(at), cluster=str(at), value=value) for at, value in enumerate(flags)]


@pytest.fixture
def flagged() -> object:
    base, variant = [1.0] * 60 + [0.0] * 340, [1.0] * 120 + [0.0] * 280
    return paired_difference(DELTA, terms(base), terms(variant), 0.95)


def test_a_perfect_detector_changes_nothing(flagged) -> None:
    found = corrected_difference(flagged, card(1, 1))
    assert (found.value, found.low, found.high) == pytest.approx((flagged.value, flagged.low, flagged.high), abs=1e-6)


def test_false_alarms_cancel_and_the_rest_is_divided_by_youden_s_index(flagged) -> None:
    found = corrected_difference(flagged, card(0.6, 0.9))
    for name in ("value", "low", "high"):
        assert getattr(found, name) == pytest.approx(getattr(flagged, name) / 0.5, abs=1e-4)
    assert found.correction == "rogan-gladen"


def test_an_uncertain_card_widens_away_from_0_most(flagged) -> None:
    sure, unsure = (
        corrected_difference(flagged, card(0.6, 0.9)),
        corrected_difference(flagged, card(0.6, 0.9, 100, 100)),
    )
    assert unsure.low < sure.low < sure.high < unsure.high
    assert unsure.high - sure.high > sure.low - unsure.low
    mirrored = replace(flagged, value=-flagged.value, low=-flagged.high, high=-flagged.low)
    there = corrected_difference(mirrored, card(0.6, 0.9, 100, 100))
    assert (there.low, there.high) == pytest.approx((-unsure.high, -unsure.low), abs=1e-9)


def test_a_detector_near_chance_corrects_nothing_and_says_so(flagged) -> None:
    found = corrected_difference(flagged, card(0.55, 0.5))
    assert (found.value, found.low, found.high) == (flagged.value, flagged.low, flagged.high)
    assert found.correction == "uncorrected"


@pytest.mark.coverage
@pytest.mark.parametrize(("p", "q"), [(0.05, 0.05), (0.05, 0.15), (0.3, 0.1)])
def test_each_side_misses_rarely(
    p: float, q: float, check: Callable[[list[tuple[float, float]], float], None], rng: np.random.Generator
) -> None:
    q1, q0, labelled, clusters = 0.7, 0.95, 300, 300
    found = []
    for _ in range(1000):
        sides = []
        for share in (p, q):
            true = rng.random(clusters) < share
            sides.append(terms((rng.random(clusters) < np.where(true, q1, 1 - q0)).astype(float).tolist()))
        made = card(rng.binomial(labelled, q1) / labelled, rng.binomial(labelled, q0) / labelled, labelled, labelled)
        one = corrected_difference(paired_difference(DELTA, *sides, 0.95), made)
        assert one.low is not None and one.high is not None
        found.append((one.low, one.high))
    check(found, q - p)
