"""The journal keeps what it is told, in a chain that shows any change."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from slm_audit.audits.errors import EvidenceError, UserError
from slm_audit.audits.journal import GENESIS, Journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "journal.sqlite"
    journal = Journal(file, write=True)
    journal.add("setting", [("a", {"x": 1}), ("b", [1, 2])])
    journal.add("reply", [("a", "another kind has its own keys"), ("c", "ü\ud800")])
    journal.settle()
    journal.close()
    return file


def test_what_was_added_is_there_and_the_first_body_stays(path: Path) -> None:
    journal = Journal(path, write=True)
    before = journal.head
    journal.add("setting", [("a", "later")])
    assert journal.get("setting", "a") == {"x": 1}
    assert journal.get("setting", "none") is None
    assert journal.get_many("reply", ["c", "zz", "a"]) == {"a": "another kind has its own keys", "c": "ü\ud800"}
    assert (journal.count, journal.head) == (4, before)
    journal.close()


@pytest.mark.parametrize("column", ["seq", "kind", "key", "body", "hash"])
def test_a_change_in_any_column_breaks_the_chain(path: Path, column: str) -> None:
    database = sqlite3.connect(path)
    changed = 9 if column == "seq" else "measurement"
    database.execute(f"UPDATE rows SET {column} = ? WHERE seq = 4", (changed,))
    database.commit()
    database.close()
    journal = Journal(path, write=False)
    assert journal.faults()
    journal.close()


def test_a_row_taken_from_the_middle_breaks_the_chain(path: Path) -> None:
    database = sqlite3.connect(path)
    database.execute("DELETE FROM rows WHERE seq = 2")
    database.commit()
    database.close()
    assert Journal(path, write=False).faults()


def test_an_untouched_journal_has_no_faults_and_reading_leaves_nothing_beside_it(path: Path) -> None:
    journal = Journal(path, write=False)
    assert journal.faults() == []
    journal.close()
    assert [one.name for one in path.parent.iterdir()] == ["journal.sqlite"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_second_writer_is_turned_away(path: Path) -> None:
    first = Journal(path, write=True)
    with pytest.raises(UserError, match="being written by another"):
        Journal(path, write=True)
    first.close()
    Journal(path, write=True).close()


def test_a_transaction_that_fails_leaves_no_row(path: Path) -> None:
    journal = Journal(path, write=True)
    with pytest.raises(ValueError, match="finite"):
        journal.add("reply", [("good", 1.0), ("bad", float("nan"))])
    assert journal.get("reply", "good") is None
    assert journal.faults() == []
    journal.close()


def test_a_full_disk_is_said_and_nothing_is_lost(path: Path) -> None:
    journal = Journal(path, write=True)
    journal._db.execute("PRAGMA max_page_count = 6")
    with pytest.raises(EvidenceError, match="make room and resume"):
        for at in range(100):
            journal.add("reply", [(f"long {at}", "x" * 10_000)])
    assert journal.get("setting", "a") == {"x": 1}
    assert journal.faults() == []
    journal.close()


def test_a_file_that_is_no_journal_is_named(tmp_path: Path) -> None:
    other = tmp_path / "journal.sqlite"
    other.write_bytes(b"not a database at all" * 100)
    with pytest.raises(UserError, match="journal"):
        Journal(other, write=False)


def test_the_chain_begins_at_the_same_place_everywhere(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite", write=True)
    assert (journal.head, journal.count) == (GENESIS, 0)
    journal.close()


def test_a_reader_that_holds_the_journal_open_is_told_of(path: Path) -> None:
    journal = Journal(path, write=True)
    journal.add("setting", [("more", 1)])
    reader = sqlite3.connect(path)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM rows").fetchone()
    with pytest.raises(EvidenceError, match="held open by another program"):
        journal.settle()
    reader.close()
    journal.settle()
    journal.close()
