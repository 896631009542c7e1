"""Write every output that shows a record, in the forms that were asked for."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ..reports.compared import Comparison
from ..reports.record import Record
from ..reports.transcripts import Transcripts
from . import run_folder

COMPARISON = "comparison.json"
COMPARISON_FILES = {"html": "comparison.html", "markdown": "comparison.md", "junit": "junit.xml"}
FILES = {"html": "scorecard.html", "markdown": "scorecard.md", "junit": "junit.xml"}


def render(form: str, record: Record, transcripts: Transcripts) -> str:
    """A record in one form: html, markdown, junit or json."""
    if form == "json":
        return run_folder.json_text(record)
    if form == "junit":
        from ..reports.junit import render_junit

        return render_junit(record)
    from ..reports.scorecard import render_html, render_markdown

    return render_html(record, transcripts) if form == "html" else render_markdown(record)


def write_outputs(folder: Path, record: Record, transcripts: Transcripts, forms: Collection[str]) -> None:
    """Write observations.jsonl and the outputs of the forms asked for; record.json is written last, elsewhere."""
    run_folder.write(folder / run_folder.OBSERVATIONS, run_folder.transcript_lines(transcripts))
    for form, name in FILES.items():
        if form in forms:
            run_folder.write(folder / name, render(form, record, transcripts))


def render_comparison(form: str, comparison: Comparison) -> str:
    """A comparison in one form: html, markdown, junit or json."""
    if form == "json":
        return run_folder.json_text(comparison)
    if form == "junit":
        from ..reports.junit import render_junit

        return render_junit(*(one.record for one in comparison.variants))
    from ..reports.comparison import render_html, render_markdown

    return render_html(comparison) if form == "html" else render_markdown(comparison)


def write_comparison(folder: Path, comparison: Comparison) -> None:
    """Write a comparison in every form, comparison.json last."""
    for form, name in (*COMPARISON_FILES.items(), ("json", COMPARISON)):
        run_folder.write(folder / name, render_comparison(form, comparison))
