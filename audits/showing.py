"""Describe a probe to a reader: question, options, metrics, and what its items can decide."""

from __future__ import annotations

import dataclasses
import inspect
import typing

from ..probes.contract import Metric, NotMeasured
from ..probes.estimates import rate
from ..probes.registry import build, full_name
from .errors import UserError
from .selection import build_named


def describe(name: str) -> str:
    """The page of one probe; UserError when no probe has that name."""
    from pathlib import Path

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
    try:
        items = probe.items()
        clusters = len({one.cluster for one in items})
        lines += ["", f"Items: {len(items)} in {clusters} independent clusters"]
    except NotMeasured as reason:
        clusters = 0
        lines += ["", f"Items: none without its options ({reason})"]
    lines += ["", "Metrics:"]
    lines += [_said(metric, clusters) for metric in kind.metrics]
    return "\n".join(lines)


def _said(metric: Metric, clusters: int) -> str:
    text = f"  {metric.name} ({metric.role}, {metric.unit}): {metric.meaning}"
    share = metric.range == (0.0, 1.0) and metric.worse == "higher" and metric.role == "primary"
    return text + (
        f"; smallest limit it can pass: {smallest_limit(metric, clusters):.3f}" if share and clusters else ""
    )


def smallest_limit(metric: Metric, clusters: int, level: float = 0.95) -> float:
    """The upper bound that a share of none in so many clusters gets: no smaller limit can be passed."""
    found = rate(metric, [0.0] * clusters, [str(at) for at in range(clusters)], level)
    if found.high is None:
        raise UserError(f"{metric.name} has no interval")
    return found.high
