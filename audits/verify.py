"""Check a finished run: digests, chain, and every figure computed anew from the journal."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

from ..probes.contract import ContractError, to_json
from . import run_folder
from .engine import replay
from .errors import LostReply, UserError
from .journal import NAME as JOURNAL
from .journal import Journal
from .looks import faults_of_looks

TOLERANCE = 1e-6


def faults_of(folder: Path, *, digest: str = "", allow_code: bool = False) -> list[str]:
    """What is wrong with a run folder, a sentence each; an empty list when nothing is.

    Without `digest`, the SHA-256 of record.json kept elsewhere, this shows accident and careless editing,
    not a forger who rewrites everything.
    """
    found = _faulty_digests(folder, digest)
    try:
        journal = Journal(folder / JOURNAL, write=False)
    except UserError as error:
        return [*found, str(error)]
    try:
        found += journal.faults()
        head, count = journal.head, journal.count
    finally:
        journal.close()
    try:
        record = run_folder.read_record(folder)
    except UserError as error:
        return [*found, str(error)]
    if record.journal is None or (record.journal.head, record.journal.rows) != (head, count):
        found.append(f"{run_folder.RECORD}: the journal's head or row count is not the one recorded")
    found += faults_of_looks(folder, record)
    if found:
        return found
    try:
        again = replay(folder, allow_code=allow_code).record
    except (LostReply, ContractError, UserError) as error:
        return [f"the run cannot be computed anew: {error}"]
    then = to_json(dataclasses.replace(record, files={}))
    return list(differing(then, to_json(again), run_folder.RECORD))


def differing(then: object, now: object, where: str) -> list[str]:
    """Where two JSON values differ, numbers by more than 1e-6."""
    if isinstance(then, dict) and isinstance(now, dict):
        keys = sorted({*then, *now})
        return [line for key in keys for line in differing(then.get(key), now.get(key), f"{where}: {key}")]
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        pairs = enumerate(zip(then, now, strict=True))
        return [line for at, (one, two) in pairs for line in differing(one, two, f"{where}[{at}]")]
    numbers = isinstance(then, int | float) and isinstance(now, int | float)
    if numbers and not isinstance(then, bool) and math.isclose(then, now, rel_tol=0, abs_tol=TOLERANCE):  # type: ignore[arg-type]
        return []
    if then == now:
        return []
    return [f"{where}: recorded {json.dumps(then)[:80]}, computed anew {json.dumps(now)[:80]}"]


def _faulty_digests(folder: Path, digest: str) -> list[str]:
    found = []
    try:
        said = (folder / run_folder.DIGEST).read_bytes()
        actual = run_folder.sha256(folder / run_folder.RECORD)
        files = json.loads((folder / run_folder.RECORD).read_bytes())["files"]
        recorded = {str(name): str(value) for name, value in files.items()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        return [f"{run_folder.RECORD} or its digest cannot be read ({error}); the run has not ended or is damaged"]
    if said != f"{actual}  {run_folder.RECORD}\n".encode():
        found.append(f"{run_folder.RECORD} does not fit {run_folder.DIGEST}")
    if digest and digest.lower() != actual:
        found.append(f"{run_folder.RECORD} has the digest {actual}, not the one that was filed")
    for name, value in run_folder.digests(folder).items():
        if name not in recorded:
            found.append(f"{name} was not there when the run ended")
        elif recorded[name] != value:
            found.append(f"{name} has changed since the run ended")
    found += [f"{name} is missing" for name in recorded if not (folder / name).exists()]
    return found
