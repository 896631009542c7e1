"""A model that says what was recorded of it; what was not recorded is missing evidence, never a zero."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from ...probes.contract import Completion, Footprint, Generation, ModelIdentity, Score, Scoring, to_json
from .replies import read_replies

NOT_RECORDED = "not_recorded: the file holds no reply to this request"


class ReplayModel:
    """The contract's Model over a file of recorded replies."""

    def __init__(self, path: Path) -> None:
        """Read the file; UserError names the line that cannot be read."""
        self._replies = read_replies(path)
        model = self._replies.model
        self.access = self._replies.access()
        self.footprint: Footprint | None = model.footprint if model else None
        self.context_tokens: int | None = model.context_tokens if model else None
        self.identity = ModelIdentity(
            kind="replay",
            name=model.identity.name if model else path.stem,
            settings={
                "file_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "recorded": to_json(model.identity) if model else None,
            },
        )
        told = "of replies that were recorded before: the model itself was not at hand"
        self.notes = (f"the figures are {told}", *(model.notes if model else ()))

    def generate(self, requests: Sequence[Generation]) -> list[list[Completion]]:
        """What was recorded of each request and sample."""
        missing = Completion(text="", finish="error", error=NOT_RECORDED)
        return [
            [
                found if isinstance(found := self._replies.find(one, sample), Completion) else missing
                for sample in range(one.samples)
            ]
            for one in requests
        ]

    def score(self, requests: Sequence[Scoring]) -> list[Score]:
        """What was recorded of each request."""
        missing = Score(logprob=0.0, tokens=0, error=NOT_RECORDED)
        return [found if isinstance(found := self._replies.find(one), Score) else missing for one in requests]
