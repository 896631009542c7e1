"""Check everything that can be checked before a model is loaded, and hold what passed."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from ..reports.policy import Policy
from .errors import SpecFaults, UserError
from .execution import check_execution
from .model_file import kind_of
from .models.leave import Leave
from .placing import place_of_model, with_places
from .policy import check_names, policy_document, read_policy
from .selection import Selected, known_metrics, select
from .spec import Spec, read_spec, spec_document
from .yaml_file import Document

DEFAULTS = ("audit.suite", "audit.seed", "audit.limit", "policy", "model.dtype", "model.device")
"""The keys that a variable such as SLM_AUDIT_SEED may set where the file is silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A spec, a policy and probes that fit together; `base` is the folder that the spec's paths start from."""

    document: Document
    spec: Spec
    base: Path
    policy_document: Document
    policy: Policy
    selected: Sequence[Selected]
    model_path: str


def check_plan(
    named: str | Document,
    overrides: Mapping[str, object],
    *,
    allow_path: bool = False,
    allow_code: bool = False,
    allow_pickles: bool = False,
) -> Plan:
    """The plan for a model.yaml, a model's folder or a hub id; SpecFaults lists all faults at once.

    `overrides` are dotted keys of the spec, such as "audit.seed", that stand above the file.
    """
    given = spec_document(named) if isinstance(named, str) else named
    document = _overridden(_with_defaults(given, os.environ), overrides)
    base = given.path.parent.resolve() if given.path.is_file() else Path.cwd()
    spec = read_spec(document)
    faults: list[str] = []
    selected: list[Selected] = []
    model_path = ""
    policy_text, policy = None, None
    try:
        selected = select(spec, base, allow_path=allow_path, allow_code=allow_code)
    except UserError as error:
        faults += [f"{document.path}: {line}" for line in str(error).splitlines()]
    try:
        overridden = "policy" in overrides
        policy_text = policy_document(spec.policy, Path.cwd() if overridden else base)
        policy = read_policy(policy_text)
        check_names(policy, policy_text, known_metrics(policy, [type(one.probe) for one in selected]))
    except UserError as error:
        faults += str(error).splitlines()
    try:
        own = not given.path.is_file()  # no file from elsewhere names the path, but the command line
        leave = Leave(code=allow_code, pickles=allow_pickles)
        model_path = place_of_model(spec.model, base, leave, allow_path=allow_path or own)
        spec = spec.model_copy(update={"model": with_places(spec.model, base, allow_path=allow_path)})
    except UserError as error:
        faults.append(str(error))
    try:
        check_execution(spec.execution, spec.model)
    except UserError as error:
        faults.append(f"{document.path}: {error}")
    if faults or policy is None or policy_text is None:
        raise SpecFaults(list(dict.fromkeys(faults)))
    return Plan(
        document=document,
        spec=spec,
        base=base,
        policy_document=policy_text,
        policy=policy,
        selected=selected,
        model_path=model_path,
    )


def _with_defaults(document: Document, environ: Mapping[str, str]) -> Document:
    """The document, with what SLM_AUDIT_* variables say where the file says nothing."""
    given: dict[str, object] = {}
    for dotted in DEFAULTS:
        name = "SLM_AUDIT_" + dotted.rsplit(".", 1)[-1].upper()
        local = not dotted.startswith("model.") or kind_of(document.data.get("model")) == "transformers"
        if local and name in environ and not _says(document.data, dotted):
            try:
                given[dotted] = yaml.safe_load(environ[name])
            except yaml.YAMLError:
                raise UserError(f"the variable {name} holds no value that can be read: {environ[name]!r:.60}") from None
    return _overridden(document, given)


def _says(data: object, dotted: str) -> bool:
    for key in dotted.split("."):
        if not isinstance(data, Mapping) or key not in data:
            return False
        data = data[key]
    return True


def _overridden(document: Document, overrides: Mapping[str, object]) -> Document:
    given = {key: value for key, value in overrides.items() if value not in (None, ())}
    if not given:
        return document
    data = copy.deepcopy(dict(document.data))
    for dotted, value in given.items():
        *above, last = dotted.split(".")
        place: dict[str, object] = data
        for key in above:
            below = place.setdefault(key, {})
            if not isinstance(below, dict):
                raise UserError(f"{document.path}: {key} must hold keys and values")
            place = below
        place[last] = value
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    return Document(document.path, text, data, document.lines)
