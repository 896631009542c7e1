"""Estimate figures group by group, and the worst of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..contract import Estimate, Groups, Metric
from .forms import NOTHING_OBSERVED, unmeasured
from .means import mean
from .rates import rate
from .tally import check_level

Label = tuple[str, str]
"""A kind of group and a group's name."""

Sample = tuple[Sequence[float | None], Sequence[str]]
"""Values and the clusters that they belong to."""


def share_or_mean(
    metric: Metric,
    values: Sequence[float | None],
    clusters: Sequence[str],
    level: float,
    *,
    groups: Groups = (),
) -> Estimate:
    """A rate where the metric's range is 0 to 1 and every judged value is 0 or 1, else a mean."""
    binary = tuple(metric.range) == (0.0, 1.0) and all(value is None or value in (0, 1) for value in values)
    return (rate if binary else mean)(metric, values, clusters, level, groups=groups)


def by_group(
    metric: Metric,
    values: Sequence[float | None],
    clusters: Sequence[str],
    labels: Sequence[Label],
    level: float,
) -> list[Estimate]:
    """One rate (or mean, see share_or_mean) for each label, in the labels' order; its role is diagnostic.

    `labels` has one (attribute, group) pair for each value. These intervals are each right by themselves; the
    worst of them needs worst_of_groups. Lengths that differ raise ValueError.
    """
    check_level(level)
    if not len(values) == len(clusters) == len(labels):
        raise ValueError(f"{metric.name}: {len(values)} values, {len(clusters)} clusters, {len(labels)} labels")
    shown = replace(metric, role="diagnostic")
    estimates = []
    for label in sorted(set(labels)):
        rows = [at for at, one in enumerate(labels) if one == label]
        chosen, names = [values[at] for at in rows], [clusters[at] for at in rows]
        estimates.append(share_or_mean(shown, chosen, names, level, groups=(label,)))
    return estimates


def worst_of_groups(
    metric: Metric,
    samples: Mapping[str, Sample],
    level: float,
) -> Estimate:
    """The figure of the worst group, from each group's values and clusters.

    Where higher is worse: `value` is the largest group's, `high` the largest of the groups' own upper limits
    (it misses only if the truly worst group's misses), `low` the largest of their lower limits at Bonferroni's
    level, (1 - level)/2 over the number of groups on each side (Dunn 1961). Where lower is worse, the mirror
    image. Groups may share clusters; those without any value are left out. A metric that is worse away from zero
    raises ValueError.
    """
    check_level(level)
    if metric.worse == "away_from_zero":
        raise ValueError(f"{metric.name}: the worst group is not defined for a metric that is worse away from zero")
    names = sorted(name for name, (values, _) in samples.items() if len(values))
    if not names:
        return unmeasured(metric, level, NOTHING_OBSERVED)
    joint = 1.0 - (1.0 - level) / len(names)
    own = {name: share_or_mean(metric, *samples[name], level) for name in names}
    shared = {name: share_or_mean(metric, *samples[name], joint) for name in names}
    higher = metric.worse == "higher"
    worst = max if higher else min
    judged = {name: one.value for name, one in own.items() if one.value is not None}
    outer = [one.high if higher else one.low for one in own.values()]
    inner = [one.low if higher else one.high for one in shared.values()]
    far = None if None in outer else worst(bound for bound in outer if bound is not None)
    near = None if None in inner else worst(bound for bound in inner if bound is not None)
    value = worst(judged.values(), default=None)
    at_fault = next((name for name in names if value is not None and judged.get(name) == value), None)
    missing = sum(one.missing for one in own.values())
    n = sum(one.n for one in own.values())
    reasons = [f"worst of {len(names)} groups: {at_fault}"] if at_fault is not None else []
    reasons += [f"{missing} of {n} could not be judged"] if missing else []
    if far is None or near is None:
        reasons.append("a group has no limits")
    method = own[at_fault].method if at_fault is not None else "no group could be judged"
    return replace(
        own[names[0]],
        value=value,
        low=near if higher else far,
        high=far if higher else near,
        n=n,
        missing=missing,
        clusters=len({cluster for name in names for cluster in samples[name][1]}),
        method=f"worst of {len(names)} groups, inner limit at Bonferroni's level; {method}",
        reason="; ".join(reasons),
    )
