"""Read a policy: a built-in one by name, or a file by path, with all that it extends."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from ..probes.contract import Metric
from ..reports import policy as values
from . import built_in
from .errors import SpecFaults, UserError
from .policy_extends import merged
from .policy_file import PolicyFile
from .yaml_file import Document, check, nearest, parse, read_yaml

DELTA = ".delta"
"""What ends the name of a difference between two models: `toxicity.continuations.rate.delta`."""

MOST_PARENTS = 5
REMEDY = "name a built-in policy, or start from one: 'extends: pre-deployment'"


def policy_document(named: str, base: Path) -> Document:
    """The text of a policy that stands alone: a built-in name, or a path taken from `base`, with what it extends."""
    known = built_in.names("policies")
    if named not in known and not named.endswith((".yaml", ".yml")) and not (base / named).exists():
        raise UserError(f"no policy is called '{named}'{nearest(named, known)}; or name a .yaml file")
    return _whole(_found(named, base), ())


def _found(named: str, base: Path) -> Document:
    if named in built_in.names("policies"):
        return parse(Path(f"{named}.yaml (built in)"), built_in.text_of("policies", named))
    return read_yaml(base / named, REMEDY)


def _whole(document: Document, children: tuple[Document, ...]) -> Document:
    """The document itself, or, where it extends another, both put together; `children` are those that extend it."""
    file = cast(PolicyFile, check(PolicyFile, document))
    if file.extends is None:
        return document
    line, chain = document.where(("extends",)), (*children, document)
    parent = _found(file.extends, _folder_of(file.extends, chain, line))
    places = [one.path.resolve() for one in chain]
    if parent.path.resolve() in places:
        raise UserError(f"{line}: {file.extends} extends this policy in turn; break the circle")
    if len(chain) > MOST_PARENTS:
        raise UserError(f"{line}: more than {MOST_PARENTS} policies extend one another; put some of them together")
    return merged(document, _whole(parent, chain))


def _folder_of(named: str, chain: tuple[Document, ...], line: str) -> Path:
    """The folder that the path of a parent starts from; UserError where it leads out of the first policy's folder."""
    known, folder = built_in.names("policies"), chain[-1].path.parent
    if named not in known and not named.endswith((".yaml", ".yml")):
        raise UserError(f"{line}: no policy is called '{named}'{nearest(named, known)}; or name a .yaml file")
    if named not in known and not (folder / named).resolve().is_relative_to(chain[0].path.parent.resolve()):
        raise UserError(f"{line}: '{named}' lies outside the policy's folder; move it there or below")
    return folder


def read_policy(document: Document) -> values.Policy:
    """The policy that a document states; SpecFaults when it is not one."""
    file = cast(PolicyFile, check(PolicyFile, document))
    assert file.extends is None, "policy_document puts together what a policy extends"
    return values.Policy(
        name=file.name,
        confidence=file.confidence,
        requires=tuple(file.requires),
        limits=tuple(values.Limit(**one.model_dump()) for one in file.limits),
        floors=tuple(
            values.Floor(
                metric=one.metric,
                dimensions=one.for_,
                at_least=one.at_least,
                above_chance=one.margin(),
            )
            for one in file.floors
        ),
        waivers=tuple(values.Waiver(**one.model_dump()) for one in file.waivers),
        sha256=hashlib.sha256(document.text.encode()).hexdigest(),
    )


def check_names(policy: values.Policy, document: Document, metrics: Mapping[str, Metric]) -> None:
    """Refuse a policy that names what nobody measures, or bounds it on the wrong side or out of its range.

    `metrics` are all that may be named, by full name: those of one model's probes, or of a comparison of two.
    """
    by_role = {role: [name for name, one in metrics.items() if one.role == role] for role in ("primary", "competence")}
    faults = []
    for at, limit in enumerate(policy.limits):
        where, metric = document.where(("limits", at)), metrics.get(limit.metric)
        if metric is None and limit.metric.removesuffix(DELTA) in metrics:
            what = f"{limit.metric} is a difference between two models"
            faults.append(f"{where}: {what}; take the limit out, or judge it by 'slm-audit compare'")
        elif metric is None:
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
    if faults:
        raise SpecFaults(faults)
