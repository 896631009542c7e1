"""Read a YAML file that a user wrote: data only, at most 1 MB, no aliases, no key twice, with line numbers."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, get_args

import yaml
from pydantic import BaseModel, ValidationError

from .errors import SpecFaults, UserError

MOST_BYTES = 1_000_000
Place = tuple[str | int, ...]


class Document(NamedTuple):
    """A file's text and data, and the line on which each place of it stands.

    `sources` says of places that were taken over from other files where they stand there.
    """

    path: Path
    text: str
    data: Mapping[str, object]
    lines: Mapping[Place, int]
    sources: Mapping[Place, tuple[Document, Place]] = MappingProxyType({})

    def where(self, place: Place) -> str:
        """`file:line: key.key` for a place, or for the nearest place above it that the file has."""
        for size in range(len(place), 0, -1):
            if place[:size] in self.sources:
                document, at = self.sources[place[:size]]
                return document.where((*at, *place[size:]))
        at = place
        while at and at not in self.lines:
            at = at[:-1]
        line = f":{self.lines[at]}" if at in self.lines else ""
        dotted = ".".join(str(one) for one in place)
        return f"{self.path}{line}" + (f": {dotted}" if dotted else "")


def read_yaml(path: Path, remedy: str = "'slm-audit init' writes a first one") -> Document:
    """Read one mapping from `path`; UserError says what is wrong with the file and where, and how to get one."""
    try:
        raw = path.read_bytes()
    except IsADirectoryError:
        raise UserError(f"{path} is a folder; name the YAML file in it") from None
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; {remedy}") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    if len(raw) > MOST_BYTES:
        raise UserError(
            f"{path} has {len(raw):,} bytes; at most {MOST_BYTES:,} are read, so move data into other files"
        )
    try:
        return parse(path, raw.decode("utf-8"), remedy)
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error


def parse(path: Path, text: str, remedy: str = "write keys and values") -> Document:
    """The document that `text` holds; `path` is only named in messages."""
    lines: dict[Place, int] = {}
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                line = event.start_mark.line + 1 if event.start_mark else "?"
                raise UserError(f"{path}:{line}: the alias *{event.anchor} is refused; write the value out again")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            raise UserError(f"{path} is empty; {remedy}")
        _note_lines(path, node, (), lines)
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise UserError(f"{path}{line} is not YAML: {problem}; mend that line") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} cannot be read as YAML: {error}; mend that value") from error
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise UserError(f"{path} must hold keys and values, such as 'version: 1', not {type(data).__name__}")
    return Document(path, text, data, lines)


def check(kind: type[BaseModel], document: Document) -> BaseModel:
    """`document` as a `kind`; SpecFaults lists every fault at once, an unknown key with the nearest known one."""
    try:
        return kind.model_validate(document.data, strict=False)
    except ValidationError as error:
        faults = []
        for one in error.errors():
            place = _in_file(one["loc"], document.data, missing=one["type"] == "missing")
            if one["type"] == "extra_forbidden":
                said = f"unknown key{nearest(str(place[-1]), _known(kind, one['loc'][:-1]))}"
            elif one["type"] == "missing":
                said = "this key is missing; add it"
            elif one["type"] == "union_tag_invalid":
                kinds = one["ctx"]["expected_tags"].replace("'", "").split(", ")
                place, said = (*place, "kind"), f"no kind is called {one['ctx']['tag']!r:.80}"
                said += nearest(str(one["ctx"]["tag"]), kinds)
            elif one["type"] == "union_tag_not_found":
                said = "must hold keys and values"
            else:
                said = one["msg"].removeprefix("Value error, ")
                if one["type"] not in ("value_error", "assertion_error"):
                    said += f", not {one['input']!r:.80}"
            faults.append(f"{document.where(place)}: {said}")
        raise SpecFaults(faults) from error


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean ...?`, or the list of what is known where nothing is near."""
    known = sorted(set(known))
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else f"; known are {', '.join(known)}"


def _in_file(place: Place, data: object, *, missing: bool) -> Place:
    """The parts of pydantic's place that stand in the file: the names that it gives to members of a union do not."""
    found: list[str | int] = []
    for at, part in enumerate(place):
        inside = part in data if isinstance(data, Mapping) else isinstance(part, int) and isinstance(data, list)
        if inside:
            data = data[part]  # type: ignore[index]
        if inside or (missing and at == len(place) - 1):
            found.append(part)
    return tuple(found)


def _known(kind: type[BaseModel], place: Place) -> set[str]:
    """The keys that may stand at a place."""
    here = _sections(kind)
    for part in place:
        below = [field.annotation for one in here for name, field in one.model_fields.items() if name == part]
        named = [
            one for one in here if "kind" in one.model_fields and part in get_args(one.model_fields["kind"].annotation)
        ]
        here = [one for annotation in below for one in _sections(annotation)] or named or here
    return {field.alias or name for one in here for name, field in one.model_fields.items()}


def _sections(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [one for part in get_args(annotation) for one in _sections(part)]


def _note_lines(path: Path, node: yaml.Node, place: Place, lines: dict[Place, int]) -> None:
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = (*place, str(key.value))
            if below in lines:
                raise UserError(f"{path}:{key.start_mark.line + 1}: the key '{key.value}' stands twice; keep one")
            _note_lines(path, value, below, lines)
            lines[below] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for at, value in enumerate(node.value):
            _note_lines(path, value, (*place, at), lines)
