"""Render a record as a page, HTML or Markdown, through the templates; it shows what the gate decided."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from .. import templates
from . import escape, wording
from .facts import Facts, facts, moment
from .record import Record
from .rows import FloorRow, Row, floor_row
from .transcripts import Transcript
from .view import Dimension, dimensions, limits, overall

if TYPE_CHECKING:
    from jinja2 import Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """All that a template shows beside the record itself."""

    word: str
    plain: str
    by_chance: str
    by_choice: str
    looked: str
    facts: Facts
    dimensions: tuple[Dimension, ...]
    limits: tuple[Row, ...]
    overall: tuple[Row, ...]
    floors: tuple[FloorRow, ...]
    looks: tuple[tuple[str, str, str, str], ...]


class Ready(str):
    """Text that is Markdown already."""

    __slots__ = ()


def render_html(record: Record, transcripts: Sequence[Transcript]) -> str:
    """The scorecard as one HTML file that asks nothing of any other place and runs no script."""
    from markupsafe import Markup

    style = _source("scorecard.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    page = _html().get_template("scorecard.html.j2")
    return page.render(record=record, page=_page(record, transcripts), style=Markup(style), digest=digest)


def render_markdown(record: Record) -> str:
    """The same story, short, as Markdown."""
    return _markdown().get_template("scorecard.md.j2").render(record=record, page=_page(record, ()))


def _page(record: Record, transcripts: Sequence[Transcript]) -> Page:
    seen = dimensions(record, transcripts)
    units = {one.metric.split("[", 1)[0]: one.unit for one in record.findings}
    return Page(
        word=wording.WORDS[record.verdict],
        plain=wording.plain(record),
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


@functools.cache
def _html() -> Environment:
    from markupsafe import Markup

    made = _environment(autoescape=True)
    # Markup is a str too: what a macro made is finished and passes as it is.
    made.finalize = lambda value: (
        escape.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
    )
    return made


@functools.cache
def _markdown() -> Environment:
    made = _environment(autoescape=False)
    made.finalize = lambda value: (
        escape.markdown(value) if isinstance(value, str) and not isinstance(value, Ready) else value
    )
    made.filters["code"] = lambda value: Ready(escape.markdown_code(value))
    return made


def _environment(*, autoescape: bool) -> Environment:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FunctionLoader(_source),
        autoescape=autoescape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _source(name: str) -> str:
    return resources.files(templates).joinpath(name).read_text(encoding="utf-8")
