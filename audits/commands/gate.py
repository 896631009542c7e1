"""`slm-audit gate`: judge a finished run again, by its own policy or another, without the model."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(
    short_help="Judge a finished run again, without the model.",
    epilog="\b\nExample:\n  slm-audit gate runs/latest --policy my-policy.yaml\n",
)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--policy", help="A built-in policy's name or a policy.yaml; without it, the run's own.")
@click.option("--allow-code", is_flag=True, help="Let the run's own file: probes be run.")
@click.option("--json", "as_json", is_flag=True, help="Print the record so judged as JSON.")
def gate(run: Path, policy: str | None, allow_code: bool, as_json: bool) -> None:
    """Judge a finished run without the model. By another policy it is marked as judged afterwards.

    The verdict is printed and is the exit code; the run's folder is not touched.
    """
    from datetime import UTC, datetime

    from ..engine import metrics_of, replay
    from ..policy import check_names, policy_document, read_policy
    from ..run_folder import existing
    from ..selection import known_metrics
    from .said import say_json, say_verdict

    folder = existing(run)
    other = None
    if policy:
        document = policy_document(policy, Path.cwd())
        other = read_policy(document)
        check_names(other, document, {**known_metrics(other), **metrics_of(folder, allow_code=allow_code)})
    record, _ = replay(folder, policy=other, at=datetime.now(UTC).date(), allow_code=allow_code)
    if as_json:
        say_json(record)
    else:
        say_verdict(record)
    raise SystemExit(record.exit_code)
