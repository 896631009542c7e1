"""`slm-audit export`: take a run's evidence elsewhere."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(
    short_help="Write a run's replies to a file.",
    epilog="\b\nExample:\n  slm-audit export runs/latest --replies replies.jsonl\n",
)
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--replies", type=click.Path(path_type=Path, dir_okay=False), required=True, help="A file, not yet there."
)
def export(run: Path, replies: Path) -> None:
    """Write all that the model was asked and answered as JSON Lines, in full: nothing is masked, so keep it closed.

    The file can be audited in the model's place, by other detectors or another policy: what was recorded is not
    asked again, and what was not recorded is missing evidence. Use the run's own spec, with `kind: replay` and the
    file's `path` as its model: another seed, suite or options ask other questions.
    """
    from ..errors import UserError
    from ..journal import NAME, Journal
    from ..models.replies import written
    from ..run_folder import existing
    from ..settings import Settings

    journal = Journal(existing(run) / NAME, write=False)
    try:
        if faults := journal.faults():
            raise UserError(f"{faults[0]}; the run was changed or damaged, so nothing is exported")
        facts = Settings.read(journal).model
        with _new(replies).open("w", encoding="utf-8") as stream:
            stream.writelines(f"{line}\n" for line in written(facts, journal.bodies("reply")))
    except OSError as error:
        raise UserError(f"{replies} cannot be written ({error.strerror}); name another file") from error
    finally:
        journal.close()
    click.echo(f"{replies}: all that was asked and answered, in full; keep it closed", err=True)


def _new(path: Path) -> Path:
    """The path of a file that was not there and that its owner alone may read."""
    from ..errors import UserError

    try:
        path.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        raise UserError(f"{path} is there already; name another file or move it away") from None
    return path
