"""Ask one probe's items, window by window, and keep what is seen."""

from __future__ import annotations

import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from ..probes.contract import Estimate, Item, Metric, Model, NotMeasured
from ..probes.streams import stream
from ..reports.masks import Mask
from ..reports.record import ProbeRun
from .bench import Detectors, JournalBench
from .errors import EvidenceError, LostReply
from .items import ORDER, in_order, items_digest, items_of, windows
from .journal import Journal
from .journalled import JournalledModel
from .observations import Observations
from .responders import by_responder
from .seen import Seen, seen_of, unasked
from .selection import Selected
from .stopping import Stopping

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


@dataclass(slots=True, kw_only=True)
class Asked:
    """How far the asking of a probe has come: clusters of those planned, and what was observed, asked and told."""

    observations: Observations
    items_sha256: str = field(default_factory=lambda: items_digest(()))
    planned: int = 0
    clusters: int = 0
    items: int = 0
    requests: int = 0
    tokens: int = 0

    def count(self, requests: int, tokens: int) -> None:
        """So many more requests were answered, with so many tokens."""
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
    asked = Asked(observations=Observations(beside=journal.folder))
    seen = asked.observations
    status: Status = "measured"
    reason = ""
    begun = time.perf_counter()
    try:
        lacking = sorted(selected.probe.needs - model.access)
        if lacking:
            raise NotMeasured(f"the model gives no {', '.join(lacking)}")
        items = items_of(selected, journal)
        asked.items_sha256 = items_digest(items)
        bench = JournalBench(
            JournalledModel(model, journal, asked.count, repeat=repeat), detectors, seed + repeat, name
        )
        order = in_order(items, stream(seed, name, ORDER))[:most_clusters]
        if repeat:
            order = [order[at] for at in bench.rng(ORDER).permutation(len(order))]
        if not order:
            raise NotMeasured("the budget of minutes left no time for it")
        asked.planned = len(order)
        progress.probe_begins(name, selected.question, sum(map(len, order)))
        _observe(selected, order, bench, asked, stopping, progress)
    except NotMeasured as error:
        status, reason = "not_measured", str(error)
    except (EvidenceError, KeyboardInterrupt, LostReply):
        raise
    except Exception as error:
        mask = Mask(seen.sensitive, name)
        status, reason = "error", mask(f"{type(error).__name__}: {error}")
        log(mask(f"{name} raised\n{traceback.format_exc()}"))
    if stopping and status == "measured":
        stopping.note(asked.planned, asked.clusters)
    estimates, status, reason = _measured(selected, seen, level, stopping, status, reason, log)
    timed = f"{name}/repeat {repeat}" if repeat else name
    run = ProbeRun(
        name=name,
        dimension=selected.probe.dimension,
        question=selected.question,
        version=selected.probe.version,
        items=asked.items,
        items_sha256=asked.items_sha256,
        status=status,
        reason=reason,
        seconds=_first_seconds(journal, timed, time.perf_counter() - begun, status),
        requests=asked.requests,
        tokens=asked.tokens,
        options=selected.options,
        clusters=asked.clusters,
        planned=asked.planned,
        extent=str(stopping.extent) if stopping and stopping.extent else "",
    )
    progress.probe_ends(run)
    if status != "measured":
        return unasked(selected, run, level, seen)
    valid = stopping.valid_rate(seen) if stopping and stopping.sequential else None
    return seen_of(selected, run, seen, estimates, valid)


def _observe(
    selected: Selected,
    order: Sequence[Sequence[Item]],
    bench: JournalBench,
    asked: Asked,
    stopping: Stopping | None,
    progress: Progress,
) -> None:
    """Ask the clusters in this order, until the end or until all is decided."""
    for leg in stopping.legs(order, asked.observations) if stopping else (order,):
        for window in windows(leg):
            observed: set[str] = set()
            for one in selected.probe.observe(window, bench):
                if one.item not in observed:
                    observed.add(one.item)
                    asked.items += 1
                    progress.asked(1)
                asked.observations.add(one)
            _refuse_gaps(window, observed)
        asked.clusters += len(leg)


def _refuse_gaps(window: Sequence[Item], observed: set[str]) -> None:
    """ValueError unless each item of the window was observed, and no other: what is left out is never missing."""
    asked = {one.id for one in window}
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


def _measured(
    selected: Selected,
    seen: Observations,
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
            estimates = _explained(estimates, seen, selected.name)
            if stopping and stopping.sequential:
                estimates = stopping.sequences(seen, estimates)
        except Exception as error:
            status, reason = "error", f"measuring raised {type(error).__name__}: {error}"
            log(f"{selected.name} raised while measuring\n{traceback.format_exc()}")
    return estimates, status, reason


def _explained(estimates: Sequence[Estimate], seen: Observations, salt: str) -> list[Estimate]:
    """With the reason that most of what could not be judged has, where anything could not."""
    if not any(one.missing for one in estimates):
        return list(estimates)
    unjudged = (one for one in seen if not one.values or None in one.values.values())
    reasons = Counter(one.reason for one in unjudged if one.reason)
    if not reasons:
        return list(estimates)
    often = f"most often: {Mask(seen.sensitive, salt)(reasons.most_common(1)[0][0])[:160]}"
    return [
        replace(one, reason="; ".join(part for part in (one.reason, often) if part)) if one.missing else one
        for one in estimates
    ]


def _first_seconds(journal: Journal, name: str, seconds: float, status: str) -> float:
    """The seconds that the first whole asking took: a resumed or replayed run reports those."""
    key = f"seconds/{name}"
    kept = journal.get("measurement", key)
    if kept is None and status == "measured":
        kept = round(seconds, 3)
        journal.add("measurement", [(key, kept)])
    return float(kept) if isinstance(kept, int | float) else 0.0
