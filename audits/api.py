"""What the command line does, from Python."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from ..reports.record import Record
from .plan import check_plan
from .run_folder import read_record
from .yaml_file import parse


def audit(
    spec: str | Path | Mapping[str, object],
    *,
    out: str | Path = "runs",
    allow_path: bool = False,
    allow_code: bool = False,
) -> Record:
    """Audit a model and return the record; the run's folder lies below `out`.

    `spec` is the path of a model.yaml, a model's folder, a hub id, or what a model.yaml holds as a mapping
    (its paths then start from the working folder). Raises UserError for what the caller can mend, before
    anything is written, and EvidenceError when the run had to stop; it can then be resumed.
    """
    named = parse(Path("spec"), yaml.safe_dump(dict(spec))) if isinstance(spec, Mapping) else str(spec)
    plan = check_plan(named, {}, allow_path=allow_path, allow_code=allow_code)
    from .engine import run
    from .models import Leave, open_model

    model = open_model(plan.spec.model, plan.model_path, Leave(code=allow_code), plan.spec.execution)
    return run(plan, model, Path(out)).record


def load_record(path: str | Path) -> Record:
    """The record of a run folder, or of a record.json; UserError when there is none."""
    return read_record(Path(path))
