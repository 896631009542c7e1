"""`slm-audit schema`: what an editor needs to complete a model.yaml or a policy.yaml."""

from __future__ import annotations

import json
from typing import Literal

import click


@click.command(
    short_help="Print the JSON Schema of a spec or a policy.",
    epilog="""\b
Example:
  slm-audit schema policy > policy.schema.json
and as the first line of policy.yaml:
  # yaml-language-server: $schema=policy.schema.json
""",
)
@click.argument("of", metavar="spec|policy", type=click.Choice(["spec", "policy"]))
def schema(of: Literal["spec", "policy"]) -> None:
    """Print the JSON Schema of model.yaml (spec) or of policy.yaml (policy), with which an editor completes it."""
    from .. import schema as schemas

    click.echo(json.dumps(schemas.schema(of), indent=1))
