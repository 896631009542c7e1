"""What the asking of one probe came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..probes.contract import Estimate
from ..probes.estimates import unmeasured
from ..reports.record import ProbeRun
from .observations import Observations
from .selection import Selected


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How a probe was asked, what was observed, and the estimates from it, which bear their full names.

    `valid` is its share of usable answers where that needs an interval which knows of early stopping.
    """

    run: ProbeRun
    observations: Observations = field(default_factory=Observations)
    estimates: tuple[Estimate, ...]
    meanings: Mapping[str, str]
    valid: Estimate | None = None


def seen_of(
    selected: Selected,
    run: ProbeRun,
    observations: Observations,
    estimates: Sequence[Estimate],
    valid: Estimate | None = None,
) -> Seen:
    """What a probe came to, from estimates as it names them itself."""
    return Seen(
        run=run,
        observations=observations,
        estimates=tuple(replace(one, metric=f"{selected.name}.{one.metric}") for one in estimates),
        meanings={f"{selected.name}.{one.name}": one.meaning for one in selected.probe.metrics},
        valid=valid,
    )


def unasked(selected: Selected, run: ProbeRun, level: float, observations: Observations | None = None) -> Seen:
    """What a probe that was not measured came to, for the reason that its run names."""
    none = [unmeasured(metric, level, run.reason) for metric in selected.probe.metrics]
    return seen_of(selected, run, Observations() if observations is None else observations, none)
