"""The command line: one group, one file a command; nothing heavy is imported before a command runs."""

from __future__ import annotations

import logging
import os
import signal
import sys
import traceback
from types import FrameType

import click

from .commands.compare import compare
from .commands.export import export
from .commands.gate import gate
from .commands.init import init
from .commands.plan import plan
from .commands.probes import probes
from .commands.report import report
from .commands.resume import resume
from .commands.run import run
from .commands.schema import schema
from .commands.validate import validate
from .commands.verify import verify
from .errors import EvidenceError, UserError

EPILOG = """\b
Exit codes, the first that holds:
  2 usage or configuration   130 interrupted (resume it)
  1 a limit failed             4 required evidence is missing
  3 a limit is undecided       0 pass

\b
Examples:
  slm-audit init
  slm-audit plan model.yaml
  slm-audit run model.yaml
  slm-audit run path/to/model --suite quick
  slm-audit verify runs/latest
"""


class Group(click.Group):
    """Turns the failures that a user can mend into one sentence and an exit code."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except UserError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(2)
        except EvidenceError as error:
            click.echo(f"Stopped: {error}", err=True)
            ctx.exit(4)
        except (click.ClickException, click.exceptions.Exit, click.Abort, SystemExit):
            raise
        except Exception:
            # Left to Python, a fault of ours would end with 1, which says that a limit failed.
            traceback.print_exc()
            click.echo("Stopped by a fault of slm-audit itself; please report the lines above.", err=True)
            ctx.exit(4)
        except KeyboardInterrupt:
            click.echo("Interrupted; what was answered is kept, and 'slm-audit resume RUN' goes on.", err=True)
            ctx.exit(130)


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"slm-audit {version('slm-audit')}")
        ctx.exit()


@click.group(
    cls=Group,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
def main() -> None:
    """Audit a small language model: robustness, fairness, privacy, hallucination, toxicity.

    slm-audit puts questions to a model, states what it measured with an honest interval, holds that against
    limits set beforehand, and shows the evidence.
    """
    # Idle OpenMP threads that spin slow down everything else on a shared machine; must be set before torch.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # What torchao says of kernels for other machines when transformers looks whether it is there.
    for name in ("torchao", "torch.utils._pytree"):
        logging.getLogger(name).setLevel(logging.ERROR)
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


COMMANDS = (compare, export, gate, init, plan, probes, report, resume, run, schema, validate, verify)
for command in COMMANDS:
    main.add_command(command)

if __name__ == "__main__":
    sys.exit(main())
