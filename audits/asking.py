"""Ask one probe's items, window by window, and keep what is seen."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy

from ..probes.contract import Estimate, Item, Metric, Model, NotMeasured, Observation, from_json
from ..probes.estimates import unmeasured
from ..probes.streams import stream
from ..reports.masks import Mask
from ..reports.record import ProbeRun
from .bench import Detectors, JournalBench
from .errors import EvidenceError, LostReply
from .journal import Journal
from .journalled import JournalledModel, digest
from .responders import by_responder
from .selection import Selected
from .stopping import Stopping

ORDER = "order"
WINDOW = 384
Status = Literal["measured", "not_measured", "error", "interrupted"]


class Progress(Protocol):
    """Who is told how far the run is."""

    def say(self, text: str) -> None:
        """One line about the run as a whole."""

    def probe_begins(self, name: str, question: str, items: int) -> None:
        """A probe begins with so many items."""

    def asked(self, items: int) -> None:
        """So many more items of it were asked."""

    def probe_ends(self, run: ProbeRun) -> None:
        """It ended so."""


class Silent:
    """Tells nobody."""

    def say(self, text: str) -> None:
        """Say nothing."""

    def probe_begins(self, name: str, question: str, items: int) -> None:
        """Say nothing."""

    def asked(self, items: int) -> None:
        """Say nothing."""

    def probe_ends(self, run: ProbeRun) -> None:
        """Say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the asking of one probe came to; estimates bear their full names.

    `valid` is its share of usable answers where that needs an interval which knows of early stopping.
    """

    run: ProbeRun
    observations: tuple[Observation, ...]
    estimates: tuple[Estimate, ...]
    meanings: Mapping[str, str]
    valid: Estimate | None = None


@dataclass(slots=True, kw_only=True)
class Counter:
    """How much was asked of the model."""

    requests: int = 0
    tokens: int = 0

    def add(self, requests: int, tokens: int) -> None:
        """Count some more."""
        self.requests += requests
        self.tokens += tokens


def ask(
    selected: Selected,
    model: Model,
    journal: Journal,
    detectors: Detectors,
    *,
    seed: int,
    repeat: int = 0,
    level: float,
    most_clusters: int | None,
    stopping: Stopping | None = None,
    progress: Progress,
    log: Callable[[str], None],
) -> Seen:
    """Ask all of a probe. What goes wrong in it becomes its status and reason; the audit goes on.

    Repeat 1, 2 ... asks the same clusters anew with the next seed, in another order. At most `most_clusters` are
    asked, and fewer where `stopping` says at a checkpoint that all is decided.
    """
    name = selected.name
    seen: list[Observation] = []
    counter = Counter()
    items: Sequence[Item] = ()
    planned = asked = 0
    status: Status = "measured"
    reason = ""
    begun = time.perf_counter()
    try:
        lacking = sorted(selected.probe.needs - model.access)
        if lacking:
            raise NotMeasured(f"the model gives no {', '.join(lacking)}")
        items = items_of(selected, journal)
        journalled = JournalledModel(model, journal, counter.add, repeat=repeat)
        bench = JournalBench(journalled, detectors, seed + repeat, name)
        order = in_order(items, stream(seed, name, ORDER))[:most_clusters]
        if repeat:
            order = [order[at] for at in bench.rng(ORDER).permutation(len(order))]
        planned = len(order)
        if not order:
            raise NotMeasured("the budget of minutes left no time for it")
        progress.probe_begins(name, selected.question, sum(map(len, order)))
        for leg in stopping.legs(order, seen) if stopping else (order,):
            for window in windows(leg):
                before = len(seen)
                for one in selected.probe.observe(window, bench):
                    if not seen or seen[-1].item != one.item:
                        progress.asked(1)
                    seen.append(one)
                _refuse_gaps(window, seen[before:])
            asked += len(leg)
    except NotMeasured as error:
        status, reason = "not_measured", str(error)
    except (EvidenceError, KeyboardInterrupt, LostReply):
        raise
    except Exception as error:
        mask = Mask([word for one in seen for word in one.sensitive], name)
        status, reason = "error", mask(f"{type(error).__name__}: {error}")
        log(mask(f"{name} raised\n{traceback.format_exc()}"))
    if stopping and status == "measured":
        stopping.note(planned, asked)
    estimates, status, reason = _measured(selected, seen, level, stopping, status, reason, log)
    timed = f"{name}/repeat {repeat}" if repeat else name
    seconds = _first_seconds(journal, timed, time.perf_counter() - begun, status)
    run = ProbeRun(
        name=name,
        dimension=selected.probe.dimension,
        question=selected.question,
        version=selected.probe.version,
        items=len({one.item for one in seen}),
        items_sha256=digest(list(items)),
        status=status,
        reason=reason,
        seconds=seconds,
        requests=counter.requests,
        tokens=counter.tokens,
        options=selected.options,
        clusters=asked,
        planned=planned,
        extent=str(stopping.extent) if stopping and stopping.extent else "",
    )
    progress.probe_ends(run)
    if status != "measured":
        return replace(unasked(selected, run, level), observations=tuple(seen))
    named = _named(selected, estimates)
    return Seen(
        run=run,
        observations=tuple(seen),
        estimates=named,
        meanings=_meanings(selected),
        valid=stopping.valid_rate(seen) if stopping and stopping.sequential else None,
    )


def _refuse_gaps(window: Sequence[Item], seen: Sequence[Observation]) -> None:
    """ValueError unless each item of the window was observed, and no other: what is left out is never missing."""
    asked, observed = {one.id for one in window}, {one.item for one in seen}
    if asked != observed:
        odd = sorted(asked ^ observed)
        what = "was not observed" if odd[0] in asked else "was observed but not asked"
        raise ValueError(f"the item {odd[0]} {what}, and so {len(odd)} in all")


def _refuse_odd(metrics: Sequence[Metric], estimates: Sequence[Estimate], level: float) -> None:
    """ValueError unless every declared metric has one estimate of its own, at the level, and nothing else has any."""
    named = [(one.metric, one.groups) for one in estimates]
    if twice := [name for name in named if named.count(name) > 1]:
        raise ValueError(f"{twice[0][0]} has two estimates")
    if {name for name, groups in named if not groups} != {one.name for one in metrics}:
        raise ValueError("the estimates are not those of the declared metrics")
    if any(one.level != level for one in estimates):
        raise ValueError(f"an estimate is not at the level {level}")


def unasked(selected: Selected, run: ProbeRun, level: float) -> Seen:
    """What a probe that was not measured came to, for the reason that its run names."""
    estimates = _named(selected, [unmeasured(metric, level, run.reason) for metric in selected.probe.metrics])
    return Seen(run=run, observations=(), estimates=estimates, meanings=_meanings(selected))


def _named(selected: Selected, estimates: Sequence[Estimate]) -> tuple[Estimate, ...]:
    return tuple(replace(one, metric=f"{selected.name}.{one.metric}") for one in estimates)


def _meanings(selected: Selected) -> dict[str, str]:
    return {f"{selected.name}.{one.name}": one.meaning for one in selected.probe.metrics}


def items_of(selected: Selected, journal: Journal) -> Sequence[Item]:
    """The probe's items: from the journal when they are there, so that a replay needs no other file."""
    key = f"items/{selected.name}"
    kept = journal.get("setting", key)
    if kept is None:
        items = list(selected.probe.items())
        if not items:
            raise NotMeasured("the probe has no items")
        if len({one.id for one in items}) != len(items):
            raise ValueError("two items have the same id")
        journal.add("setting", [(key, items)])
        return items
    assert isinstance(kept, list)
    return [from_json(Item, one) for one in kept]


