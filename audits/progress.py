"""Show on the terminal what is asked, how far the run is, and how long it will still take."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from ..reports.record import ProbeRun

_MARK = {
    "measured": "[green]✓[/]",
    "not_measured": "[yellow]-[/]",
    "error": "[red]✗[/]",
    "interrupted": "[red]✗[/]",
}


class TerminalProgress:
    """One line a probe on stderr, with a bar while it is asked; silent where stderr is no terminal."""

    def __init__(self, probes: int, *, quiet: bool = False) -> None:
        """Get ready for so many probes."""
        self._console = Console(stderr=True, quiet=quiet)
        self._probes = probes
        self._done = 0
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=quiet or not self._console.is_terminal,
        )
        self._task = self._bars.add_task("", total=None, visible=False)

    def __enter__(self) -> TerminalProgress:
        """Begin to draw."""
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Leave the terminal as it was."""
        self._bars.stop()

    def say(self, text: str) -> None:
        """One plain line."""
        if self._console.is_terminal:
            self._console.print(Text(text))

    def probe_begins(self, name: str, question: str, items: int) -> None:
        """Show the question and an empty bar."""
        self._bars.reset(self._task, total=items, visible=True, description=f"{name}  {question}")

    def asked(self, items: int) -> None:
        """Move the bar."""
        self._bars.advance(self._task, items)

    def probe_ends(self, run: ProbeRun) -> None:
        """Leave one line behind."""
        self._done += 1
        self._bars.update(self._task, visible=False)
        if self._console.is_terminal:
            line = Text.from_markup(f"{_MARK[run.status]} [{self._done}/{self._probes}] ")
            told = (
                f"{run.items} items, {run.requests} requests, {run.seconds:.0f} s" if run.status == "measured" else ""
            )
            told += f"; {run.extent}" if told and run.extent else ""
            line.append(f"{run.name:32} {told or run.status.replace('_', ' ') + ': ' + run.reason}")
            self._console.print(line, soft_wrap=True)
