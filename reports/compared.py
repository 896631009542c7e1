"""What comparing a model with its siblings found, as plain values that JSON can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..probes.contract import JSON
from .record import Record, Verdict
from .transcripts import Transcript

SCHEMA = "slm-audit/comparison/1"

Called = Literal["worse", "better", "within noise", "not shown", "not measured"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the runs that are compared; `digest` is the SHA-256 of its record.json, `model` what it audited."""

    run: str
    created: str
    digest: str
    verdict: Verdict
    model: Mapping[str, JSON]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """How far one figure moved, beside the finding of the same `metric` (which ends in `.delta`) in the record.

    `base` and `variant` are the two figures. `p` is the two-sided p-value of no difference that the finding's interval
    gives; `adjusted` is it for all that were looked at: Holm over whole figures that a margin may stand on,
    Benjamini and Hochberg over the others and all subgroups. `noise` is the larger of the two noise floors. `called`
    is "worse" or "better" only where `adjusted` is at most 1 - level and the move exceeds the noise.
    `equivalent` says, where there is a margin, whether the move was shown to be within it both ways (TOST).
    """

    metric: str
    base: float | None
    variant: float | None
    p: float | None
    adjusted: float | None
    noise: float | None
    called: Called
    equivalent: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """An asking whose outcome changed: its value in both runs, and what was said."""

    item: str
    arm: str
    part: str
    base: float
    variant: float
    base_said: tuple[Transcript, ...]
    variant_said: tuple[Transcript, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flips:
    """The same askings of a yes-or-no figure on both models: safe is the better outcome, unsafe the worse.

    `p` is McNemar's exact p-value, where no two askings share a cluster. `flips` holds the first of those that changed,
    those that became unsafe before the others.
    """

    metric: str
    both_safe: int
    to_unsafe: int
    to_safe: int
    both_unsafe: int
    unjudged: int
    p: float | None
    flips: tuple[Flip, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One variant held against the base.

    `record` is that of the comparison: its findings are the differences, judged by the margins, and its floors were
    judged on the base, for where the base can do nothing there is nothing to lose. `notes` say what else differs.
    """

    variant: Side
    record: Record
    deltas: tuple[Delta, ...]
    flips: tuple[Flips, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A base and its variants; `verdict` and `exit_code` are the worst of the variants'."""

    schema: str
    created: str
    base: Side
    variants: tuple[Compared, ...]
    verdict: Verdict
    exit_code: int
    summary: str
