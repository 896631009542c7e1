"""Observations come back as they were, figures are made from little, and memory does not grow with the items."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
from slm_audit import Access, Exchange, Item, Metric, Observation, Probe, Score, Scoring, Scripted
from slm_audit.audits.asking import Silent, ask
from slm_audit.audits.bench import Detectors
from slm_audit.audits.items import WINDOW
from slm_audit.audits.journal import Journal
from slm_audit.audits.observations import Observations
from slm_audit.audits.seen import Seen
from slm_audit.audits.selection import Selected
from slm_audit.audits.suite import read_suite
from slm_audit.probes.contract import NotMeasured
from slm_audit.probes.registry import build, find

CANARIES = Path(__file__).parents[2] / "examples" / "tiny_slm" / "canaries.jsonl"
SAID = Exchange(asked=Scoring(context="the secret is ", continuation="\ud800x"), reply=Score(logprob=-1.5, tokens=2))
ONE = Observation(
    item="i",
    cluster="c",
    status="unparseable",
    values={"a": None, "b": 0.25},
    reason="why",
    groups=(("kind", "x"),),
    arm="swapped",
    exchanges=(SAID, replace(SAID, reply=replace(SAID.reply, responder="large"))),
    judges=("toxicity",),
    sensitive=("x", "y"),
    probability=0.5,
)


def test_a_figure_sees_everything_but_what_was_said() -> None:
    kept = Observations([ONE, replace(ONE, item="j", sensitive=("z",))])
    assert list(kept) == [replace(ONE, exchanges=(), sensitive=(), item=item) for item in "ij"]
    assert (kept[1].item, [one.item for one in kept[:1]]) == ("j", ["i"])
    assert next(kept.whole()) == ONE
    assert (kept.sensitive, kept.responders) == ({"x", "y", "z"}, {"large"})


@pytest.mark.parametrize("name", sorted(read_suite("standard").probes))
def test_figures_are_read_from_at_most_200_bytes_an_item(name: str) -> None:
    options = dict(read_suite("standard").probes[name])
    paths = {"canaries": CANARIES} if name == "privacy.exposure" else {}
    probe = build(find(name), {**options, **dict.fromkeys(paths, "")}, paths)
    try:
        kept = Observations(probe.faultless(probe.items()))
    except NotMeasured as reason:
        pytest.skip(f"it has no items of its own: {reason}")
    assert kept.bytes <= 200 * len(kept)


class Forgetful(Scripted):
    """Does not remember what it was asked."""

    def score(self, requests: Sequence[Scoring]) -> list[Score]:
        found = super().score(requests)
        self.heard.clear()
        return found


@dataclass(frozen=True, kw_only=True)
class Long(Probe):
    """Does it go on?"""

    name: ClassVar[str] = "long"
    dimension: ClassVar[str] = "robustness"
    version: ClassVar[str] = "1"
    needs: ClassVar[frozenset[Access]] = frozenset({Access.score})
    metrics: ClassVar[tuple[Metric, ...]] = (Metric(name="odd", meaning="odd ones"),)
    held: tuple[Item, ...] = ()

    def items(self) -> Sequence[Item]:
        return self.held

    def observe(self, items: Sequence[Item], bench: object) -> Iterator[Observation]:
        asked = [Scoring(context=f"{one.id} {'text ' * 400}", continuation=" on") for one in items]
        scores = bench.model.score(asked)  # type: ignore[attr-defined]
        for at, (item, one, score) in enumerate(zip(items, asked, scores, strict=True)):
            seen = Observation.judged(item, {"odd": float(at % 2)})
            yield replace(seen, exchanges=(Exchange(asked=one, reply=score),))


def asked(count: int, folder: Path) -> tuple[Seen, int]:
    """What asking so many items came to, and the most bytes that were allocated meanwhile."""
    items = tuple(Item(id=f"long-{at:05}", cluster=f"c{at // 4:05}") for at in range(count))
    selected = Selected(name="robustness.long", probe=Long(held=items), options={})
    folder.mkdir()
    journal = Journal(folder / "journal.sqlite", write=True)
    tracemalloc.start()
    try:
        seen = ask(
            selected,
            Forgetful("x"),
            journal,
            Detectors(journal, None),
            seed=1,
            level=0.95,
            most_clusters=None,
            progress=Silent(),
            log=print,
        )
        return seen, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        journal.close()


@pytest.mark.slow
def test_memory_stays_flat_while_items_stream(tmp_path: Path) -> None:
    asked(2 * WINDOW, tmp_path / "warm")
    few, less = asked(4 * WINDOW, tmp_path / "few")
    many, more = asked(20 * WINDOW, tmp_path / "many")
    assert (few.run.status, many.run.status, many.run.items) == ("measured", "measured", 20 * WINDOW)
    said = sum(len(str(one)) for one in many.observations.whole())
    assert more - less < said / 5
