"""`slm-audit compare`: hold a model's siblings against it, item by item."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import FAIL_ON

if TYPE_CHECKING:
    from ...reports.policy import FailOn


@click.command(
    short_help="Hold a quantised, pruned or fine-tuned model against its base.",
    epilog="""\b
Examples:
  slm-audit compare runs/base runs/int8
  slm-audit compare runs/base runs/int8 runs/int4 --policy margins.yaml --json
""",
)
@click.argument("base", type=click.Path(path_type=Path))
@click.argument("variants", metavar="VARIANT...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--policy", default="regression", show_default=True, help="A built-in policy's name, or a policy.yaml.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Where it goes.")
@FAIL_ON
@click.option("--allow-code", is_flag=True, help="Let the runs' own file: probes be run.")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
def compare(
    base: Path,
    variants: tuple[Path, ...],
    policy: str,
    out: Path,
    fail_on: FailOn | None,
    allow_code: bool,
    as_json: bool,
) -> None:
    """Compare the finished run of a base model with those of its variants, without any model.

    All runs must have been asked the same: the same items, seed, probes and detectors. A policy's limits on
    METRIC.delta are the margins by which a variant may be worse; the verdict is the exit code, as for run.
    """
    from datetime import UTC, datetime

    from .. import run_folder
    from ..compare import compare as held_against
    from ..deltas import delta_metrics
    from ..engine import metrics_of
    from ..outputs import COMPARISON_FILES, render_comparison, write_comparison
    from ..policy import check_names, policy_document, read_policy
    from ..selection import known_metrics
    from .said import say_comparison

    folders = [run_folder.existing(one) for one in (base, *variants)]
    document = policy_document(policy, Path.cwd())
    margins = read_policy(document)
    metrics = {**known_metrics(margins), **metrics_of(folders[0], allow_code=allow_code)}
    check_names(margins, document, {**metrics, **delta_metrics(metrics)})
    run_folder.check_writable(out)
    now = datetime.now(UTC)
    found = held_against(
        folders[0], folders[1:], margins, now=now, fail_on=fail_on or "inconclusive", allow_code=allow_code
    )
    folder = run_folder.create(out, f"compare-{folders[1].name}", now, link="latest-comparison")
    write_comparison(folder, found)
    if as_json:
        click.echo(render_comparison("json", found), nl=False)
    else:
        say_comparison(found, folder / COMPARISON_FILES["html"])
    raise SystemExit(found.exit_code)
