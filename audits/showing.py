"""Describe a probe to a reader: question, options, metrics, and what its items can decide."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy

from ..probes.contract import Estimate, Item, Metric, NotMeasured, Probe
from ..probes.registry import build, full_name
from ..probes.streams import stream
from .gate import hold
from .plan import Plan
from .selection import build_named, most_clusters

LEVEL = 0.95


def describe(name: str) -> str:
    """The page of one probe; UserError when no probe has that name."""
    kind = type(build_named(name, {}, Path.cwd(), allow_path=False, allow_code=False).probe)
    probe = build(kind, {}, {})
    lines = [
        full_name(kind),
        "",
        inspect.getdoc(kind) or "",
        "",
        f"Needs: {', '.join(sorted(kind.needs)) or 'nothing'}",
    ]
    lines += ["", "Options:"]
    fields = dataclasses.fields(typing.cast(typing.Any, kind))
    lines += [f"  {one.name} = {one.default!r}" for one in fields] or ["  none"]
    best: Mapping[str, Estimate] = {}
    try:
        items = probe.items()
        lines += ["", f"Items: {len(items)} in {len({one.cluster for one in items})} independent clusters"]
        best = at_best(probe, items, LEVEL)
    except NotMeasured as reason:
        lines += ["", f"Items: none without its options ({reason})"]
    lines += ["", "Metrics:"]
    lines += [_said(metric, best.get(metric.name)) for metric in kind.metrics]
    return "\n".join(lines)


def at_best(probe: Probe, items: Sequence[Item], level: float) -> dict[str, Estimate]:
    """What the probe's own estimators give for a model without fault: no limit beyond its bounds can be passed.

    Empty for another's probe that measures in a way of its own and does not say what a faultless model shows.
    """
    try:
        found = probe.measure(probe.faultless(items), level)
    except Exception:
        return {}
    return {one.metric: one for one in found if not one.groups}


def undecidable(plan: Plan) -> list[str]:
    """The limits that no model can pass with so few clusters as the plan asks, a sentence each."""
    most = most_clusters(plan.spec)
    if most is None:
        return []
    said = []
    for one in plan.selected:
        limits = [limit for limit in plan.policy.limits if limit.metric.startswith(f"{one.name}.")]
        try:
            items = _some(one.probe.items(), most, stream(plan.spec.audit.seed, one.name, "order")) if limits else []
            best = at_best(one.probe, items, plan.policy.confidence) if items else {}
        except NotMeasured:
            continue
        for limit in limits:
            estimate = best.get(limit.metric.removeprefix(f"{one.name}."))
            if estimate and estimate.value is not None and hold(estimate, limit, None).verdict != "pass":
                bounds = f"{estimate.low:.3f} to {estimate.high:.3f}" if estimate.high is not None else "no bounds"
                model = f"a model without fault gets {bounds} from {estimate.clusters} clusters"
                said.append(f"{limit.metric} {limit} cannot be passed: {model}")
    return said


def _some(items: Sequence[Item], most: int, draws: numpy.random.Generator) -> list[Item]:
    """The items of the `most` clusters that an audit asks first."""
    names = sorted({one.cluster for one in items})
    taken = {names[at] for at in draws.permutation(len(names))[:most].tolist()}
    return [one for one in items if one.cluster in taken]


def _said(metric: Metric, best: Estimate | None) -> str:
    text = f"  {metric.name} ({metric.role}, {metric.unit}): {metric.meaning}"
    if metric.role != "primary" or metric.worse == "lower" or best is None or best.high is None:
        return text
    return f"{text}; smallest limit that its items can pass: {best.high:.3f}"
