"""The record of an audit: every figure, verdict and circumstance, as plain values that JSON can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Literal

from ..probes.contract import JSON, Correction, Curve, Groups, Role, Worse
from .policy import FailOn

if TYPE_CHECKING:
    import pandas

SCHEMA = "slm-audit/record/1"

LimitVerdict = Literal["pass", "fail", "inconclusive", "not_measured", "waived"]
Verdict = Literal["pass", "fail", "inconclusive", "incomplete"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One figure with its interval, held against its limit if it has one.

    `metric` is `dimension.probe.name`, with `[group=value,...]` behind it where `groups` is not empty.
    `low` and `high` are None only when nothing could be measured; `verdict` is None where there is no limit.
    `noise` is the largest distance between two repeats of the figure, where the run was repeated.
    """

    metric: str
    meaning: str
    value: float | None
    low: float | None
    high: float | None
    level: float
    n: int
    missing: int
    clusters: int
    range: tuple[float, float]
    unit: str
    worse: Worse
    role: Role
    method: str
    correction: Correction
    groups: Groups = ()
    chance: float | None = None
    curves: tuple[Curve, ...] = ()
    limit: str | None = None
    at_most: float | None = None
    at_least: float | None = None
    limit_reason: str = ""
    noise: float | None = None
    verdict: LimitVerdict | None = None
    reason: str = ""

    @property
    def dimension(self) -> str:
        """The dimension that the figure belongs to."""
        return self.metric.split(".")[0]

    @property
    def probe(self) -> str:
        """The full name of the probe that measured it: `dimension.probe`."""
        return ".".join(self.metric.split(".")[:2])


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorFinding:
    """Whether the least competence that a dimension's passes need was shown."""

    metric: str
    dimension: str
    floor: str
    needed: float | None
    value: float | None
    low: float | None
    shown: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverFinding:
    """What became of a waiver: in effect, not needed, beyond its own bound, or expired."""

    metric: str
    owner: str
    reason: str
    expires: str
    state: Literal["in effect", "not needed", "beyond its bound", "not applicable", "expired"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeRun:
    """How the asking of one probe went: status "measured", or why not, in `reason`.

    `clusters` of the `planned` ones were asked; `extent` says of early stopping, where that was wanted.
    """

    name: str
    dimension: str
    question: str
    version: str
    items: int
    items_sha256: str
    status: Literal["measured", "not_measured", "error", "interrupted"]
    reason: str = ""
    seconds: float = 0.0
    requests: int = 0
    tokens: int = 0
    options: Mapping[str, JSON] = field(default_factory=dict)
    clusters: int = 0
    planned: int = 0
    extent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """The head of the journal's hash chain and the number of its rows."""

    head: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One judging of the evidence: when (ISO 8601, UTC), by which policy, at which level, with which verdict."""

    at: str
    policy: str
    policy_sha256: str
    level: float
    verdict: Verdict
    judged_afterwards: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """All that an audit found; `verdict` and `exit_code` are the gate's, and every output repeats them.

    `fail_on` is the mildest verdict that still gives an exit code other than 0; by default all but a pass do.
    """

    schema: str
    run: str
    created: str
    seed: int
    suite: str
    verdict: Verdict
    exit_code: int
    summary: str
    model: Mapping[str, JSON]
    environment: Mapping[str, JSON]
    policy: Mapping[str, JSON]
    probes: tuple[ProbeRun, ...]
    findings: tuple[Finding, ...]
    floors: tuple[FloorFinding, ...] = ()
    waivers: tuple[WaiverFinding, ...] = ()
    looks: tuple[Look, ...] = ()
    not_covered: tuple[str, ...] = ()
    detectors: Mapping[str, JSON] = field(default_factory=dict)
    judged_afterwards: bool = False
    fail_on: FailOn = "inconclusive"
    repeats: int = 1
    journal: Journal | None = None
    files: Mapping[str, str] = field(default_factory=dict)

    def to_frame(self) -> pandas.DataFrame:
        """The findings as a table: a row for each figure, a column for each of its fields but the curves."""
        import pandas

        names = [one.name for one in fields(Finding) if one.name != "curves"]
        return pandas.DataFrame([[getattr(one, name) for name in names] for one in self.findings], columns=names)
