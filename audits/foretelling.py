"""Put a prospect into words and into JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ..probes.contract import JSON, to_json
from ..reports.escape import one_line
from .forecast import Cost
from .power import FURTHEST, ICC, POWER, Need
from .prospect import Outlook, Prospect
from .settings import Allotment

MIB = 2**20


def as_text(prospect: Prospect, allotment: Allotment | None) -> str:
    """What a run would come to, for a terminal: a table of the probes, one of the limits, and what it rests on."""
    counts = allotment.clusters if allotment else None
    total = prospect.total(counts)
    head = ["probe", "clusters", "items", "requests", "tokens", "CPU minutes", "peak memory"]
    rows = [_row(one, counts.get(one.selected.name, 0) if counts else None) for one in prospect.outlooks]
    rest = Cost(spent=prospect.start + prospect.writing)
    rows.append(["loading, and writing the outputs", "", "", "", "", _minutes(rest), ""])
    rows.append(
        ["all", f"{total.clusters}", f"{total.items}", f"{total.requests}", f"{total.tokens}", _minutes(total), ""]
    )
    lines = [*_table(head, rows), ""]
    lines += [f"  {one.selected.name}: not measured, {one.reason}" for one in prospect.outlooks if one.reason]
    needs = [need for one in prospect.outlooks for need in one.needs if need.truth is not None]
    limits = ["limit", "bound", "if the truth is", "clusters needed", "there are"]
    lines += ["", *_table(limits, [_needed(one) for one in needs])] if needs else []
    lines += [f"  {one.metric}: {_cannot(one)}" for out in prospect.outlooks for one in out.needs if not one.decidable]
    if allotment:
        lines += ["", f"What {allotment.minutes:g} minutes leave out:"]
        lines += [f"  {line}" for line in allotment.lacking or ("nothing",)]
    lines += ["", *_how(prospect)]
    return "\n".join(one_line(line) for line in lines)


def facts_of(prospect: Prospect, allotment: Allotment | None) -> JSON:
    """The same for machines."""
    counts = allotment.clusters if allotment else None
    return {
        "schema": "slm-audit/plan/1",
        "probes": [
            {
                "name": one.selected.name,
                "reason": one.reason,
                "clusters": one.clusters,
                "cost": _cost(one.cost(counts.get(one.selected.name, 0) if counts else None)),
                "peak_bytes": one.forecast.sample.peak_bytes if one.forecast else None,
                "sample_clusters": sum(leg.clusters for leg in one.forecast.sample.legs) if one.forecast else 0,
            }
            for one in prospect.outlooks
        ],
        "limits": [
            {**dataclasses.asdict(need), "decidable": need.decidable} for one in prospect.outlooks for need in one.needs
        ],
        "start_cpu_seconds": prospect.start.cpu,
        "writing_cpu_seconds": prospect.writing.cpu,
        "total": _cost(prospect.total(counts)),
        "budget": to_json(allotment),
    }


def _cost(cost: Cost) -> JSON:
    cpu = cost.spent.cpu
    return {
        "clusters": cost.clusters,
        "items": cost.items,
        "requests": cost.requests,
        "tokens": cost.tokens,
        "cpu_seconds": cpu,
        "cpu_seconds_range": [cpu / cost.spread, cpu * cost.spread],
        "clock_seconds": cost.spent.clock,
    }


def _row(one: Outlook, clusters: int | None) -> list[str]:
    if one.forecast is None:
        return [one.selected.name, "none", "", "", "", "", ""]
    cost = one.cost(clusters)
    of = f" of {one.clusters}" if cost.clusters < one.clusters else ""
    memory = f"{one.forecast.sample.peak_bytes / MIB:.0f} MiB"
    asked = [f"{cost.clusters}{of}", f"{cost.items}", f"{cost.requests}", f"{cost.tokens}"]
    return [one.selected.name, *asked, _minutes(cost), memory]


def _minutes(cost: Cost) -> str:
    cpu = cost.spent.cpu / 60
    return f"{cpu:.2f} ({cpu / cost.spread:.2f} to {cpu * cost.spread:.2f})"


def _needed(need: Need) -> list[str]:
    clusters = f"more than {FURTHEST * need.available}" if need.clusters is None else f"{need.clusters}"
    return [need.metric, need.limit, f"{need.truth:.3g} ({need.source})", clusters, f"{need.available}"]


def _cannot(need: Need) -> str:
    possible = "" if need.possible is None else f"; at that truth a bound of {need.possible:.3g} could be decided"
    return f"cannot be decided: {need.reason}{possible}"


def _how(prospect: Prospect) -> list[str]:
    legs = [leg for one in prospect.outlooks if one.forecast for leg in one.forecast.sample.legs]
    asked = sum(leg.clusters for leg in legs)
    return [
        f"Measured by asking {asked} clusters, in the run's own order and batches, in {prospect.looking.cpu:.0f} CPU "
        "seconds (user and system, all threads); nothing of it is kept.",
        "A range in brackets is how far the sample was off its own fit; another load on the machine moves all further.",
        "Peak memory is the largest resident set while the sample was asked. Larger batches may take more, up to what "
        "the engine allows a batch.",
        f"Clusters needed: the fewest at which {POWER:.0%} of simulated runs decide the limit rightly, by the "
        "production estimators.",
        f"Where the truth is a guess, answers within a cluster are taken to be alike (intraclass correlation {ICC}).",
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    lines = [head, ["-" * width for width in widths], *rows]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in lines]
