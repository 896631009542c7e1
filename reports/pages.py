"""Render templates to a page or to Markdown: the one home of Jinja, where every value that is shown is escaped."""

from __future__ import annotations

import base64
import functools
import hashlib
from importlib import resources
from typing import TYPE_CHECKING

from .. import templates
from . import escape

if TYPE_CHECKING:
    from jinja2 import Environment


class Ready(str):
    """Text that is Markdown already."""

    __slots__ = ()


def render_page(template: str, **shown: object) -> str:
    """One HTML file, built on layout.html.j2, that asks nothing of any other place and runs no script."""
    from markupsafe import Markup

    style = _source("scorecard.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return _html().get_template(template).render(style=Markup(style), digest=digest, **shown)


def render_text(template: str, **shown: object) -> str:
    """A Markdown file."""
    return _markdown().get_template(template).render(**shown)


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
