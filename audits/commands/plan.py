"""`slm-audit plan`: what a run would ask, decide and cost, before anything of it is asked."""

from __future__ import annotations

import math
from pathlib import Path

import click

from .options import ALLOW_PICKLES, KEY_ENV, overrides, spec_options


@click.command(
    short_help="Say beforehand what a run would cost and decide.",
    epilog="""\b
Examples:
  slm-audit plan model.yaml
  slm-audit plan model.yaml --minutes 20
  slm-audit plan model.yaml --guess toxicity.continuations.rate=0.01
  slm-audit plan path/to/model --pilot runs/latest --json > plan.json
""",
)
@click.argument("model", metavar="MODEL.YAML|FOLDER|HUB-ID")
@click.option("--guess", "guessed", multiple=True, metavar="METRIC=VALUE", help="The true value that you expect.")
@click.option("--pilot", type=click.Path(path_type=Path), help="A finished run to take the values from.")
@click.option("--offline", is_flag=True, help="Make any connection to another machine an error.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@KEY_ENV
@ALLOW_PICKLES
@spec_options
def plan(
    model: str,
    guessed: tuple[str, ...],
    pilot: Path | None,
    offline: bool,
    as_json: bool,
    quiet: bool,
    key_env: str,
    allow_pickles: bool,
    allow_path: bool,
    allow_code: bool,
    **given: object,
) -> None:
    """Say what a run would ask, decide and cost on this machine; a handful of requests is asked and thrown away.

    For each limit: how many clusters decide it with probability 0.8 if the truth is half of it, your guess, or what a
    pilot showed. With --minutes, how many clusters of each probe the minutes leave. Nothing is written.
    """
    if offline:
        from ..offline import cut_off

        cut_off()
    from ..plan import check_plan
    from ..prospect import check_guesses, foresee
    from ..run_folder import existing

    checked = check_plan(
        model,
        overrides(**given),
        allow_path=allow_path,
        allow_code=allow_code,
        allow_pickles=allow_pickles,
    )
    guesses = dict(map(_guess, guessed))
    check_guesses(checked, guesses)
    earlier = existing(pilot) if pilot else None
    from ..progress import TerminalProgress

    with TerminalProgress(len(checked.selected), quiet=quiet) as progress:
        progress.say(
            f"{len(checked.selected)} probes, policy {checked.policy.name}; loading {checked.spec.model.title}"
        )
        from ..budget import allot
        from ..models import Leave, open_model
        from ..sampling import Spent

        opened = open_model(
            checked.spec.model, checked.model_path, Leave(key_env, allow_code, allow_pickles), checked.spec.execution
        )
        spent = Spent.until_now().cpu
        start = Spent(cpu=spent, clock=spent)
        seen = {}
        if earlier:
            from ..engine import replay

            seen = {one.run.name: one for one in replay(earlier, allow_code=allow_code).seen}
        prospect = foresee(checked, opened, progress, start=start, guesses=guesses, pilot=seen)
        minutes = checked.spec.audit.minutes
        allotment = allot(prospect, minutes) if minutes else None
    from ..foretelling import as_text, facts_of

    if as_json:
        import json

        click.echo(json.dumps(facts_of(prospect, allotment), indent=1))
    else:
        click.echo(as_text(prospect, allotment))


def _guess(said: str) -> tuple[str, float]:
    from ..errors import UserError

    metric, _, text = said.partition("=")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not metric or not math.isfinite(value):
        raise UserError(f"--guess {said}: write METRIC=VALUE, such as toxicity.continuations.rate=0.01")
    return metric, value
