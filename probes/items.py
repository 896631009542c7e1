"""Read the items that lie beside a probe's code."""

from __future__ import annotations

import json
from importlib import resources

from .contract import JSON


def read_json(package: str, name: str) -> JSON:
    """The content of a JSON file of a package: `read_json(__package__, "figures.json")`."""
    data: JSON = json.loads(_text(package, name))
    return data


def read_jsonl(package: str, name: str) -> list[dict[str, JSON]]:
    """The objects of a JSON Lines file of a package, in its order; blank lines are passed over.

    ValueError, with file and line, for a line that is not a JSON object.
    """
    rows: list[dict[str, JSON]] = []
    for number, line in enumerate(_text(package, name).split("\n"), start=1):
        if not line.strip():
            continue
        row = json.loads(line)
        if not isinstance(row, dict):
            raise ValueError(f"{name}:{number}: an object is expected")
        rows.append(row)
    return rows


def _text(package: str, name: str) -> str:
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")
