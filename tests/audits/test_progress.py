"""Progress is drawn on a terminal only, and the results' stream stays clean."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

CODE = """
from slm_audit.audits.progress import TerminalProgress
from slm_audit.reports.record import ProbeRun
with TerminalProgress(2) as progress:
    progress.say("loading [red]x[/red]")
    for name, status in (("toxicity.a", "measured"), ("fairness.b", "not_measured")):
        progress.probe_begins(name, "Does it [bold]?", 3)
        progress.asked(3)
        progress.probe_ends(ProbeRun(name=name, dimension="d", question="?", version="1", items=3, items_sha256="",
                                     status=status, reason="no [i]access", requests=7, seconds=2.0))
"""


def test_without_a_terminal_it_is_silent() -> None:
    told = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert (told.stdout, told.stderr) == ("", "")


def test_on_a_terminal_each_probe_leaves_one_plain_line() -> None:
    ours, theirs = pty.openpty()
    told = subprocess.run([sys.executable, "-c", CODE], stdout=subprocess.PIPE, stderr=theirs, check=True)
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:
            break
        shown += part
    os.close(ours)
    text = shown.decode()
    assert told.stdout == b""
    assert "loading [red]x[/red]" in text
    assert "3 items, 7 requests, 2 s" in text
    assert "not measured: no [i]access" in text
