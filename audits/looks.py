"""The looks at a finished run's evidence that came after its own: kept beside the record, chained to the journal.

A run's folder is closed by the digests in record.json, so what `gate` decides later stands in a file of its own.
Each line's hash holds the line before it, the first one the journal's head: a line that is changed, moved or
taken out of the middle is noticed.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

from ..probes.contract import ContractError, canonical, from_json, to_json
from ..reports.record import Look, Record
from .errors import UserError
from .journal import link
from .run_folder import LOOKS as NAME


def looks_of(folder: Path, record: Record) -> tuple[Look, ...]:
    """Every look at a run's evidence, its own ones first; UserError where the later ones were changed."""
    return (*record.looks, *(look for look, _ in _read(folder, record)))


def add_look(folder: Path, record: Record, look: Look) -> None:
    """Keep a look, unless one that decided the same by the same policy is kept already."""
    known = [_decided(one) for one in looks_of(folder, record)]
    if _decided(look) in known:
        return
    try:
        handle = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        with os.fdopen(handle, "a", encoding="utf-8") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            rows = _read(folder, record)
            body = canonical(look)
            head = link(_head(record, rows), len(rows) + 1, "look", look.policy_sha256, body)
            stream.write(canonical({"look": to_json(look), "hash": head}) + "\n")
    except OSError as error:
        raise UserError(
            f"{folder / NAME} cannot be written ({error.strerror}), and a look at the evidence is never unrecorded; "
            "mend the folder's rights, or judge a copy of it"
        ) from error


def faults_of_looks(folder: Path, record: Record) -> list[str]:
    """What is wrong with the kept looks: nothing, or one sentence."""
    try:
        _read(folder, record)
    except UserError as error:
        return [str(error)]
    return []


def _read(folder: Path, record: Record) -> list[tuple[Look, str]]:
    rows: list[tuple[Look, str]] = []
    try:
        lines = (folder / NAME).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return rows
    except (OSError, ValueError) as error:
        raise UserError(f"{folder / NAME} cannot be read: {error}; restore it from a copy") from error
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            look, said = from_json(Look, row["look"]), str(row["hash"])
        except (ValueError, KeyError, TypeError, ContractError):
            raise UserError(f"{folder / NAME}:{number} is no look; restore the file from a copy") from None
        if said != link(_head(record, rows), number, "look", look.policy_sha256, canonical(look)):
            raise UserError(f"{folder / NAME}:{number} does not follow from the look before it; restore the file")
        rows.append((look, said))
    return rows


def _head(record: Record, rows: list[tuple[Look, str]]) -> str:
    return rows[-1][1] if rows else record.journal.head if record.journal else ""


def _decided(look: Look) -> tuple[str, float, str]:
    return look.policy_sha256, look.level, look.verdict
