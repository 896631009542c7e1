"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from ..built_in import names

KEYS = {
    "suite": "audit.suite",
    "only": "audit.only",
    "limit": "audit.limit",
    "repeat": "audit.repeat",
    "minutes": "audit.minutes",
    "early_stop": "audit.early_stop",
    "policy": "policy",
    "seed": "audit.seed",
    "dtype": "model.dtype",
    "device": "model.device",
    "threads": "model.threads",
    "fail_on": "fail_on",
    "name": "model.name",
}
FAIL_ON = click.option(
    "--fail-on",
    type=click.Choice(["inconclusive", "incomplete", "fail"]),
    help="The mildest verdict that ends with an exit code other than 0; inconclusive unless you say otherwise.",
)
KEY_ENV = click.option("--key-env", default="", help="The variable that holds the key of the model's server.")
ALLOW_PICKLES = click.option("--allow-pickles", is_flag=True, help="Let weights be read that are pickles.")
FORMS = ("html", "json", "junit", "markdown")
F = TypeVar("F", bound=Callable[..., object])


def spec_options(command: F) -> F:
    """The options that stand above the keys of a spec."""
    for option in (
        click.option(
            "--suite", type=click.Choice(names("suites")), help="quick asks few items: to try out, not to gate."
        ),
        click.option("--probes", "only", multiple=True, metavar="PATTERN", help="Only these, such as 'toxicity.*'."),
        click.option("--limit", type=click.IntRange(min=1), help="At most so many clusters of each probe."),
        click.option("--repeat", type=click.IntRange(1, 20), help="Ask all N times, to see how far figures move."),
        click.option("--minutes", type=float, help="Ask no more than about so many minutes allow on this machine."),
        click.option("--early-stop", is_flag=True, default=None, help="End a probe as soon as its limits are decided."),
        click.option("--policy", help="A built-in policy's name, or a policy.yaml."),
        click.option("--seed", type=click.IntRange(min=0), help="Seed of every random choice."),
        click.option("--dtype", type=click.Choice(["float32", "bfloat16", "float16"]), help="Number type."),
        click.option("--device", help="Where the model runs: cpu, cuda, cuda:1 ..."),
        click.option("--threads", type=click.IntRange(min=1), help="Workers on a CPU; one for each core unless said."),
        FAIL_ON,
        click.option("--name", help="The model's name at its server, where an address is audited."),
        click.option("--allow-path", is_flag=True, help="Let the spec name paths outside its folder."),
        click.option(
            "--allow-code",
            is_flag=True,
            help="Let the spec run code of its own (file: probes, callables, a model's remote code).",
        ),
    ):
        command = option(command)
    return command


def overrides(**given: object) -> dict[str, object]:
    """The dotted keys of a spec that the options stand for."""
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}
    return {KEYS[name]: value for name, value in plain.items() if value not in (None, [])}


def shown_as(command: F) -> F:
    """The options of a command that shows a record: in which form, and where."""
    file = click.Path(path_type=Path, dir_okay=False)
    for option in (
        click.option("--form", type=click.Choice(FORMS), default="markdown", show_default=True, help="In which form."),
        click.option("--output", type=file, help="The file to write it to."),
    ):
        command = option(command)
    return command


def write_shown(text: str, output: Path | None) -> None:
    """Write what is shown to a file, or to standard output where none is named."""
    from .. import run_folder
    from ..errors import UserError

    if output is None:
        click.echo(text, nl=False)
        return
    if not output.parent.is_dir():
        raise UserError(f"{output.parent} is no folder; make it first, or name another file")
    try:
        if output.exists() and not output.is_file():
            output.write_text(text, encoding="utf-8")
        else:
            run_folder.write_whole(output, text)
    except OSError as error:
        raise UserError(f"{output} cannot be written ({error.strerror}); name another file with --output") from error
    click.echo(str(output), err=True)
