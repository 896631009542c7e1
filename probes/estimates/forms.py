"""Put figures, limits and reasons together into the contract's estimates."""

from __future__ import annotations

from ..contract import Correction, Estimate, Groups, Metric
from .tally import Tally, check_level

NOTHING_OBSERVED = "nothing was observed"


def unmeasured(metric: Metric, level: float, reason: str, *, groups: Groups = ()) -> Estimate:
    """The estimate of what was not measured: no value, no limits, n 0, and the reason."""
    check_level(level)
    return Estimate(
        metric=metric.name,
        value=None,
        low=None,
        high=None,
        level=level,
        n=0,
        missing=0,
        clusters=0,
        range=metric.range,
        unit=metric.unit,
        worse=metric.worse,
        role=metric.role,
        method="not measured",
        groups=groups,
        chance=metric.chance,
        reason=reason,
    )


def estimated(
    metric: Metric,
    seen: Tally,
    level: float,
    limits: tuple[float, float] | None,
    method: str,
    *,
    value: float | None = None,
    correction: Correction = "none needed",
    groups: Groups = (),
    reason: str = "",
) -> Estimate:
    """The estimate of a tally; `value` is the mean of the judged values unless another is given.

    Limits are cut to the metric's range and never leave out the value by a rounding error.
    """
    figure = seen.mean if value is None else value
    low = high = None
    if limits is not None:
        bottom, top = metric.range
        low = float(min(max(limits[0], bottom), figure if figure is not None else top))
        high = float(max(min(limits[1], top), figure if figure is not None else bottom))
    return Estimate(
        metric=metric.name,
        value=None if figure is None else float(figure),  # numpy's own is no JSON
        low=low,
        high=high,
        level=level,
        n=seen.n,
        missing=seen.missing,
        clusters=seen.clusters,
        range=metric.range,
        unit=metric.unit,
        worse=metric.worse,
        role=metric.role,
        method=method,
        correction=correction,
        groups=groups,
        chance=metric.chance,
        reason="; ".join(part for part in (reason, missing_reason(seen)) if part),
    )


def missing_reason(seen: Tally) -> str:
    """What is said of the unjudged, or nothing where all were judged."""
    if seen.missing == 0:
        return ""
    return f"{seen.missing} of {seen.n} could not be judged"
