"""A probe's items lie in the journal in rows of bounded size, and a resumed run refuses others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
from slm_audit import Item, Metric, Probe
from slm_audit.audits.errors import UserError
from slm_audit.audits.items import A_ROW, items_digest, items_of, refuse_other_items
from slm_audit.audits.journal import Journal
from slm_audit.audits.journalled import digest
from slm_audit.audits.selection import Selected

ITEMS = tuple(Item(id=f"{at}", cluster="c\ud800", content={"n": at, "ü": None}) for at in range(2 * A_ROW + 1))


@dataclass(frozen=True, kw_only=True)
class Holding(Probe):
    """What is held?"""

    name: ClassVar[str] = "holding"
    dimension: ClassVar[str] = "robustness"
    version: ClassVar[str] = "1"
    metrics: ClassVar[tuple[Metric, ...]] = ()
    held: tuple[Item, ...] = ()

    def items(self) -> Sequence[Item]:
        return self.held


def selected(items: tuple[Item, ...]) -> Selected:
    return Selected(name="robustness.holding", probe=Holding(held=items), options={})


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    made = Journal(tmp_path / "journal.sqlite", write=True)
    items_of(selected(ITEMS), made)
    return made


def test_items_come_back_from_rows_of_bounded_size(journal: Journal) -> None:
    assert tuple(items_of(selected(()), journal)) == ITEMS
    rows = [row.body.count('"id"') for row in journal.rows()]
    assert (sum(rows), max(rows)) == (len(ITEMS), A_ROW)


def test_the_digest_is_that_of_the_whole_list() -> None:
    for some in ((), ITEMS[:1], ITEMS):
        assert items_digest(some) == digest(list(some))


@pytest.mark.parametrize(
    "other", [ITEMS[:-1], (*ITEMS[:-1], replace(ITEMS[-1], content={})), (*ITEMS, replace(ITEMS[0], id="new")), ()]
)
def test_other_items_are_refused(journal: Journal, other: tuple[Item, ...]) -> None:
    refuse_other_items(journal, [selected(ITEMS)])
    with pytest.raises(UserError, match=r"holding differ from when the run began; restore them or run anew$"):
        refuse_other_items(journal, [selected(other)])