def in_order(items: Sequence[Item], rng: numpy.random.Generator) -> list[list[Item]]:
    """The clusters of items in a seeded order that depends on nothing but seed and probe."""
    clusters: dict[str, list[Item]] = {}
    for one in items:
        clusters.setdefault(one.cluster, []).append(one)
    names = sorted(clusters)
    return [clusters[names[at]] for at in rng.permutation(len(names)).tolist()]


def windows(clusters: Sequence[Sequence[Item]]) -> list[list[Item]]:
    """Whole clusters put together, until a window has enough items to be asked at once."""
    found: list[list[Item]] = [[]]
    for one in clusters:
        if len(found[-1]) >= WINDOW:
            found.append([])
        found[-1].extend(one)
    return found


def _measured(
    selected: Selected,
    seen: Sequence[Observation],
    level: float,
    stopping: Stopping | None,
    status: Status,
    reason: str,
    log: Callable[[str], None],
) -> tuple[list[Estimate], Status, str]:
    estimates: list[Estimate] = []
    if status == "measured":
        try:
            estimates = list(selected.probe.measure(seen, level))
            _refuse_odd(selected.probe.metrics, estimates, level)
            estimates += by_responder(selected.probe, seen, estimates, level)
            if stopping and stopping.sequential:
                estimates = stopping.sequences(seen, estimates)
        except Exception as error:
            status, reason = "error", f"measuring raised {type(error).__name__}: {error}"
            log(f"{selected.name} raised while measuring\n{traceback.format_exc()}")
    return estimates, status, reason


def _first_seconds(journal: Journal, name: str, seconds: float, status: str) -> float:
    """The seconds that the first whole asking took: a resumed or replayed run reports those."""
    key = f"seconds/{name}"
    kept = journal.get("measurement", key)
    if kept is None and status == "measured":
        kept = round(seconds, 3)
        journal.add("measurement", [(key, kept)])
    return float(kept) if isinstance(kept, int | float) else 0.0
