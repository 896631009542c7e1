"""`slm-audit gate`: judge a finished run again, by its own policy or another, without the model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import FAIL_ON, shown_as

if TYPE_CHECKING:
    from ...reports.policy import FailOn


@click.command(
    short_help="Judge a finished run again, without the model.",
    epilog="""\b
Examples:
  slm-audit gate runs/latest
  slm-audit gate runs/latest --policy my-policy.yaml --form junit --output gate.xml
""",
)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--policy", help="A built-in policy's name or a policy.yaml; without it, the run's own.")
@FAIL_ON
@click.option("--allow-code", is_flag=True, help="Let the run's own file: probes be run.")
@click.option("--json", "as_json", is_flag=True, help="Print the record so judged as JSON.")
@shown_as
def gate(
    run: Path,
    policy: str | None,
    fail_on: FailOn | None,
    allow_code: bool,
    as_json: bool,
    form: str,
    output: Path | None,
) -> None:
    """Judge a finished run without the model. By another policy it is marked as judged afterwards.

    The verdict is printed and is the exit code. The run's record stays as it is; a look that decides otherwise
    than those before it is added to the run's looks.jsonl, and every later output names it.
    """
    from dataclasses import replace
    from datetime import UTC, datetime

    from ..assemble import transcripts_of
    from ..engine import metrics_of
    from ..engine import replay as judged_anew
    from ..looks import add_look, looks_of
    from ..outputs import render
    from ..policy import check_names, policy_document, read_policy
    from ..run_folder import existing, read_record
    from ..selection import known_metrics
    from .options import write_shown
    from .said import say_json, say_verdict

    folder = existing(run)
    other = None
    if policy:
        document = policy_document(policy, Path.cwd())
        other = read_policy(document)
        check_names(other, document, {**known_metrics(other), **metrics_of(folder, allow_code=allow_code)})
    now = datetime.now(UTC)
    before = read_record(folder)
    judged = judged_anew(folder, policy=other, at=now.date(), fail_on=fail_on, allow_code=allow_code)
    look = replace(judged.record.looks[-1], at=now.isoformat(timespec="seconds"))
    add_look(folder, before, look)
    record = replace(judged.record, looks=looks_of(folder, before))
    if output is not None:
        write_shown(render(form, record, transcripts_of(judged.seen, record.run, folder)), output)
    if as_json:
        say_json(record)
    else:
        say_verdict(record)
    raise SystemExit(record.exit_code)
