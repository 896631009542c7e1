"""How many replies a second the journal commits, which bounds what all replicas of a cluster can send.

    python tests/performance/journal_rate.py [FOLDER]

Writes batches of replies of a usual size through JournalledModel into a journal in FOLDER (a temporary one if none is
named; name one on the disk that runs are kept on), and beside it tells what a model that answers at once costs without
a journal. Seconds of the clock and of the processor: the lesser of several rounds.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from slm_audit import Scripted
from slm_audit.audits.journal import Journal
from slm_audit.audits.journalled import JournalledModel
from slm_audit.probes.contract import Decoding, Generation, Scoring

REQUESTS = 6400
ROUNDS = 3
TEXT = "The customer asks whether the order that was placed last week can still be changed. " * 3


def drawn(round_: int) -> list[Generation]:
    """Requests with a prompt of some 60 tokens, of which each gets a reply of some 40."""
    decoding = Decoding(max_tokens=64)
    return [Generation(prompt=f"{round_} {at} {TEXT}", decoding=decoding, seed=at) for at in range(REQUESTS)]


def scored(round_: int) -> list[Scoring]:
    """Requests to score one of two words after such a text."""
    return [Scoring(context=f"{round_} {at // 2} {TEXT}", continuation=" yes") for at in range(REQUESTS)]


def main() -> None:
    """Print a line for each verb."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        journal = Journal(Path(folder) / "journal.sqlite", write=True)
        scripted = Scripted(TEXT[:160])
        model = JournalledModel(scripted, journal)
        for name, ask in (
            ("generate", lambda one, at: one.generate(drawn(at))),
            ("score", lambda one, at: one.score(scored(at))),
        ):
            for what, one in (("with journal", model), ("without", scripted)):
                clock, processor = [], []
                for at in range(ROUNDS):
                    begun, spent = time.perf_counter(), time.process_time()
                    ask(one, at)
                    clock.append(time.perf_counter() - begun)
                    processor.append(time.process_time() - spent)
                rates = REQUESTS / min(clock), REQUESTS / min(processor)
                print(f"{name:8} {what:12} {rates[0]:8.0f} replies a second, {rates[1]:8.0f} a processor second")
        journal.close()


if __name__ == "__main__":
    main()
