"""`slm-audit report`: show a finished run in another form."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(
    epilog="\b\nExamples:\n  slm-audit report runs/latest\n  slm-audit report RUN --form html --output card.html\n"
)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--form", type=click.Choice(["html", "json", "junit", "markdown"]), default="markdown", show_default=True)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="A file; without it, standard output.")
def report(run: Path, form: str, output: Path | None) -> None:
    """Show a finished run as Markdown, HTML, JUnit or JSON; the run's folder is not touched."""
    from .. import run_folder
    from ..errors import UserError
    from ..outputs import render

    folder = run_folder.existing(run)
    record = run_folder.read_record(folder)
    transcripts = run_folder.read_transcripts(folder) if form == "html" else []
    text = render(form, record, transcripts)
    if output is None:
        click.echo(text, nl=False)
    else:
        if not output.parent.is_dir():
            raise UserError(f"{output.parent} is no folder; make it first, or name another file")
        if output.exists() and not output.is_file():
            output.write_text(text, encoding="utf-8")
        else:
            run_folder.write(output, text)
        click.echo(str(output), err=True)
