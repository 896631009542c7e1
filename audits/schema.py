"""The JSON Schemas of the two files that a user writes, so that an editor completes and checks them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from ..probes.contract import JSON
from .policy_file import PolicyFile
from .spec import Spec

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FILES: dict[str, tuple[type[BaseModel], str]] = {"spec": (Spec, "model.yaml"), "policy": (PolicyFile, "policy.yaml")}


def schema(of: Literal["spec", "policy"]) -> dict[str, JSON]:
    """The schema (draft 2020-12) of model.yaml or policy.yaml.

    It says less than `slm-audit validate`, which also knows the metrics, the probes and what is on the disk.
    """
    kind, title = FILES[of]
    return {"$schema": DIALECT, **kind.model_json_schema(by_alias=True), "title": title}
