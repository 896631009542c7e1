"""`slm-audit run`: audit a model."""

from __future__ import annotations

from pathlib import Path

import click

from .options import ALLOW_PICKLES, KEY_ENV, overrides, spec_options


@click.command(
    short_help="Audit a model and gate it.",
    epilog="""\b
Examples:
  slm-audit run model.yaml
  slm-audit run path/to/model --suite quick --probes 'toxicity.*'
  slm-audit run model.yaml --minutes 20 --early-stop
  slm-audit run model.yaml --limit 200 --reuse runs/latest
  slm-audit run owner/name --policy my-policy.yaml --json > record.json
  slm-audit run http://localhost:8000/v1 --name served-model --key-env MY_KEY
""",
)
@click.argument("model", metavar="MODEL.YAML|FOLDER|HUB-ID|ADDRESS")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Where runs go.")
@click.option("--offline", is_flag=True, help="Make any connection to another machine an error.")
@click.option("--reuse", type=click.Path(path_type=Path), help="Start from an earlier run of the same model.")
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@KEY_ENV
@ALLOW_PICKLES
@spec_options
def run(
    model: str,
    out: Path,
    offline: bool,
    reuse: Path | None,
    as_json: bool,
    quiet: bool,
    key_env: str,
    allow_pickles: bool,
    allow_path: bool,
    allow_code: bool,
    **given: object,
) -> None:
    """Audit a model and gate it; exit 0 only if every limit of the policy holds."""
    if offline:
        from ..offline import cut_off

        cut_off()
    if Path(model).exists():
        from ..models import import_ahead

        import_ahead()
    from ..plan import check_plan
    from ..run_folder import check_writable, existing

    plan = check_plan(
        model,
        overrides(**given),
        allow_path=allow_path,
        allow_code=allow_code,
        allow_pickles=allow_pickles,
    )
    check_writable(out)
    reusing = existing(reuse) if reuse else None
    from .said import say_ended, say_undecidable

    say_undecidable(plan, err=True)
    from ..progress import TerminalProgress

    with TerminalProgress(len(plan.selected) * plan.spec.audit.repeat, quiet=quiet) as progress:
        progress.say(f"{len(plan.selected)} probes, policy {plan.policy.name}; loading {plan.spec.model.title}")
        from .. import engine
        from ..models import Leave, open_model

        leave = Leave(key_env, allow_code, allow_pickles)
        opened = open_model(plan.spec.model, plan.model_path, leave, plan.spec.execution)
        try:
            ended = engine.run(plan, opened, out, reusing=reusing, progress=progress)
        except KeyboardInterrupt:
            click.echo(f"Interrupted; what was answered is kept: slm-audit resume {out / 'latest'}", err=True)
            raise SystemExit(130) from None
    say_ended(ended, as_json=as_json)
    raise SystemExit(ended.record.exit_code)
