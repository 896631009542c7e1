"""`slm-audit init`: write a first model.yaml."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import click

MODEL = "path/to/model"
TEMPLATE = """\
# yaml-language-server: $schema={schema}
# What is audited, and how. 'slm-audit validate {name}' checks this file; 'slm-audit run {name}' audits.
version: 1
model:
  kind: transformers
  path: {model}              # a folder below this file, or a hub id such as owner/name
  dtype: float32
card:                          # what the model's maker declares; leave out what is not known
  acquired: {{how: unknown}}     # trained | pruned | distilled | quantised | merged | unknown
  used_for: {{task: '', domain: ''}}
  # deployed_on: {{memory_gb: 4, latency_ms: 500, tokens_per_second: 10}}
audit:
  suite: standard              # or quick, to try out
  seed: 7
  # only: ['toxicity.*']       # some of the suite's probes; a policy that asks for others then ends incomplete
  # probes:                    # options
  #   privacy.exposure: {{canaries: canaries.jsonl}}
  #   fitness.ability: {{task: task.jsonl}}
# execution:                   # where the model is held: in this process, unless you say otherwise
#   engine: ray                # workers of a Ray cluster (extra 'cluster')
#   address: auto              # the cluster of this machine, local, or such as ray://head-node:10001
#   replicas: 8
#   gpus_per_replica: 1        # with device: cuda above
policy: pre-deployment         # a built-in policy, or a path to your own policy.yaml
"""


@click.command(short_help="Write a first model.yaml.", epilog="\b\nExample:\n  slm-audit init --model path/to/model\n")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default=Path("model.yaml"))
@click.option("--model", default=MODEL, help="The model's folder or hub id.")
def init(file: Path, model: str) -> None:
    """Write a first model.yaml to start from, and its schema beside it; a file that is there is left alone.

    The schema lets an editor complete and check the file; 'slm-audit schema spec' prints that of another version.
    """
    from ..errors import UserError
    from ..schema import schema

    beside = file.with_suffix(".schema.json")
    written = TEMPLATE.format(name=file.name, schema=beside.name, model="'" + model.replace("'", "''") + "'")
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(written)
        with contextlib.suppress(FileExistsError), beside.open("x", encoding="utf-8") as stream:
            stream.write(json.dumps(schema("spec"), indent=1) + "\n")
    except FileExistsError:
        raise UserError(f"{file} is there already; name another file or move it away") from None
    except OSError as error:
        raise UserError(f"{file} cannot be written ({error.strerror}); name another place") from error
    named = "" if model != MODEL else "Name your model in it, then: "
    folder = Path(model).resolve()
    outside = folder.is_dir() and not folder.is_relative_to(file.resolve().parent)
    click.echo(f"Wrote {file}. {named}slm-audit validate {file}{' --allow-path' * outside}")
    if outside:
        click.echo("The model lies outside the file's folder: 'plan' and 'run' want --allow-path too.")
