"""How many replies a second the journal commits, and how many two replicas of a cluster send.

    python tests/performance/journal_rate.py [FOLDER]

Writes batches of replies of a usual size through JournalledModel into a journal in FOLDER (a temporary one if none is
named; name one on the disk that runs are kept on), and beside it tells what a model that answers at once costs without
a journal. Then two workers of a Ray cluster of this machine hold examples/tiny_slm, and answer a tenth as many requests
without a journal. Seconds of the clock and of the processor (of this process, not the workers): the lesser of several
rounds.
"""

from __future__ import annotations

import functools
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from slm_audit import Scripted
from slm_audit.audits.execution import Execution
from slm_audit.audits.journal import Journal
from slm_audit.audits.journalled import JournalledModel
from slm_audit.audits.model_file import LocalFile
from slm_audit.audits.models import open_model
from slm_audit.probes.contract import Decoding, Generation, Scoring

TINY = Path(__file__).resolve().parents[2] / "examples" / "tiny_slm"
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


def timed(name: str, what: str, replies: int, ask: Callable[[int], object]) -> None:
    """Print how many replies a second come of asking, by the best of several rounds."""
    clock, processor = [], []
    for at in range(ROUNDS):
        begun, spent = time.perf_counter(), time.process_time()
        ask(at)
        clock.append(time.perf_counter() - begun)
        processor.append(time.process_time() - spent)
    rates = replies / min(clock), replies / min(processor)
    print(f"{name:8} {what:12} {rates[0]:8.0f} replies a second, {rates[1]:8.0f} a processor second")


def replicas() -> None:
    """What two workers send that hold a real model."""
    execution = Execution(engine="ray", address="local", replicas=2, cpus_per_replica=0.5)
    model = open_model(LocalFile(path=str(TINY)), str(TINY), execution=execution)
    some = REQUESTS // 10

    def all_of(each: Callable[..., object], requests: Sequence[Generation] | Sequence[Scoring]) -> None:
        for _ in each([requests[place] for place in batch] for batch in model.batches(requests)):
            pass

    timed("generate", "2 replicas", some, lambda at: all_of(model.generate_each, drawn(at)[:some]))
    timed("score", "2 replicas", some, lambda at: all_of(model.score_each, scored(at)[:some]))


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
                timed(name, what, REQUESTS, functools.partial(ask, one))
        journal.close()
    replicas()


if __name__ == "__main__":
    main()
