"""Read a suite: which probes are asked, with which options, how much of each, and whether the result may gate."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from . import built_in
from .yaml_file import check, parse


class Suite(BaseModel):
    """One file of `audits/suites/`. `most_clusters` is the most of each probe; without it all are asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1]
    description: str
    gates: bool
    most_clusters: Annotated[int, Field(ge=1)] | None = None
    probes: Mapping[str, Mapping[str, JsonValue]]


@functools.cache
def read_suite(name: str) -> Suite:
    """The built-in suite of that name."""
    document = parse(Path(f"{name}.yaml (built in)"), built_in.text_of("suites", name))
    return cast(Suite, check(Suite, document))
