"""A probe's items: kept in the journal before the first is asked, and put in the order in which they are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy

from ..probes.contract import JSON, ContractError, Item, NotMeasured, canonical, from_json, to_json
from .errors import UserError
from .journal import Journal
from .selection import Selected

ORDER = "order"
WINDOW = 384
A_ROW = 1000
"""So many items make one row of the journal, so that a long list is never one text."""


def items_of(selected: Selected, journal: Journal) -> Sequence[Item]:
    """The probe's items: from the journal when they are there, so that a replay needs no other file."""
    if journal.get("setting", _key(selected)) is not None:
        return [from_json(Item, one) for one in _kept(selected, journal)]
    items = selected.probe.items()
    if not items:
        raise NotMeasured("the probe has no items")
    if len({one.id for one in items}) != len(items):
        raise ValueError("two items have the same id")
    rows = [(_key(selected, at), items[at : at + A_ROW]) for at in range(0, len(items), A_ROW)]
    journal.add("setting", [(_key(selected), len(items)), *rows])
    return items


def refuse_other_items(journal: Journal, selected: Sequence[Selected]) -> None:
    """UserError when the items of a probe are not those that the journal holds."""
    for one in selected:
        count = journal.get("setting", _key(one))
        if count is None:
            continue
        try:
            items = one.probe.items()
            differ = len(items) != count or any(
                to_json(item) != kept for item, kept in zip(items, _kept(one, journal), strict=True)
            )
        except (NotMeasured, ContractError, ValueError, OSError) as error:
            raise UserError(f"the items of {one.name} cannot be read again: {error}; restore them") from error
        if differ:
            raise UserError(f"the items of {one.name} differ from when the run began; restore them or run anew")


def items_digest(items: Sequence[Item]) -> str:
    """SHA-256 hex of the canonical JSON of a list of items."""
    found = hashlib.sha256(b"[")
    for at, one in enumerate(items):
        found.update(("," * bool(at) + canonical(one)).encode("utf-8", "surrogatepass"))
    found.update(b"]")
    return found.hexdigest()


def in_order(items: Sequence[Item], rng: numpy.random.Generator) -> list[list[Item]]:
    """The clusters of items in a seeded order that depends on nothing but seed and probe."""
    clusters: dict[str, list[Item]] = {}
    for one in items:
        clusters.setdefault(one.cluster, []).append(one)
    names = sorted(clusters)
    return [clusters[names[at]] for at in rng.permutation(len(names)).tolist()]


def windows(clusters: Sequence[Sequence[Item]]) -> list[list[Item]]:
    """Whole clusters put together, until a window has enough items to be asked at once."""
    found: list[list[Item]] = [[]]
    for one in clusters:
        if len(found[-1]) >= WINDOW:
            found.append([])
        found[-1].extend(one)
    return found


def _key(selected: Selected, at: int | None = None) -> str:
    """The journal's key of the number of items, or of the row that begins with the item at a place."""
    return f"items/{selected.name}" + ("" if at is None else f"/{at}")


def _kept(selected: Selected, journal: Journal) -> Iterator[JSON]:
    count = journal.get("setting", _key(selected))
    assert isinstance(count, int)
    for at in range(0, count, A_ROW):
        row = journal.get("setting", _key(selected, at))
        assert isinstance(row, list)
        yield from row
