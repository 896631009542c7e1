"""`slm-audit probes`: what is there to ask."""

from __future__ import annotations

import click


@click.group()
def probes() -> None:
    """List the probes, or show one."""


@probes.command("list")
def list_probes() -> None:
    """Every installed probe and its question."""
    from ...probes.registry import UnknownProbe, find, installed, question

    for name in installed():
        try:
            click.echo(f"{name:32} {question(find(name))}")
        except UnknownProbe as error:
            click.echo(f"{name:32} broken: {error}")


@probes.command("show", epilog="\b\nExample:\n  slm-audit probes show toxicity.continuations\n")
@click.argument("name")
def show(name: str) -> None:
    """One probe: what it asks, how, with which options and metrics, and the smallest limit it can pass."""
    from ..showing import describe

    click.echo(describe(name))
