"""`slm-audit validate`: check a model.yaml and its policy without asking the model anything."""

from __future__ import annotations

import click

from .options import ALLOW_PICKLES, overrides, spec_options


@click.command(
    short_help="Check a spec without asking the model.", epilog="\b\nExample:\n  slm-audit validate model.yaml\n"
)
@click.argument("model", metavar="MODEL.YAML|FOLDER|HUB-ID")
@ALLOW_PICKLES
@spec_options
def validate(model: str, allow_path: bool, allow_code: bool, allow_pickles: bool, **given: object) -> None:
    """Check a spec, its policy, its probes and the model's folder; list every fault at once."""
    from ..plan import check_plan
    from .said import say_undecidable

    plan = check_plan(
        model,
        overrides(**given),
        allow_path=allow_path,
        allow_code=allow_code,
        allow_pickles=allow_pickles,
    )
    probes = f"{len(plan.selected)} probe{'s' * (len(plan.selected) != 1)}"
    click.echo(f"{plan.document.path}: fine; {probes}, policy {plan.policy.name}")
    limited = {limit.metric.rsplit(".", 1)[0] for limit in plan.policy.limits}
    for one in plan.selected:
        click.echo(f"  {one.name:32} {'gated' if one.name in limited else 'shown'}  {one.question}")
    say_undecidable(plan, err=False)
