"""Figures are printed so that no rounding misleads."""

from __future__ import annotations

import pytest
from slm_audit.reports import wording
from slm_audit.reports.record import Finding, Record


def made(value: float | None, low: float | None, high: float | None, **more: object) -> Finding:
    plain: dict[str, object] = {
        "metric": "a.b.c",
        "meaning": "",
        "value": value,
        "low": low,
        "high": high,
        "level": 0.95,
        "n": 1234,
        "missing": 5,
        "clusters": 67,
        "range": (0.0, 1.0),
        "unit": "share",
        "worse": "higher",
        "role": "primary",
        "method": "m",
        "correction": "none needed",
    }
    return Finding(**{**plain, **more})  # type: ignore[arg-type]


def words(one: Finding) -> tuple[str, str]:
    told = wording.numbers(one)
    return told.value.replace("\u202f", " "), told.interval.replace("\u202f", " ")


def test_shares_are_per_cent_with_one_decimal() -> None:
    assert words(made(0.1234, 0.1, 0.151)) == ("12.3 %", "10.0 to 15.1 %")


def test_bits_have_two_decimals() -> None:
    told = words(made(12.611, 10.9, 14.28, unit="bits", range=(0.0, 19.9)))
    assert told == ("12.61 bits", "10.90 to 14.28 bits")


def test_a_figure_just_inside_its_limit_is_not_printed_as_the_limit() -> None:
    assert words(made(0.09, 0.08, 0.0996, at_most=0.1)) == ("9.00 %", "8.00 to 9.96 %")
    assert words(made(0.09, 0.08, 0.09996, at_most=0.1))[1] == "8.000 to 9.996 %"
    assert words(made(0.1, 0.08, 0.12, at_most=0.1)) == ("10.0 %", "8.0 to 12.0 %")


def test_a_small_rate_is_not_printed_as_none() -> None:
    assert words(made(0.0004, 0.0001, 0.002))[0] == "0.04 %"
    assert words(made(0.9998, 0.99, 0.9999))[0] == "99.98 %"
    assert words(made(0.0, 0.0, 0.012)) == ("0.0 %", "0.0 to 1.2 %")


def test_negative_numbers_have_a_minus_and_zero_has_none() -> None:
    told = words(made(-0.0001, -0.034, 0.02, range=(-1.0, 1.0)))
    assert told == ("0.0 %", "\u22123.4 to 2.0 %")


def test_nothing_measured_prints_no_number() -> None:
    told = wording.numbers(made(None, None, None))
    assert (told.value, told.interval) == ("", "")


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"at_most": 0.02}, "at most 2 %"),
        ({"at_least": 0.805}, "at least 80.5 %"),
        ({"at_most": 0.05, "worse": "away_from_zero"}, "at most 5 % either way"),
        ({"at_most": 3.0, "unit": "bits"}, "at most 3 bits"),
        ({"limit": "as agreed"}, "as agreed"),
        ({}, ""),
    ],
)
def test_limits_are_in_the_unit_of_their_figure(bounds: dict[str, object], expected: str) -> None:
    assert wording.limit(made(0.1, 0.0, 0.2, **bounds)).replace("\u202f", " ") == expected


def test_chance_is_the_number_of_limits_times_one_side(sample: object) -> None:
    record: Record = sample()[0]  # type: ignore[operator]
    told = wording.by_chance(record).replace("\u202f", " ")
    assert "of 9 sound limits, up to 9 \u00d7 2.5 % = 0.23 may fail" in told


def test_worst_comes_first() -> None:
    ordered = sorted(["pass", "waived", "not_measured", "fail", "inconclusive", None], key=wording.rank)
    assert ordered == ["fail", "not_measured", "inconclusive", "waived", "pass", None]


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.0, "0.0 s"), (59.94, "59.9 s"), (84.4, "1 min 24 s"), (3725, "1 h 2 min")]
)
def test_durations(seconds: float, told: str) -> None:
    assert wording.duration(seconds) == told
