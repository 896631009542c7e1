"""`slm-audit report`: show a finished run in another form."""

from __future__ import annotations

from pathlib import Path

import click

from .options import shown_as, write_shown


@click.command(
    epilog="\b\nExamples:\n  slm-audit report runs/latest\n  slm-audit report RUN --form html --output card.html\n"
)
@click.argument("run", type=click.Path(path_type=Path))
@shown_as
def report(run: Path, form: str, output: Path | None) -> None:
    """Show a finished run as Markdown, HTML, JUnit or JSON, with every look at it; its folder is not touched."""
    from dataclasses import replace

    from .. import run_folder
    from ..looks import looks_of
    from ..outputs import render

    folder = run_folder.existing(run)
    record = run_folder.read_record(folder)
    record = replace(record, looks=looks_of(folder, record))
    transcripts = run_folder.read_transcripts(folder) if form == "html" else {}
    write_shown(render(form, record, transcripts), output)
