"""`slm-audit verify`: compute a run's figures anew and look for any change."""

from __future__ import annotations

import re
from pathlib import Path

import click


@click.command(
    short_help="Compute a finished run anew and look for changes.",
    epilog="\b\nExamples:\n  slm-audit verify runs/latest\n  slm-audit verify RUN --digest 3f5a...\n",
)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--digest", default="", help="The SHA-256 of record.json that was filed when the run ended.")
@click.option("--allow-code", is_flag=True, help="Let the run's own file: probes be run.")
def verify(run: Path, digest: str, allow_code: bool) -> None:
    """Check every digest and the journal's chain, and compute every figure anew; exit 1 if anything differs.

    Without a digest kept elsewhere this shows accident and careless editing, not a forger who rewrites all.
    """
    from ..errors import UserError
    from ..run_folder import existing
    from ..verify import faults_of

    if digest and not re.fullmatch("[0-9a-fA-F]{64}", digest):
        raise UserError(f"--digest {digest[:70]} is no SHA-256; give all 64 of its digits, 0 to 9 and a to f")
    found = faults_of(existing(run), digest=digest, allow_code=allow_code)
    for fault in found[:20]:
        click.echo(f"  {fault}")
    if len(found) > 20:
        click.echo(f"  and {len(found) - 20} more")
    click.echo(f"{run}: {'does not verify' if found else 'verified: digests, chain and every figure'}")
    raise SystemExit(1 if found else 0)
