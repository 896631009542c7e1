"""A model that only remembers: what a journal says of it, and not one new reply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..probes.contract import (
    JSON,
    Access,
    Completion,
    Footprint,
    Generation,
    ModelIdentity,
    Score,
    Scoring,
    from_json,
)
from .errors import LostReply


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedModel:
    """Stands behind the journal in a replay; to be asked anything new is an error."""

    identity: ModelIdentity
    access: frozenset[Access]
    footprint: Footprint | None
    context_tokens: int | None
    notes: tuple[str, ...] = ()

    @classmethod
    def from_facts(cls, facts: Mapping[str, JSON]) -> RecordedModel:
        """The model that a journal's setting describes."""
        return from_json(cls, facts)

    def generate(self, requests: Sequence[Generation]) -> list[list[Completion]]:
        """Raise LostReply."""
        raise LostReply(f"the journal lacks replies to {len(requests)} generations")

    def score(self, requests: Sequence[Scoring]) -> list[Score]:
        """Raise LostReply."""
        raise LostReply(f"the journal lacks replies to {len(requests)} scorings")
