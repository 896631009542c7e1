"""The journal: every reply, judgement and measurement of a run, hash-chained in one SQLite file."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, cast

from ..probes.contract import JSON, canonical
from .errors import EvidenceError, UserError

Kind = Literal["setting", "reply", "judgement", "measurement"]

NAME = "journal.sqlite"
GENESIS = "0" * 64
_TABLE = """CREATE TABLE IF NOT EXISTS rows (
  seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, hash TEXT NOT NULL,
  UNIQUE (kind, key)) STRICT"""


class Row(NamedTuple):
    """One row: its place in the chain, what it is, under which key, and its JSON text."""

    seq: int
    kind: str
    key: str
    body: str
    hash: str


def link(before: str, seq: int, kind: str, key: str, body: str) -> str:
    """The hash of a row: SHA-256 over the hash before it and every column, with lengths so that none can slide."""
    digest = hashlib.sha256()
    for part in (before, str(seq), kind, key, body):
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


class Journal:
    """One run's journal. Rows are only added; a key that is there already keeps its first body.

    Opened for writing it holds an exclusive lock, so that a run has one writer; opened read-only it is
    taken as immutable and nothing appears beside it.
    """

    def __init__(self, path: Path, *, write: bool) -> None:
        """Open or, for writing, create the journal at `path`; UserError when it is locked or no journal."""
        self._lock = -1
        self._path = path
        try:
            self._lock = self._locked(path) if write else -1
            mode = "rwc" if write else "ro&immutable=1"
            self._db = sqlite3.connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True, isolation_level=None)
            if write:
                os.chmod(path, 0o600)
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = NORMAL")
                self._db.execute(_TABLE)
            last = self._db.execute("SELECT seq, hash FROM rows ORDER BY seq DESC LIMIT 1").fetchone()
        except sqlite3.OperationalError as error:
            self._release()
            if "full" in str(error):
                raise EvidenceError(f"{path}: the disk is full; make room and resume") from error
            raise UserError(f"{path} is not a journal of slm-audit ({error}); name a run folder") from error
        except sqlite3.DatabaseError as error:
            self._release()
            raise UserError(f"{path} is damaged ({error}); it cannot be read as a journal") from error
        self._seq, self._head = (cast(int, last[0]), cast(str, last[1])) if last else (0, GENESIS)

    @staticmethod
    def _locked(path: Path) -> int:
        lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise UserError(f"{path.parent} is being written by another slm-audit; wait for it or stop it") from error
        return lock

    @property
    def folder(self) -> Path:
        """The folder that it lies in."""
        return self._path.parent

    @property
    def head(self) -> str:
        """The hash of the last row: the whole history in 64 hex digits."""
        return self._head

    @property
    def count(self) -> int:
        """The number of rows."""
        return self._seq

    def get(self, kind: Kind, key: str) -> JSON:
        """The body under a key, or None."""
        found = self._db.execute("SELECT body FROM rows WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        return cast(JSON, json.loads(found[0])) if found else None

    def get_many(self, kind: Kind, keys: Sequence[str]) -> dict[str, JSON]:
        """The bodies under those of the keys that are there."""
        found: dict[str, JSON] = {}
        for start in range(0, len(keys), 500):
            part = keys[start : start + 500]
            marks = ",".join("?" * len(part))
            query = f"SELECT key, body FROM rows WHERE kind = ? AND key IN ({marks})"
            found.update((key, json.loads(body)) for key, body in self._db.execute(query, (kind, *part)))
        return found

    def add(self, kind: Kind, rows: Sequence[tuple[str, object]]) -> None:
        """Add rows in one transaction: all of them or none. EvidenceError when the disk is full."""
        seq, head = self._seq, self._head
        try:
            self._db.execute("BEGIN IMMEDIATE")
            there = set(self.get_many(kind, [key for key, _ in rows]))
            for key, value in rows:
                if key in there:
                    continue
                there.add(key)
                body = canonical(value)
                head = link(head, seq + 1, kind, key, body)
                seq += 1
                self._db.execute("INSERT INTO rows VALUES (?, ?, ?, ?, ?)", (seq, kind, key, body, head))
            self._db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise EvidenceError(f"{self._path}: cannot be written ({error}); make room and resume") from error
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self._seq, self._head = seq, head

    def rows(self) -> Iterator[Row]:
        """Every row in the order of the chain."""
        for row in self._db.execute("SELECT seq, kind, key, body, hash FROM rows ORDER BY seq"):
            yield Row(*row)

    def bodies(self, kind: Kind) -> Iterator[Mapping[str, JSON]]:
        """The bodies of one kind, which must be objects, in the order of the chain."""
        for (body,) in self._db.execute("SELECT body FROM rows WHERE kind = ? ORDER BY seq", (kind,)):
            yield cast("Mapping[str, JSON]", json.loads(body))

    def faults(self) -> list[str]:
        """What is wrong with the chain: nothing, or the first row that does not follow from the one before."""
        head = GENESIS
        try:
            for at, row in enumerate(self.rows(), start=1):
                if row.seq != at or link(head, row.seq, row.kind, row.key, row.body) != row.hash:
                    return [f"{NAME}: row {row.seq} does not follow from the row before it"]
                head = row.hash
        except (sqlite3.DatabaseError, UnicodeError) as error:
            return [f"{NAME}: cannot be read to its end ({error})"]
        return []

    def settle(self) -> None:
        """Fold the write-ahead log into the one file, so that it can be hashed and moved."""
        try:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._db.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.OperationalError as error:
            raise EvidenceError(
                f"{self._path} is held open by another program ({error}); close it and resume"
            ) from error

    def close(self) -> None:
        """Close the file and give up the lock."""
        self._db.close()
        self._release()

    def _release(self) -> None:
        if self._lock >= 0:
            self._path.with_name(self._path.name + ".lock").unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = -1
