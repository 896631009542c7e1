"""Rows stand worst first: by verdict, then by how far past its limit the value lies."""

from __future__ import annotations

from slm_audit.reports.record import Finding, FloorFinding
from slm_audit.reports.rows import floor_row, row, worst


def held(name: str, verdict: str, value: float | None, **limit: float) -> Finding:
    return Finding(
        metric=f"a.b.{name}", meaning="", value=value, low=None, high=None, level=0.95, n=9, missing=0, clusters=9,
        range=(0.0, 1.0), unit="share", worse="higher", role="primary", method="m", correction="none needed",
        limit="x", verdict=verdict, **limit,  # type: ignore[arg-type]
    )  # fmt: skip


def test_the_furthest_past_its_limit_comes_first_within_a_verdict() -> None:
    rows = [
        held("pass", "pass", 0.01, at_most=0.1),
        held("twice", "fail", 0.2, at_most=0.1),
        held("tenfold", "fail", 0.2, at_most=0.02),
        held("missing", "not_measured", None, at_most=0.1),
        held("half", "fail", 0.45, at_least=0.9),
    ]
    ordered = [one.name for one in worst(row(each, "", "") for each in rows)]
    assert ordered == ["tenfold", "twice", "half", "missing", "pass"]


def test_a_figure_that_is_missing_says_why() -> None:
    assert row(held("m", "not_measured", None, at_most=0.1), "", "").missing_why == "no reason was recorded"


def test_a_floor_just_missed_is_not_printed_as_reached() -> None:
    floor = FloorFinding(
        metric="core.valid_rate", dimension="a", floor="at least 0.8", needed=0.8, value=0.9, low=0.7996, shown=False
    )
    told = floor_row(floor, "share")
    assert (told.low, told.needed, told.word) == ("79.96\u202f%", "80\u202f%", "Not shown")
