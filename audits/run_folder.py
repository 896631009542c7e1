"""The folder of one run: what lies in it, written atomically, and digests of all of it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import secrets
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from ..probes.contract import canonical, from_json, to_json
from ..reports.record import Record
from ..reports.transcripts import Transcript, Transcripts
from .errors import EvidenceError, UserError
from .journal import NAME as JOURNAL
from .spool import Spool

RECORD = "record.json"
DIGEST = "record.json.sha256"
OBSERVATIONS = "observations.jsonl"
LOG = "audit.log"
LOOKS = "looks.jsonl"


def create(out: Path, model: str, now: datetime, link: str = "latest") -> Path:
    """A new folder below `out`, and a link to it, `latest` to a run; UserError when it cannot be written."""
    safe = re.sub(r"[^A-Za-z0-9.-]+", "-", model).strip("-.")[:40] or "model"
    folder = out / f"{safe}-{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    try:
        folder.mkdir(parents=True)
        fresh = out / f".{link}-{secrets.token_hex(3)}"
        fresh.symlink_to(folder.name)
        os.replace(fresh, out / link)
    except OSError as error:
        raise UserError(f"{out} cannot be written ({error.strerror}); name another folder with --out") from error
    return folder


def check_writable(out: Path) -> None:
    """UserError if a run folder could not be made below `out`."""
    nearest = out
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if (out / "latest").is_dir() and not (out / "latest").is_symlink():
        raise UserError(f"{out / 'latest'} is a folder of its own; name another folder with --out, or move it away")
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise UserError(f"{out} cannot be written; name another folder with --out")


def existing(folder: Path) -> Path:
    """`folder`, if it is a run folder; UserError if not."""
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder; name a run's folder, such as runs/latest")
    if not (folder / JOURNAL).is_file():
        raise UserError(f"{folder} is not a run folder: it holds no {JOURNAL}; name one such as runs/latest")
    return folder.resolve()


def write(path: Path, text: str | Iterable[str]) -> None:
    """Write a file of a run, whole or not at all; EvidenceError where it cannot be written."""
    try:
        write_whole(path, text)
    except OSError as error:
        raise EvidenceError(f"{path} cannot be written ({error.strerror}); make room and resume") from error


def write_whole(path: Path, text: str | Iterable[str]) -> None:
    """Write a file, from one text or from its parts, whole or not at all; OSError where it cannot be written."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.writelines([text] if isinstance(text, str) else text)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def sha256(path: Path) -> str:
    """SHA-256 hex of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file of a run folder but the record, its own digest, and what `gate` adds later."""
    names = sorted(one.name for one in folder.iterdir() if one.name not in (RECORD, DIGEST, LOOKS))
    return {name: sha256(folder / name) if (folder / name).is_file() else "no file" for name in names}


def json_text(shown: object) -> str:
    """A record or a comparison as it is written."""
    return json.dumps(to_json(shown), indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def write_record(folder: Path, record: Record) -> str:
    """Write record.json with the digests of all other files, and its own digest beside it, which is returned."""
    write(folder / RECORD, json_text(dataclasses.replace(record, files=digests(folder))))
    digest = sha256(folder / RECORD)
    write(folder / DIGEST, f"{digest}  {RECORD}\n")
    return digest


def read_record(path: Path) -> Record:
    """The record in a run folder or a record.json; UserError when there is none."""
    file = path / RECORD if path.is_dir() else path
    try:
        return from_json(Record, json.loads(file.read_text("utf-8")))
    except FileNotFoundError:
        raise UserError(f"{file} does not exist; the run has not ended: 'slm-audit resume {path}'") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{file} is not a record of slm-audit: {error}; 'slm-audit verify' tells more") from error


def transcript_lines(transcripts: Transcripts) -> Iterator[str]:
    """The lines of observations.jsonl."""
    return (canonical(one) + "\n" for own in transcripts.values() for one in own)


def read_transcripts(folder: Path) -> Transcripts:
    """The transcripts of a run folder."""
    found: dict[str, Spool[Transcript]] = {}
    try:
        with (folder / OBSERVATIONS).open(encoding="utf-8", newline="\n") as lines:
            for line in lines:
                one = from_json(Transcript, json.loads(line))
                found.setdefault(one.probe, Spool(folder)).append(one)
        return found
    except (OSError, ValueError) as error:
        raise UserError(
            f"{folder / OBSERVATIONS} cannot be read: {error}; 'slm-audit resume' writes it anew"
        ) from error
