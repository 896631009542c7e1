"""`slm-audit resume`: carry on a run that was stopped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import ALLOW_PICKLES, KEY_ENV

if TYPE_CHECKING:
    from ...probes.contract import Model
    from ..spec import Spec


@click.command(
    short_help="Carry on a run that was stopped.",
    epilog="""\b
Examples:
  slm-audit resume runs/latest
  slm-audit resume runs/latest --model http://other-host:8000/v1
""",
)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--model", "moved_to", help="Where the model is now, if it was moved: its path or its addresses.")
@click.option("--local", "here", is_flag=True, help="Ask the model on this machine, not on the run's cluster.")
@KEY_ENV
@ALLOW_PICKLES
@click.option("--offline", is_flag=True, help="Make any connection to another machine an error.")
@click.option("--allow-code", is_flag=True, help="Let the run's own file: probes be run.")
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def resume(
    run: Path,
    moved_to: str | None,
    here: bool,
    key_env: str,
    allow_pickles: bool,
    offline: bool,
    allow_code: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Carry on a run that was stopped: what was answered before is not asked again."""
    if offline:
        from ..offline import cut_off

        cut_off()
    from ..run_folder import existing

    folder = existing(run)
    from .. import engine
    from ..execution import LOCAL
    from ..models import Leave, open_model
    from ..placing import moved, where, with_places
    from ..progress import TerminalProgress

    def open_it(spec: Spec, base: Path) -> Model:
        model = with_places(spec.model, base, allow_path=True)
        if moved_to:
            model = moved(model, moved_to)
        leave = Leave(key_env, allow_code, allow_pickles)
        return open_model(model, where(model, base), leave, LOCAL if here else spec.execution)

    with TerminalProgress(0, quiet=quiet) as progress:
        ended = engine.resume(folder, open_it, allow_code=allow_code, progress=progress)
    from .said import say_ended

    say_ended(ended, as_json=as_json)
    raise SystemExit(ended.record.exit_code)
