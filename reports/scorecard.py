"""Render a record as a page, HTML or Markdown, through the templates; it shows what the gate decided."""

from __future__ import annotations

from dataclasses import dataclass

from . import wording
from .facts import Facts, facts, moment
from .pages import render_page, render_text
from .record import Record
from .rows import FloorRow, Row, floor_row
from .transcripts import Transcripts
from .view import Dimension, dimensions, limits, overall


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """All that a template shows beside the record itself."""

    word: str
    plain: str
    expired: tuple[str, ...]
    by_chance: str
    by_choice: str
    looked: str
    facts: Facts
    dimensions: tuple[Dimension, ...]
    limits: tuple[Row, ...]
    overall: tuple[Row, ...]
    floors: tuple[FloorRow, ...]
    looks: tuple[tuple[str, str, str, str], ...]


def render_html(record: Record, transcripts: Transcripts) -> str:
    """The scorecard as one HTML file that asks nothing of any other place and runs no script."""
    return render_page("scorecard.html.j2", schema=record.schema, record=record, page=_page(record, transcripts))


def render_markdown(record: Record) -> str:
    """The same story, short, as Markdown."""
    return render_text("scorecard.md.j2", record=record, page=_page(record, {}))


def _page(record: Record, transcripts: Transcripts) -> Page:
    seen = dimensions(record, transcripts)
    units = {one.metric.split("[", 1)[0]: one.unit for one in record.findings}
    return Page(
        word=wording.WORDS[record.verdict],
        plain=wording.plain(record),
        expired=wording.expired(record),
        by_chance=wording.by_chance(record),
        by_choice=wording.by_choice(record),
        looked=wording.looked(record),
        facts=facts(record),
        dimensions=seen,
        limits=limits(seen),
        overall=overall(record),
        floors=tuple(
            floor_row(one, units.get(one.metric, "share")) for one in sorted(record.floors, key=lambda one: one.shown)
        ),
        looks=tuple(
            (
                moment(one.at),
                f"{one.policy} ({one.policy_sha256[:12]})" + (", judged afterwards" * one.judged_afterwards),
                f"{100 * one.level:.6g}{wording.NARROW}%",
                wording.WORDS[one.verdict],
            )
            for one in record.looks
        ),
    )
