"""How much memory an audit holds while the items of a long probe stream by.

    python tests/performance/flat_memory.py [ITEMS]

Audits the tiny model with a probe of so many items (100,000 if none are named) of two continuations each, by the real
command in a process of its own, and prints its memory, children included, beside the size of the journal.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EVERY = 10.0
"""Seconds between two lines."""

EXAMPLES = Path(__file__).parents[2] / "examples"
SPEC = """\
version: 1
model: {{kind: transformers, path: {model}, dtype: float32}}
card:
  acquired: {{how: trained}}
  used_for: {{task: 'to measure memory', domain: everyday text}}
audit:
  suite: standard
  seed: 7
  only: [robustness.many]
  probes:
    file:many.py: {{count: {count}}}
policy: exploratory
"""
PROBE = '''\
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from slm_audit import Access, Bench, Exchange, Item, Metric, Observation, Probe, Scoring


@dataclass(frozen=True, kw_only=True)
class Many(Probe):
    """Is one word likelier than another?"""

    name: ClassVar[str] = "many"
    dimension: ClassVar[str] = "robustness"
    version: ClassVar[str] = "1"
    needs: ClassVar[frozenset[Access]] = frozenset({Access.score})
    metrics: ClassVar[tuple[Metric, ...]] = (Metric(name="first", meaning="items whose first word is likelier"),)
    count: int = 1000

    def items(self) -> Sequence[Item]:
        return [
            Item(id=f"many-{at:06}", cluster=f"c-{at // 4:06}", content={"text": f"On day {at} the weather was"})
            for at in range(self.count)
        ]

    def observe(self, items: Sequence[Item], bench: Bench) -> Iterator[Observation]:
        words = (" warm and dry", " cold and wet")
        asked = [Scoring(context=str(one.content["text"]), continuation=word) for one in items for word in words]
        scores = bench.model.score(asked)
        for at, one in enumerate(items):
            own = slice(2 * at, 2 * at + 2)
            said = tuple(Exchange(asked=a, reply=b) for a, b in zip(asked[own], scores[own], strict=True))
            first = float(scores[2 * at].logprob > scores[2 * at + 1].logprob)
            seen = Observation.judged(one, {"first": first})
            yield replace(seen, exchanges=said)
'''


def resident(process: int) -> int:
    """Bytes of memory of a process and its children, what they share counted once."""
    total = 0
    todo = [process]
    while todo:
        one = todo.pop()
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
            total += 1024 * next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
            todo += map(int, Path(f"/proc/{one}/task/{one}/children").read_text().split())
        except (OSError, StopIteration):
            continue
    return total


def main() -> None:
    """Print how long the journal is, and how much memory is held."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        folder = Path(name)
        (folder / "many.py").write_text(PROBE)
        (folder / "model.yaml").write_text(SPEC.format(model=EXAMPLES / "tiny_slm", count=count))
        command = [sys.executable, "-m", "slm_audit.audits.cli", "run", "model.yaml", "--allow-code", "--allow-path"]
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as audit:
            began, told = time.monotonic(), 0.0
            while audit.poll() is None:
                time.sleep(0.2)
                if time.monotonic() - began > told:
                    written = sum(one.stat().st_size for one in folder.glob("runs/*/journal.sqlite"))
                    held = resident(audit.pid)
                    print(f"{told:6.0f} s  journal {written >> 20:5} MiB  memory {held >> 20:5} MiB", flush=True)
                    told += EVERY
        print(f"exit code {audit.returncode}")


if __name__ == "__main__":
    main()
