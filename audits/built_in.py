"""The YAML files that come with slm-audit, by name: policies and suites."""

from __future__ import annotations

from importlib import resources
from typing import Literal

Kind = Literal["policies", "suites"]


def names(kind: Kind) -> list[str]:
    """The names of all built-in files of a kind, sorted."""
    files = (resources.files(__package__) / kind).iterdir()
    return sorted(one.name.removesuffix(".yaml") for one in files if one.name.endswith(".yaml"))


def text_of(kind: Kind, name: str) -> str:
    """The text of one of them."""
    return (resources.files(__package__) / kind / f"{name}.yaml").read_text("utf-8")
