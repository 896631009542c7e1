"""Read a policy: a built-in one by name, or a file by path."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ..probes.contract import Metric
from ..reports import policy as values
from .errors import SpecFaults, UserError
from .yaml_file import Document, check, nearest, parse, read_yaml

DIMENSIONS = ("robustness", "fairness", "privacy", "hallucination", "toxicity", "fitness")
Bound = Annotated[float, Field(allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1)]


def _no_number(value: object) -> object:
    """A date is written as one: a number would be read as seconds."""
    if isinstance(value, int | float):
        raise ValueError(f"a date such as 2027-01-31 is expected, not {value}")
    return value


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LimitFile(_File):
    """One line of `limits:`."""

    metric: Name
    at_most: Bound | None = None
    at_least: Bound | None = None
    if_not_measured: Literal["incomplete", "accept"] = "incomplete"
    reason: str = ""

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
    """One line of `floors:`; `above: chance + 0.10` or `at_least: 0.80`."""

    metric: Name
    at_least: Bound | None = None
    above: str | None = None
    for_: Name | Annotated[tuple[Name, ...], Field(min_length=1)] = Field(alias="for")

    @model_validator(mode="after")
    def _one_bound(self) -> FloorFile:
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


class WaiverFile(_File):
    """One line of `waivers:`."""

    metric: Name
    owner: Name
    reason: Name
    expires: Annotated[date, BeforeValidator(_no_number)]
    at_most: Bound | None = None
    at_least: Bound | None = None

    @model_validator(mode="after")
    def _bounded(self) -> WaiverFile:
        if self.at_most is None and self.at_least is None:
            raise ValueError(f"the waiver on {self.metric} has no bound of its own; add at_most or at_least")
        return self


class PolicyFile(_File):
    """policy.yaml."""

    version: Literal[1]
    name: Name
    confidence: Annotated[float, Field(ge=0.5, lt=1, allow_inf_nan=False)] = 0.95
    requires: tuple[Literal["robustness", "fairness", "privacy", "hallucination", "toxicity", "fitness"], ...] = ()
    floors: tuple[FloorFile, ...] = ()
    limits: tuple[LimitFile, ...] = Field(min_length=1)
    waivers: tuple[WaiverFile, ...] = ()

    @model_validator(mode="after")
    def _once(self) -> PolicyFile:
        for kind, names in (("limits", self.limits), ("waivers", self.waivers)):
            seen = [one.metric for one in names]
            twice = sorted({name for name in seen if seen.count(name) > 1})
            if twice:
                raise ValueError(f"{kind} names {twice[0]} twice; keep one")
        sides = {one.metric: (one.at_most is None, one.at_least is None) for one in self.limits}
        for waiver in self.waivers:
            if waiver.metric in sides and (waiver.at_most is None, waiver.at_least is None) != sides[waiver.metric]:
                raise ValueError(f"the waiver on {waiver.metric} must have a bound on the same side as its limit")
        unlimited = sorted({one.metric for one in self.waivers} - {one.metric for one in self.limits})
        if unlimited:
            raise ValueError(f"the waiver on {unlimited[0]} has no limit to waive; add the limit or drop the waiver")
        return self


def built_in() -> list[str]:
    """The names of the policies that come with slm-audit."""
    folder = resources.files(__package__) / "policies"
    return sorted(one.name.removesuffix(".yaml") for one in folder.iterdir() if one.name.endswith(".yaml"))


def policy_document(named: str, base: Path) -> Document:
    """The text of a policy: a built-in name, or a path that is taken from `base`."""
    if named in built_in():
        text = (resources.files(__package__) / "policies" / f"{named}.yaml").read_text("utf-8")
        return parse(Path(f"{named}.yaml (built in)"), text)
    path = base / named
    if not path.exists() and not named.endswith((".yaml", ".yml")):
        raise UserError(f"no policy is called '{named}'{nearest(named, built_in())}; or name a .yaml file")
    return read_yaml(path)


def read_policy(document: Document) -> values.Policy:
    """The policy that a document states; SpecFaults when it is not one."""
    file = cast(PolicyFile, check(PolicyFile, document))
    return values.Policy(
        name=file.name,
        confidence=file.confidence,
        requires=tuple(file.requires),
        limits=tuple(values.Limit(**one.model_dump()) for one in file.limits),
        floors=tuple(
            values.Floor(
                metric=one.metric,
                dimensions=(one.for_,) if isinstance(one.for_, str) else one.for_,
                at_least=one.at_least,
                above_chance=one.margin(),
            )
            for one in file.floors
        ),
        waivers=tuple(values.Waiver(**one.model_dump()) for one in file.waivers),
        sha256=hashlib.sha256(document.text.encode()).hexdigest(),
    )


def check_names(policy: values.Policy, document: Document, metrics: Mapping[str, Metric]) -> None:
    """Refuse a policy that names what nobody measures, or bounds it on the wrong side or out of its range."""
    by_role = {role: [name for name, one in metrics.items() if one.role == role] for role in ("primary", "competence")}
    faults = []
    for at, limit in enumerate(policy.limits):
        where, metric = document.where(("limits", at)), metrics.get(limit.metric)
        if metric is None:
            faults.append(f"{where}: no metric is called '{limit.metric}'{nearest(limit.metric, by_role['primary'])}")
        elif metric.role != "primary":
            faults.append(f"{where}: {limit.metric} is not gated, only shown; put the limit on a primary metric")
        elif limit.at_most is None if metric.worse != "lower" else limit.at_least is None:
            side = "at_least" if metric.worse == "lower" else "at_most"
            faults.append(f"{where}: {limit.metric} is worse when {metric.worse.replace('_', ' ')}; bound it by {side}")
        elif metric.unit == "share" and any(
            not -1 <= one <= 1 for one in (limit.at_most, limit.at_least) if one is not None
        ):
            faults.append(f"{where}: {limit.metric} is a share; write 0.10, not 10, for ten per cent")
    for at, floor in enumerate(policy.floors):
        where, metric = document.where(("floors", at)), metrics.get(floor.metric)
        if metric is None or metric.role != "competence":
            known = nearest(floor.metric, by_role["competence"])
            faults.append(f"{where}: no competence metric is called '{floor.metric}'{known}")
        strange = sorted(set(floor.dimensions) - set(DIMENSIONS))
        if strange:
            faults.append(f"{where}: no dimension is called '{strange[0]}'{nearest(strange[0], DIMENSIONS)}")
    if faults:
        raise SpecFaults(faults)
