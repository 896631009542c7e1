"""The noise floor: how far a run's figures move when nothing changes but the seed and the order of the batches."""

from __future__ import annotations

from collections.abc import Sequence

from ..probes.contract import Estimate


def named(estimate: Estimate) -> str:
    """The name under which a figure's noise is kept: its metric, and its groups where it has any."""
    groups = ",".join(f"{kind}={name}" for kind, name in estimate.groups)
    return f"{estimate.metric}[{groups}]" if groups else estimate.metric


def noise_floors(repeats: Sequence[Sequence[Estimate]]) -> dict[str, float]:
    """The largest distance between two repeats of a figure, for each figure that every repeat measured.

    `repeats` holds the estimates of each repeat, the run's own ones first. With N repeats a further one lies
    outside the range of those seen with probability 2/(N + 1) (exchangeable values), so it is a floor and no bound.
    """
    if len(repeats) < 2:
        return {}
    values = [{named(one): one.value for one in some} for some in repeats]
    floors = {}
    for name in values[0]:
        seen = [value for some in values if (value := some.get(name)) is not None]
        if len(seen) == len(repeats):
            floors[name] = max(seen) - min(seen)
    return floors
