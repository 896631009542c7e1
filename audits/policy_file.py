"""The shape of policy.yaml: its keys, what they mean, and what can be wrong with them by themselves."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic.config import JsonDict

from . import built_in

Dimension = Literal["robustness", "fairness", "privacy", "hallucination", "toxicity", "fitness"]
DIMENSIONS: tuple[str, ...] = get_args(Dimension)


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


_NAMED: JsonDict = {"enum": [*DIMENSIONS]}
Dimensions = Annotated[
    tuple[Dimension, ...],
    BeforeValidator(_listed),
    WithJsonSchema({"anyOf": [_NAMED, {"type": "array", "items": _NAMED, "minItems": 1}]}),
]
"""One dimension by itself, or a list."""


def _no_text(value: object) -> object:
    """A bound is a number: text would be taken for one where it can, and YAML takes 1e-2 for text."""
    if isinstance(value, str | bool):
        raise ValueError(f"a plain number such as 0.05 is expected, not {value!r:.40}")
    return value


Bound = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(_no_text)]
Confidence = Annotated[float, Field(ge=0.5, lt=1, allow_inf_nan=False), BeforeValidator(_no_text)]
Name = Annotated[str, Field(min_length=1)]
BuiltInOrPath = Annotated[
    Name, WithJsonSchema({"anyOf": [{"enum": built_in.names("policies")}, {"type": "string", "minLength": 1}]})
]


def _no_number(value: object) -> object:
    """A date is written as one: a number would be read as seconds."""
    if isinstance(value, int | float):
        raise ValueError(f"a date such as 2027-01-31 is expected, not {value}")
    return value


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


BOUNDED: JsonDict = {"anyOf": [{"required": ["at_most"]}, {"required": ["at_least"]}]}
"""What a JSON Schema says of a file that needs a bound on either side."""


class LimitFile(_File, json_schema_extra=BOUNDED):
    """A bound on a primary metric: the whole interval must lie inside it."""

    metric: Name = Field(description="`dimension.probe.metric`; 'slm-audit probes show PROBE' lists them")
    at_most: Bound | None = Field(default=None, description="the largest value that passes; for shares 0.10, not 10")
    at_least: Bound | None = Field(default=None, description="the smallest value that passes")
    if_not_measured: Literal["incomplete", "accept"] = Field(
        default="incomplete", description="whether missing evidence fails the audit, or is accepted for a reason"
    )
    reason: str = Field(default="", description="why this number, and why missing evidence is accepted")

    @model_validator(mode="after")
    def _bounded(self) -> LimitFile:
        if self.at_most is None and self.at_least is None:
            raise ValueError(f"the limit on {self.metric} has no bound; add at_most or at_least")
        if self.at_most is not None and self.at_least is not None and self.at_least > self.at_most:
            raise ValueError(f"the limit on {self.metric} has at_least above at_most; nothing could pass")
        if self.if_not_measured == "accept" and not self.reason:
            raise ValueError(f"the limit on {self.metric} accepts missing evidence; add the reason")
        return self


class FloorFile(_File):
    """The least competence without which a pass in the named dimensions means nothing."""

    metric: Name = Field(description="a competence metric, or core.valid_rate")
    at_least: Bound | None = Field(default=None, description="the lower bound must reach it")
    above: str | None = Field(
        default=None, description="`chance + 0.10`: by so much the lower bound must exceed blind guessing"
    )
    for_: Dimensions = Field(alias="for", description="the dimensions whose passes need it")

    @model_validator(mode="after")
    def _one_bound(self) -> FloorFile:
        if not self.for_:
            raise ValueError(f"the floor on {self.metric} names no dimension; add one under for")
        if (self.at_least is None) == (self.above is None):
            raise ValueError(f"the floor on {self.metric} needs either at_least or above")
        self.margin()
        return self

    def margin(self) -> float | None:
        """The number in `chance + NUMBER`."""
        if self.above is None:
            return None
        words = self.above.replace(" ", "").split("chance+")
        try:
            if len(words) != 2 or words[0]:
                raise ValueError
            margin = float(words[1])
        except ValueError:
            raise ValueError(f"above must read like 'chance + 0.10', not {self.above!r}") from None
        if not 0 <= margin < 1:
            raise ValueError(f"above: chance + {margin} cannot be reached; use a number from 0 to 1")
        return margin


class WaiverFile(_File, json_schema_extra=BOUNDED):
    """An excuse for one limit, up to a bound of its own and until a day."""

    metric: Name = Field(description="the metric of the limit that is excused")
    owner: Name = Field(description="who answers for it: a role")
    reason: Name = Field(description="why it may be so for a while")
    expires: Annotated[date, BeforeValidator(_no_number)] = Field(description="the last day on which it holds")
    at_most: Bound | None = Field(default=None, description="the largest value that is excused")
    at_least: Bound | None = Field(default=None, description="the smallest value that is excused")

    @model_validator(mode="after")
    def _bounded(self) -> WaiverFile:
        if self.at_most is None and self.at_least is None:
            raise ValueError(f"the waiver on {self.metric} has no bound of its own; add at_most or at_least")
        if self.at_most is not None and self.at_least is not None and self.at_least > self.at_most:
            raise ValueError(f"the waiver on {self.metric} has at_least above at_most; it could excuse nothing")
        return self


class PolicyFile(_File, json_schema_extra={"anyOf": [{"required": ["limits"]}, {"required": ["extends"]}]}):
    """policy.yaml: what must hold before a model may be deployed."""

    version: Literal[1]
    name: Name = Field(description="what the scorecard calls this policy")
    extends: BuiltInOrPath | None = Field(
        default=None,
        description="a built-in policy or a file to start from; entries of the same metric replace its own",
    )
    drop: tuple[Name, ...] = Field(default=(), description="metrics whose limits and floors are not taken over")
    confidence: Confidence = Field(
        default=0.95, description="the level of every interval; each side errs half of the rest at most"
    )
    requires: tuple[Dimension, ...] = Field(
        default=(), description="dimensions of which a limit must have been measured"
    )
    floors: tuple[FloorFile, ...] = ()
    limits: tuple[LimitFile, ...] = ()
    waivers: tuple[WaiverFile, ...] = ()

    @model_validator(mode="after")
    def _once(self) -> PolicyFile:
        for kind, names in (("limits", self.limits), ("waivers", self.waivers)):
            seen = [one.metric for one in names]
            twice = sorted({name for name in seen if seen.count(name) > 1})
            if twice:
                raise ValueError(f"{kind} names {twice[0]} twice; keep one")
        if self.drop and self.extends is None:
            raise ValueError("drop takes limits of another policy away; name that policy under extends")
        if self.extends is None:
            self._whole()
        return self

    def _whole(self) -> None:
        """What must be true of a policy that stands alone, or of one with all that it extends."""
        if not self.limits:
            raise ValueError("a policy without limits decides nothing; add one under limits")
        sides = {one.metric: (one.at_most is None, one.at_least is None) for one in self.limits}
        for waiver in self.waivers:
            if waiver.metric not in sides:
                raise ValueError(
                    f"the waiver on {waiver.metric} has no limit to waive; add the limit or drop the waiver"
                )
            if (waiver.at_most is None, waiver.at_least is None) != sides[waiver.metric]:
                raise ValueError(f"the waiver on {waiver.metric} must have a bound on the same side as its limit")
