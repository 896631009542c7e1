"""Start a run from what an earlier one of the same model was told: its replies are not asked again.

A run that adds items to evidence which was judged before is a further look at it, and is held to a stricter level
(see gate.level_of_look); so the earlier looks are carried over with the replies.
"""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

from ..probes.contract import Model, from_json, to_json
from ..reports.record import Look
from .errors import UserError
from .journal import NAME as JOURNAL
from .journal import Journal, Kind
from .looks import looks_of
from .run_folder import read_record
from .settings import Settings, mapping

KEY = "reused"
COPIED: tuple[Kind, ...] = ("reply", "judgement")
MOST_AT_ONCE = 2000


def refuse_unusable(folder: Path, model: Model) -> None:
    """UserError unless a run asked the same weights, has ended and is whole."""
    if not model.identity.weights:
        raise UserError("--reuse needs a model whose weights can be hashed; a served model may have changed since")
    record = read_record(folder)
    earlier = Journal(folder / JOURNAL, write=False)
    try:
        if faults := earlier.faults():
            raise UserError(f"{folder}: {faults[0]}; a changed run cannot be reused")
        Settings.read(earlier).refuse_another(model)
        looks_of(folder, record)
    finally:
        earlier.close()


def reuse(journal: Journal, folder: Path) -> None:
    """Copy an earlier run's looks, replies and judgements."""
    record = read_record(folder)
    earlier = Journal(folder / JOURNAL, write=False)
    try:
        # First the looks, then the replies: a kill in between costs replies, and never forgets a look.
        looks = to_json(looks_of(folder, record))
        journal.add("setting", [(KEY, {"run": record.run, "head": earlier.head, "looks": looks})])
        rows = (row for row in earlier.rows() if row.kind in COPIED)
        while some := list(islice(rows, MOST_AT_ONCE)):
            for kind in COPIED:
                journal.add(kind, [(row.key, json.loads(row.body)) for row in some if row.kind == kind])
    finally:
        earlier.close()


def earlier_looks(journal: Journal) -> tuple[Look, ...]:
    """The looks at the evidence that a run was started from; none for one that asked everything itself."""
    kept = journal.get("setting", KEY)
    if kept is None:
        return ()
    looks = mapping(kept)["looks"]
    assert isinstance(looks, list)
    return tuple(from_json(Look, one) for one in looks)
