"""What a run was begun with, as its journal holds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..probes.contract import JSON, Model, from_json, to_json
from ..reports.policy import Policy
from .environment import environment, own_version
from .errors import UserError
from .journal import Journal
from .journalled import Noted
from .plan import Plan
from .policy import read_policy
from .selection import Selected, build_named, most_clusters
from .spec import Spec
from .yaml_file import parse

ALLOTTED = "allotment"
_NAMES = ("run", "spec", "base", "policy", "model", "environment", "selection")


@dataclass(frozen=True, slots=True, kw_only=True)
class Allotment:
    """How many clusters of each probe a budget of minutes leaves, and in words what that cannot decide any more."""

    minutes: float
    clusters: Mapping[str, int]
    lacking: tuple[str, ...] = ()


def note(
    journal: Journal, plan: Plan, model: Model, run: str, now: datetime, allotment: Allotment | None = None
) -> None:
    """Journal everything that a run begins with, before its first reply."""
    about: dict[str, JSON] = {"id": run, "created": now.isoformat(timespec="seconds"), "version": own_version()}
    said: Sequence[object] = (
        about,
        plan.document.data,
        str(plan.base),
        plan.policy_document.text,
        facts_of(model),
        environment(),
        [_facts_of_selected(one) for one in plan.selected],
    )
    rows = list(zip(_NAMES, said, strict=True))
    journal.add("setting", [*rows, (ALLOTTED, allotment)] if allotment else rows)


def facts_of(model: Model) -> dict[str, JSON]:
    """What is kept of a model: who it is, what it lets one ask, what it takes."""
    return {
        "identity": to_json(model.identity),
        "access": to_json(model.access),
        "footprint": to_json(model.footprint),
        "context_tokens": model.context_tokens,
        "notes": list(model.notes) if isinstance(model, Noted) else [],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a run."""

    run: str
    created: str
    version: str
    spec: Spec
    base: Path
    policy: Policy
    model: Mapping[str, JSON]
    environment: Mapping[str, JSON]
    selection: Sequence[Mapping[str, JSON]]
    allotment: Allotment | None = None

    @classmethod
    def read(cls, journal: Journal) -> Settings:
        """The settings of a journal; UserError when the run never got so far as to have any."""
        held = journal.get_many("setting", _NAMES)
        if set(held) != set(_NAMES):
            raise UserError("the journal holds no settings: the run was stopped before it began; run it anew")
        about, selection = mapping(held["run"]), held["selection"]
        allotted = journal.get("setting", ALLOTTED)
        assert isinstance(selection, list)
        return cls(
            run=str(about["id"]),
            created=str(about["created"]),
            version=str(about["version"]),
            spec=Spec.model_validate(held["spec"]),
            base=Path(str(held["base"])),
            policy=read_policy(parse(Path("policy.yaml"), str(held["policy"]))),
            model=mapping(held["model"]),
            environment=mapping(held["environment"]),
            selection=[mapping(one) for one in selection],
            allotment=None if allotted is None else from_json(Allotment, allotted),
        )

    def most_clusters(self, probe: str) -> int | None:
        """The most clusters that are asked of a probe; None for all."""
        given = [most_clusters(self.spec), self.allotment.clusters.get(probe) if self.allotment else None]
        return min((one for one in given if one is not None), default=None)

    def select(self, *, allow_code: bool) -> list[Selected]:
        """The probes that were selected, built again; UserError when a probe has changed."""
        chosen = []
        for facts in self.selection:
            name = f"file:{facts['file']}" if facts["file"] else str(facts["name"])
            one = build_named(name, mapping(facts["options"]), self.base, allow_path=True, allow_code=allow_code)
            if one.code != facts["code"]:
                raise UserError(f"{name} has changed since the run began; restore it or run anew")
            if one.probe.version != facts["version"]:
                raise UserError(f"{name} is now version {one.probe.version}, the run began with {facts['version']}")
            chosen.append(one)
        return chosen

    def refuse_another(self, model: Model) -> None:
        """UserError that names what differs, when `model` is not the one that the run began with."""
        if differ := _difference(self.model["identity"], to_json(model.identity)):
            raise UserError(f"the model's {differ} now; run it anew")


def _difference(then: JSON, now: JSON, *names: str) -> str:
    """What differs first between two values, and how; "" if they are the same."""
    if not isinstance(then, Mapping) or not isinstance(now, Mapping):
        return "" if then == now else f"{'.'.join(names)} differs: {then} when the run began, {now}"
    inner = (_difference(then.get(name), now.get(name), *names, name) for name in {**now, **then})
    return next(filter(None, inner), "")


def mapping(value: JSON) -> dict[str, JSON]:
    """A JSON value that is known to be an object."""
    assert isinstance(value, dict)
    return value


def _facts_of_selected(one: Selected) -> dict[str, JSON]:
    return {
        "name": one.name,
        "options": dict(one.options),
        "file": one.file,
        "code": one.code,
        "version": one.probe.version,
    }
