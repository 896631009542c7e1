"""Calibration and selective risk against closed forms."""

import math

import numpy
import pytest
from scipy.stats import foldnorm
from slm_audit.probes.hallucination.calibration import (
    aurc,
    binned,
    ece,
    mean_of_folded_normal,
    reliability,
    risk_coverage,
)


def test_aurc_by_hand() -> None:
    confidence, wrong = numpy.array([0.6, 0.9, 0.7, 0.8]), numpy.array([1.0, 0.0, 0.0, 1.0])
    coverage, risk = risk_coverage(confidence, wrong)
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert risk.tolist() == pytest.approx([0, 1 / 2, 1 / 3, 1 / 2])
    assert aurc(confidence, wrong) == pytest.approx(1 / 3)


def test_equal_confidence_sorts_nothing() -> None:
    wrong = numpy.array([1.0, 0.0, 0.0, 0.0, 1.0])
    for order in (wrong, wrong[::-1]):
        assert risk_coverage(numpy.full(5, 0.5), order)[1].tolist() == pytest.approx([0.4] * 5)


def test_aurc_of_a_perfect_order() -> None:
    # With the wrong ones last, the risk at k answers is max(0, k - right) / k.
    n, right = 50, 40
    wrong = numpy.array([0.0] * right + [1.0] * (n - right))
    best = sum((k - right) / k for k in range(right + 1, n + 1)) / n
    assert aurc(numpy.linspace(1, 0, n), wrong) == pytest.approx(best)
    assert aurc(numpy.linspace(0, 1, n), wrong) > wrong.mean()


def test_mean_of_folded_normal_against_scipy() -> None:
    mean, deviation = numpy.array([0.0, 0.1, 0.5]), numpy.array([0.2, 0.2, 0.1])
    expected = foldnorm.mean(mean / deviation, scale=deviation)
    assert mean_of_folded_normal(mean, deviation) == pytest.approx(expected)
    assert mean_of_folded_normal(numpy.array([0.3]), numpy.array([0.0])).tolist() == [0.3]


def test_ece_of_known_overconfidence() -> None:
    right = numpy.tile([0.0, 1.0], 75)
    assert ece(numpy.full(150, 0.9), right) == pytest.approx(0.4, abs=0.002)
    assert ece(numpy.full(150, 1.0), numpy.ones(150)) == 0.0
    assert ece(numpy.full(150, 1.0), numpy.zeros(150)) == pytest.approx(1.0)


def test_ece_takes_off_part_of_what_a_calibrated_model_shows_by_chance() -> None:
    draws = numpy.random.default_rng(3)
    plain, debiased = [], []
    for _ in range(100):
        confidence = draws.uniform(0.3, 1.0, 300)
        right = (draws.uniform(size=300) < confidence).astype(float)
        size, said, accuracy = binned(confidence, right)
        plain.append(float(size @ numpy.abs(said - accuracy)) / 300)
        debiased.append(ece(confidence, right))
    # A bin of 20 with accuracy about .65 is off by .47 / sqrt(20) * sqrt(2 / pi) = .085 by chance.
    assert numpy.mean(plain) == pytest.approx(0.47 / math.sqrt(20) * math.sqrt(2 / math.pi), rel=0.2)
    # For d ~ N(0, s), E|N(d, s)| is sqrt(2) E|d| on average: 2 - sqrt(2) is left of E|d|.
    assert numpy.mean(debiased) == pytest.approx((2 - math.sqrt(2)) * numpy.mean(plain), rel=0.05)


def test_bins_have_equal_mass_and_there_are_few_of_few() -> None:
    rising = numpy.linspace(0, 1, 320)
    size, said, accuracy = binned(rising[::-1].copy(), numpy.ones(320))
    assert sorted(size.tolist()) == [21] * 10 + [22] * 5 and accuracy.tolist() == [1] * 15
    assert said[0] == pytest.approx(rising[: int(size[0])].mean()) and (numpy.diff(said) > 0).all()
    assert binned(numpy.array([0.5, 0.6]), numpy.zeros(2))[0].tolist() == [2]
    points = reliability(numpy.array([0.2, 0.4]), numpy.array([0.0, 1.0]))
    assert points == (pytest.approx((0.3, 0.5)),)
