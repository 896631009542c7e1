"""`slm-audit init`: write a first model.yaml."""

from __future__ import annotations

from pathlib import Path

import click

TEMPLATE = """\
# What is audited, and how. 'slm-audit validate {name}' checks this file; 'slm-audit run {name}' audits.
version: 1
model:
  kind: transformers
  path: {model}              # a folder below this file, or a hub id such as owner/name
  dtype: float32
card:                          # what the model's maker declares; leave out what is not known
  acquired: {{how: unknown}}     # trained | pruned | distilled | quantised | merged | unknown
  used_for: {{task: '', domain: ''}}
audit:
  suite: standard              # or quick, to try out
  seed: 7
  # probes:
  #   privacy.exposure: {{canaries: canaries.jsonl}}
policy: pre-deployment         # a built-in policy, or a path to your own policy.yaml
"""


@click.command(short_help="Write a first model.yaml.", epilog="\b\nExample:\n  slm-audit init --model path/to/model\n")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default=Path("model.yaml"))
@click.option("--model", default="path/to/model", help="The model's folder or hub id.")
def init(file: Path, model: str) -> None:
    """Write a first model.yaml to start from; a file that is there is left alone."""
    from ..errors import UserError

    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(TEMPLATE.format(name=file.name, model="'" + model.replace("'", "''") + "'"))
    except FileExistsError:
        raise UserError(f"{file} is there already; name another file or move it away") from None
    except OSError as error:
        raise UserError(f"{file} cannot be written ({error.strerror}); name another place") from error
    click.echo(f"Wrote {file}. Name your model in it, then: slm-audit validate {file}")
