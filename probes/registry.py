"""Find probes by name or file and build them from plain options; built-in and third-party ones the same way."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import inspect
import sys
import typing
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from .contract import JSON, ContractError, Probe, from_json

GROUP = "slm_audit.probes"


class UnknownProbe(LookupError):
    """No probe has that name, or what has it is no probe; the message says what there is."""


def installed() -> dict[str, EntryPoint]:
    """Every installed probe's entry point by its name; nothing is imported."""
    return {one.name: one for one in sorted(entry_points(group=GROUP), key=lambda one: one.name)}


def find(name: str) -> type[Probe]:
    """The probe class that an installed name stands for."""
    try:
        point = installed()[name]
    except KeyError:
        raise UnknownProbe(name) from None
    try:
        found = point.load()
    except Exception as error:
        raise UnknownProbe(f"{name} cannot be imported from {point.value}: {error}") from error
    return checked(found, point.value)


def load_file(path: Path) -> tuple[type[Probe], str]:
    """The one probe class that a Python file defines, and the SHA-256 of the file. The file's code is run."""
    try:
        source = path.read_bytes()
    except OSError as error:
        raise UnknownProbe(f"{path} cannot be read: {error.strerror}") from error
    digest = hashlib.sha256(source).hexdigest()
    name = f"slm_audit_file_{digest[:16]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UnknownProbe(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UnknownProbe(f"{path} cannot be run: {type(error).__name__}: {error}") from error
    own = [
        one
        for one in vars(module).values()
        if inspect.isclass(one) and issubclass(one, Probe) and one.__module__ == name
    ]
    if len(own) != 1:
        raise UnknownProbe(f"{path} defines {len(own)} probes; one file holds one")
    return checked(own[0], str(path)), digest


def checked(found: object, where: str) -> type[Probe]:
    """`found` as a probe class, if it says all that a probe must say."""
    if not (inspect.isclass(found) and issubclass(found, Probe)):
        raise UnknownProbe(f"{where} is not a subclass of slm_audit.Probe")
    for said in ("name", "dimension", "version", "needs", "metrics"):
        if not hasattr(found, said):
            raise UnknownProbe(f"{where} does not say its {said}; add the class attribute")
    if not dataclasses.is_dataclass(found):
        raise UnknownProbe(f"{where} is not a dataclass; decorate it with @dataclass(frozen=True, kw_only=True)")
    if not question(found).endswith("?"):
        raise UnknownProbe(f"{where} does not begin its docstring with a question")
    return found


def full_name(probe: Probe | type[Probe]) -> str:
    """`dimension.name`, the name that a record and a policy use."""
    return f"{probe.dimension}.{probe.name}"


def question(probe: type[Probe]) -> str:
    """The first line of a probe's docstring: what it asks."""
    return (inspect.getdoc(probe) or "").split("\n", 1)[0].strip()


def path_options(probe: type[Probe]) -> set[str]:
    """The names of those options that are paths."""
    hints = typing.get_type_hints(probe)
    fields = dataclasses.fields(typing.cast(typing.Any, probe))
    return {one.name for one in fields if Path in (hints[one.name], *typing.get_args(hints[one.name]))}


def build(probe: type[Probe], options: Mapping[str, JSON], paths: Mapping[str, Path]) -> Probe:
    """A probe with its options; `paths` holds the resolved ones. ContractError names what does not fit."""
    plain = {name: value for name, value in options.items() if name not in paths}
    known = {one.name for one in dataclasses.fields(typing.cast(typing.Any, probe))}
    unknown = sorted(set(options) - known)
    if unknown:
        told = ", ".join(sorted(known)) or "none"
        raise ContractError(f"unknown option '{unknown[0]}'; {full_name(probe)} has {told}")
    ready = from_json(probe, plain, full_name(probe))
    return dataclasses.replace(typing.cast(typing.Any, ready), **paths) if paths else ready
