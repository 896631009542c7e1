"""Estimate how far several groups that share nothing lie apart."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations

from ..contract import Estimate, Metric
from .forms import NOTHING_OBSERVED, estimated, unmeasured
from .groups import Sample, share_or_mean
from .tally import Tally, check_level, tally


@dataclass(frozen=True, slots=True)
class _Group:
    """A group's mean with the unjudged at 0 and at 1, and how far below the one and above the other its limits lie."""

    bottom: float
    top: float
    below: float
    above: float


def range_of_groups(metric: Metric, samples: Mapping[str, Sample], level: float) -> Estimate:
    """The largest minus the smallest of several groups' means of values in [0, 1]; no two groups share a cluster.

    A difference of two groups has limits from theirs, the distances added as squares (MOVER, Zou and Donner 2008;
    for shares, Newcombe 1998). `high` is the largest upper limit of any difference: it misses only if that of the
    truly widest does. `low` is the largest lower limit at Bonferroni's level, (1 - level)/2 over the differences of
    either sign (Dunn 1961), for each could by chance stand clear of 0; at least 0. Groups without any value are
    left out. Groups that share a cluster (they are paired_range's), another range than (0, 1), NaN, a value outside
    the range, or a level outside (0, 1) raise ValueError.
    """
    check_level(level)
    if tuple(metric.range) != (0.0, 1.0):
        raise ValueError(f"{metric.name}: a range of shares lies between 0 and 1, not in {metric.range}")
    names = sorted(name for name, (values, _) in samples.items() if len(values))
    if len(names) < 2:
        return unmeasured(metric, level, "there is one group only" if names else NOTHING_OBSERVED)
    tallies = {name: tally(metric, *samples[name]) for name in names}
    clusters = {cluster for name in names for cluster in samples[name][1]}
    if len(clusters) < sum(seen.clusters for seen in tallies.values()):
        raise ValueError(f"{metric.name}: groups that share clusters are compared by paired_range")
    pairs = list(permutations(names, 2))
    own = {name: _group(metric, samples[name], tallies[name], level) for name in names}
    joint = {name: _group(metric, samples[name], tallies[name], 1.0 - (1.0 - level) / len(pairs)) for name in names}
    high = max(own[a].top - own[b].bottom + math.hypot(own[a].above, own[b].below) for a, b in pairs)
    low = max(joint[a].bottom - joint[b].top - math.hypot(joint[a].below, joint[b].above) for a, b in pairs)
    judged = {name: seen.mean for name, seen in tallies.items() if seen.mean is not None}
    first, last = (end(judged, key=lambda name: judged[name], default="") for end in (max, min))
    seen = Tally.counts(
        clusters=len(clusters),
        mean=judged[first] - judged[last] if judged else None,
        n=sum(one.n for one in tallies.values()),
        missing=sum(one.missing for one in tallies.values()),
    )
    method = f"widest of {len(pairs) // 2} differences (MOVER), lower limit at Bonferroni's level"
    reason = f"largest {first}, smallest {last}" if judged else ""
    return estimated(metric, seen, level, (low, high), method, reason=reason)


def _group(metric: Metric, sample: Sample, seen: Tally, level: float) -> _Group:
    found = share_or_mean(metric, *sample, level)
    assert found.low is not None and found.high is not None
    return _Group(seen.mean_low(), seen.mean_high(), seen.mean_low() - found.low, found.high - seen.mean_high())
