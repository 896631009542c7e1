"""Turn the contract's values into JSON and back, refusing what does not fit."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import types
import typing
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Literal, TypeAlias, TypeVar, Union

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"
"""Anything that a JSON file can hold."""

T = TypeVar("T")


class ContractError(ValueError):
    """A value does not have the shape that the contract gives it; the message names the place."""


def to_json(value: object) -> JSON:
    """Plain JSON for a contract value: dataclasses become objects with every field, tuples become lists."""
    if isinstance(value, str):
        return value.value if isinstance(value, Enum) else value
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [to_json(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): to_json(one) for key, one in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(str(to_json(one)) for one in value)
    kind: type = type(value)
    if dataclasses.is_dataclass(kind):
        return {name: to_json(getattr(value, name)) for name in _fields(kind)}
    raise ContractError(f"{type(value).__name__} has no JSON form")


def canonical(value: object) -> str:
    """The one text form of a value that is hashed: sorted keys, no spaces, NaN and infinity refused."""
    try:
        return json.dumps(to_json(value), sort_keys=True, separators=(",", ":"), allow_nan=False)
    except ValueError as error:
        raise ContractError(f"{type(value).__name__} holds a number that is not finite") from error


def from_json(kind: type[T], data: JSON, where: str = "") -> T:
    """Build a `kind` from plain JSON; a missing, unknown or ill-typed key raises ContractError naming its place."""
    return typing.cast(T, _read(kind, data, where or kind.__name__))


@functools.cache
def _fields(kind: type) -> dict[str, tuple[object, bool]]:
    """Field name -> (declared type, has a default), in declaration order."""
    hints = typing.get_type_hints(kind, localns={"JSON": object})
    return {
        field.name: (
            hints[field.name],
            field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING,
        )
        for field in dataclasses.fields(kind)
    }


def _read(kind: object, data: object, where: str) -> object:
    if kind is object:
        return data
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _read_dataclass(kind, data, where)
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        return _read_union(inner, data, where)
    if origin is Literal:
        if data not in inner:
            raise ContractError(f"{where}: {data!r} is none of {', '.join(map(repr, inner))}")
        return data
    if origin is tuple:
        return _read_tuple(inner, data, where)
    if origin is frozenset:
        if not isinstance(data, list | tuple):
            raise ContractError(f"{where}: a list is expected, not {data!r}")
        return frozenset(_read(inner[0], one, where) for one in data)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(data, Mapping):
            raise ContractError(f"{where}: an object is expected, not {data!r}")
        return {str(key): _read(inner[1], one, f"{where}.{key}") for key, one in data.items()}
    return _read_plain(kind, data, where)


def _read_dataclass(kind: type, data: object, where: str) -> object:
    if not isinstance(data, Mapping):
        raise ContractError(f"{where}: an object is expected, not {data!r}")
    known = _fields(kind)
    unknown = sorted(set(data) - set(known))
    if unknown:
        raise ContractError(f"{where}: unknown key {unknown[0]!r}; known are {', '.join(known)}")
    missing = [name for name, (_, optional) in known.items() if name not in data and not optional]
    if missing:
        raise ContractError(f"{where}: the key {missing[0]!r} is missing")
    return kind(**{name: _read(known[name][0], one, f"{where}.{name}") for name, one in data.items()})


def _read_union(choices: tuple[object, ...], data: object, where: str) -> object:
    faults = []
    for choice in choices:
        try:
            return _read(choice, data, where)
        except ContractError as error:
            faults.append(str(error))
    raise ContractError(faults[-1])


def _read_tuple(inner: tuple[object, ...], data: object, where: str) -> tuple[object, ...]:
    if not isinstance(data, list | tuple):
        raise ContractError(f"{where}: a list is expected, not {data!r}")
    if len(inner) == 2 and inner[1] is Ellipsis:
        return tuple(_read(inner[0], one, f"{where}[{at}]") for at, one in enumerate(data))
    if len(inner) != len(data):
        raise ContractError(f"{where}: {len(inner)} values are expected, not {len(data)}")
    return tuple(_read(kind, one, f"{where}[{at}]") for at, (kind, one) in enumerate(zip(inner, data, strict=True)))


def _read_plain(kind: object, data: object, where: str) -> object:
    if kind is types.NoneType and data is None:
        return None
    if kind is float and isinstance(data, int | float) and not isinstance(data, bool):
        if not math.isfinite(data):
            raise ContractError(f"{where}: {data} is not a finite number")
        return float(data)
    if kind is bool and isinstance(data, bool):
        return data
    if kind is int and isinstance(data, int) and not isinstance(data, bool):
        return data
    if kind is str and isinstance(data, str):
        return data
    if isinstance(kind, type) and issubclass(kind, Enum):
        try:
            return kind(data)
        except ValueError as error:
            raise ContractError(f"{where}: {data!r} is none of {', '.join(one.value for one in kind)}") from error
    raise ContractError(f"{where}: {getattr(kind, '__name__', kind)} is expected, not {data!r}")
