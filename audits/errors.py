"""The failures that a user can mend: each is one sentence that says where, what and how.

UserError            wrong usage or configuration: exit 2, nothing written
├── SpecFaults       all faults of one file at once
└── Unreachable      where the model should answer, nobody does: a run cannot begin; one that has begun ends with exit 4
LostReply            a replay asked what the journal does not hold
EvidenceError        the run could not go on; what it has is kept and it resumes: exit 4
"""

from __future__ import annotations

from collections.abc import Sequence


class UserError(Exception):
    """Wrong usage or configuration; shown without a traceback, exit code 2."""


class SpecFaults(UserError):
    """Every fault of one file, a sentence each."""

    def __init__(self, faults: Sequence[str]) -> None:
        """Keep the faults and join them by lines for show."""
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


class Unreachable(UserError):
    """Where the model should answer, nobody does, or only with errors."""


class EvidenceError(Exception):
    """The run cannot go on, but nothing that it has is lost; exit code 4."""


class LostReply(LookupError):
    """A replay asked what the journal does not hold: the journal is not whole, or was made by another version."""
