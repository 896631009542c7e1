"""Arrange what a record says about itself for reading: model, policy, environment, detectors, files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..probes.contract import JSON
from . import wording
from .record import Record

Pairs = tuple[tuple[str, str], ...]
ELSEWHERE = frozenset({"limits", "floors", "waivers"})
"""What a policy holds and the scorecard shows in tables of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """A detector by its identity; `card` is empty where its error rates are not known."""

    identity: str
    card: Pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The circumstances of an audit as pairs of name and text, ready to print."""

    model: str
    head: Pairs
    policy: str
    confidence: str
    model_details: Pairs
    policy_details: Pairs
    environment: Pairs
    files: Pairs
    detectors: tuple[Detector, ...]


def facts(record: Record) -> Facts:
    """Name what a reader asks first; everything else follows as the record has it."""
    name = find(record.model, "name") or "a model without a name"
    policy = find(record.policy, "name") or "a policy without a name"
    level = next((one.level for one in record.findings), None)
    return Facts(
        model=name,
        head=_head(record, name, policy),
        policy=policy,
        confidence=f"{100 * level:.6g}{wording.NARROW}%" if level is not None else "not recorded",
        model_details=pairs(record.model),
        policy_details=pairs({key: value for key, value in record.policy.items() if key not in ELSEWHERE}),
        environment=pairs(record.environment),
        files=tuple(sorted(record.files.items())),
        detectors=tuple(Detector(identity=each, card=pairs(card)) for each, card in record.detectors.items()),
    )


def find(value: JSON, key: str) -> str:
    """The text of the first value under a key, nearest to the top; empty where there is none."""
    if not isinstance(value, Mapping):
        return ""
    own = value.get(key)
    if own is not None and not isinstance(own, Mapping):
        return text(own)
    return next((found for each in value.values() if (found := find(each, key))), "")


def pairs(value: JSON, name: str = "") -> Pairs:
    """Nested JSON as flat pairs, names joined by dots; what is empty is left out."""
    if isinstance(value, Mapping):
        return tuple(pair for key, each in value.items() for pair in pairs(each, f"{name}.{key}" if name else str(key)))
    if isinstance(value, Sequence) and any(isinstance(each, Mapping) for each in value):
        return tuple(pair for at, each in enumerate(value, 1) for pair in pairs(each, f"{name} {at}"))
    shown = text(value)
    return ((name, shown),) if shown else ()


def text(value: JSON) -> str:
    """A plain JSON value as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return wording.count(value) if abs(value) >= 10_000 else str(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        return value
    return ", ".join(text(each) for each in value)


def _head(record: Record, name: str, policy: str) -> Pairs:
    model = record.model
    parameters = find(model, "parameters")
    kind = [find(model, "kind"), f"{parameters} parameters" if parameters else "", find(model, "dtype")]
    weights = find(model, "weights")
    digest = find(record.policy, "sha256")
    said = (
        ("Model", name),
        ("What it is", ", ".join(filter(None, kind))),
        ("Weights", f"SHA-256 {weights[:16]}\u2026" if weights else "not hashed, so nothing ties this audit to them"),
        ("Policy", f"{policy}, SHA-256 {digest[:16]}\u2026" if digest else policy),
        ("Audited", moment(record.created)),
        ("Run", record.run),
        ("Suite and seed", f"{record.suite}, seed {record.seed}"),
        ("Repeats", f"asked {record.repeats} times, for the noise floor" if record.repeats > 1 else ""),
    )
    return tuple(pair for pair in said if pair[1])


def moment(stamp: str) -> str:
    """An ISO 8601 time in UTC as date and minute."""
    day, _, clock = stamp.partition("T")
    return f"{day} {clock[:5]} UTC" if clock else stamp
