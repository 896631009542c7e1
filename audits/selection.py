"""Which probes a spec asks for, built with their options."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..probes.contract import JSON, ContractError, Metric, NotMeasured, Probe
from ..probes.registry import (
    UnknownProbe,
    build,
    find,
    full_name,
    installed,
    load_file,
    path_options,
    question,
)
from ..reports.policy import Policy
from .errors import SpecFaults, UserError
from .fitness import demanded
from .gate import CORE, VALID
from .policy import DELTA
from .spec import Spec, place_of
from .suite import read_suite
from .yaml_file import nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """A probe that is to be asked, with what is needed to build it again."""

    name: str
    probe: Probe
    options: Mapping[str, JSON]
    file: str = ""
    code: str = ""

    @property
    def question(self) -> str:
        """What it asks."""
        return question(type(self.probe))


def select(spec: Spec, base: Path, *, allow_path: bool, allow_code: bool) -> list[Selected]:
    """Every probe that the spec asks for, in order of name; SpecFaults lists all that is wrong."""
    suite, own = read_suite(spec.audit.suite).probes, spec.audit.probes
    # Fitness is measured where the card demands it or the spec names it: it needs to know of what.
    wanted: dict[str, dict[str, JSON]] = {
        name: {**suite.get(name, {}), **(own.get(name) or {})} for name in (*suite, *demanded(spec.card), *own)
    }
    chosen, faults = [], []
    for name, options in wanted.items():
        try:
            one = build_named(name, options, base, allow_path=allow_path, allow_code=allow_code)
        except UserError as error:
            faults.append(str(error))
            continue
        if not spec.audit.only or any(fnmatch.fnmatchcase(one.name, pattern) for pattern in spec.audit.only):
            chosen.append(one)
            faults += _faults_of_files(one)
    names = [one.name for one in chosen]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        faults.append(f"two probes are called {twice[0]}; name only one of them")
    if not chosen and not faults:
        faults.append(f"no probe fits {', '.join(spec.audit.only)}{nearest(spec.audit.only[0], wanted)}")
    if faults:
        raise SpecFaults(faults)
    return sorted(chosen, key=lambda one: one.name)


def _faults_of_files(one: Selected) -> list[str]:
    """What is wrong with the files that a probe's options name: told before a model is loaded."""
    if not any(one.options.get(name) for name in path_options(type(one.probe))):
        return []
    try:
        one.probe.items()
    except (NotMeasured, ContractError, ValueError, OSError) as error:
        return [f"{one.name}: {error}"]
    return []


def build_named(name: str, options: Mapping[str, JSON], base: Path, *, allow_path: bool, allow_code: bool) -> Selected:
    """One probe by its installed name or by `file:PATH`; UserError says what does not fit."""
    file = code = ""
    try:
        if name.startswith("file:"):
            file = name.removeprefix("file:")
            if not allow_code:
                raise UserError(f"{name} runs code of its own; read it, then give --allow-code")
            kind, code = load_file(place_of(file, base, allow_path=allow_path, what="the probe file"))
        else:
            kind = find(name)
        paths = {
            option: place_of(str(options[option]), base, allow_path=allow_path, what=f"{name}: {option}")
            for option in path_options(kind)
            if options.get(option)
        }
        probe = build(kind, options, paths)
    except UnknownProbe as error:
        if str(error) == name:
            raise UserError(f"no probe is called '{name}'{nearest(name, installed())}") from None
        raise UserError(str(error)) from error
    except (ContractError, ValueError) as error:
        raise UserError(f"{name}: {error}") from error
    return Selected(name=full_name(kind), probe=probe, options=dict(options), file=file, code=code)


def most_clusters(spec: Spec) -> int | None:
    """The most clusters that are asked of each probe; None for all."""
    given = [one for one in (spec.audit.limit, read_suite(spec.audit.suite).most_clusters) if one is not None]
    return min(given, default=None)


def _built_in(name: str) -> bool:
    return installed()[name].value.startswith("slm_audit.")


def known_metrics(policy: Policy, own: Sequence[type[Probe]] = ()) -> dict[str, Metric]:
    """The metrics, by full name, of the built-in probes, of `own` ones, and of those that the policy names.

    No other third party's code is imported.
    """
    metrics = [*(one.metric for one in policy.limits), *(one.metric for one in policy.floors)]
    named = {metric.removesuffix(DELTA).rsplit(".", 1)[0] for metric in metrics}
    probes = [*own]
    for name in installed():
        if _built_in(name) or name in named:
            try:
                probes.append(find(name))
            except UnknownProbe as error:
                raise UserError(str(error)) from error
    known = {f"{full_name(probe)}.{metric.name}": metric for probe in probes for metric in probe.metrics}
    return {CORE: VALID, **known}
