"""Refuse to compare runs that were not asked the same in the same way, and say what differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..probes.contract import JSON
from .engine import Replayed
from .errors import SpecFaults


def refuse_unrelated(base: Replayed, variant: Replayed) -> None:
    """SpecFaults with a sentence for each way in which two runs differ beside the model."""
    own, other = base.settings, variant.settings
    pair = f"{base.record.run} and {variant.record.run}"
    faults = []
    if base.record.run == variant.record.run:
        faults.append(f"{pair} are the same run; name a run of the other model")
    for what, then, now in (
        ("version of slm-audit", own.version, other.version),
        ("seed", own.spec.audit.seed, other.spec.audit.seed),
    ):
        if then != now:
            faults.append(f"{pair} differ in their {what}: {then} and {now}; run one of them anew")
    if own.spec.audit.early_stop or other.spec.audit.early_stop:
        why = "one stopped by what it saw (early_stop), of which paired intervals know nothing"
        faults.append(f"{pair} cannot be paired: {why}; run both without it")
    faults += [f"{pair} {fault}" for fault in _probes(own.selection, other.selection)]
    faults += [f"{pair} {fault}" for fault in _items(base, variant)]
    for kind in sorted(base.detectors.keys() & variant.detectors.keys()):
        if base.detectors[kind] != variant.detectors[kind]:
            told = f"{base.detectors[kind]} and {variant.detectors[kind]}"
            faults.append(f"{pair} were judged by different {kind} detectors: {told}; run one of them anew")
    if faults:
        raise SpecFaults(faults)


def other_versions(base: Replayed, variant: Replayed) -> tuple[str, ...]:
    """What differs in the machines and libraries, which a difference may come from too."""
    own, other = base.record.environment, variant.record.environment
    return tuple(
        f"the runs differ in {name}: {own.get(name)} and {other.get(name)}, which may move figures too"
        for name in sorted({*own, *other})
        if own.get(name) != other.get(name)
    )


def _probes(own: Sequence[Mapping[str, JSON]], other: Sequence[Mapping[str, JSON]]) -> list[str]:
    mine, theirs = ({str(one["name"]): one for one in some} for some in (own, other))
    if odd := sorted(mine.keys() ^ theirs.keys()):
        return [f"did not ask the same probes: only one asked {', '.join(odd)}; select the same with --probes"]
    return [
        f"asked {name} with another {key}: {mine[name][key]} and {theirs[name][key]}; run one of them anew"
        for name in sorted(mine)
        for key in ("version", "code", "options")
        if mine[name][key] != theirs[name][key]
    ]


def _items(base: Replayed, variant: Replayed) -> list[str]:
    faults = []
    for one, other in zip(base.seen, variant.seen, strict=False):
        if one.run.name != other.run.name or one.run.status != "measured" or other.run.status != "measured":
            continue
        if one.run.items_sha256 != other.run.items_sha256:
            faults.append(f"have different items of {one.run.name}; run one of them anew with the other's items")
        elif {said.item for said in one.observations} != {said.item for said in other.observations}:
            counts = f"{one.run.items} and {other.run.items}"
            faults.append(f"asked other items of {one.run.name} ({counts}); run both with the same suite and limit")
    return faults
