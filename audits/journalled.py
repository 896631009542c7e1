"""A model behind the journal: what was asked before is read, what is new is asked and kept, batch by batch."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar, runtime_checkable

from ..probes.contract import (
    Access,
    Completion,
    Footprint,
    Generation,
    Model,
    ModelIdentity,
    Score,
    Scoring,
    canonical,
    from_json,
    to_json,
)
from .journal import Journal
from .memory import peak_bytes
from .recorded import RecordedModel

BATCH = 64
FOOTPRINT = "footprint"
Asked = TypeVar("Asked", Generation, Scoring)


@runtime_checkable
class Batched(Protocol):
    """A model that plans its own batches: lists of places in the request list, each place once."""

    def batches(self, requests: Sequence[Generation] | Sequence[Scoring]) -> list[list[int]]:
        """How the requests fall into batches."""
        ...


def batches_of(model: Model, requests: Sequence[Generation] | Sequence[Scoring]) -> list[list[int]]:
    """How requests fall into batches: as the model plans it, or a fixed number each."""
    if isinstance(model, Batched):
        return model.batches(requests)
    return [list(range(at, min(at + BATCH, len(requests)))) for at in range(0, len(requests), BATCH)]


@runtime_checkable
class Noted(Protocol):
    """A model that has something to say which a reader of its figures must know, a sentence each."""

    @property
    def notes(self) -> Sequence[str]:
        """What is to stand under "not covered" at the top of every output."""
        ...


def digest(value: object) -> str:
    """SHA-256 hex of a value's canonical JSON."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()


def generation_key(identity: str, request: Generation, sample: int) -> str:
    """The journal's key of one sample: every field of the request but `samples`, and the sample's index."""
    return digest([identity, "generate", to_json(dataclasses.replace(request, samples=1)), sample])


def scoring_key(identity: str, request: Scoring) -> str:
    """The journal's key of one score."""
    return digest([identity, "score", to_json(request)])


class Facade:
    """Stands before another model, and says of itself what that one is."""

    def __init__(self, model: Model) -> None:
        """Stand before `model`."""
        self._model = model

    @property
    def identity(self) -> ModelIdentity:
        """The inner model's."""
        return self._model.identity

    @property
    def access(self) -> frozenset[Access]:
        """The inner model's."""
        return self._model.access

    @property
    def footprint(self) -> Footprint | None:
        """The inner model's."""
        return self._model.footprint

    @property
    def context_tokens(self) -> int | None:
        """The inner model's."""
        return self._model.context_tokens


class JournalledModel(Facade):
    """The contract's Model over another one and a journal.

    Batches are planned from the whole request list before the journal is looked at, and are committed whole:
    so a resumed run forms the same batches as one that was never stopped, and a kill costs only the batch
    in flight. `counted` is told of every answered request: its number and its tokens. What one `repeat` of an
    audit was told is not told to another.
    """

    def __init__(
        self,
        model: Model,
        journal: Journal,
        counted: Callable[[int, int], None] = lambda *_: None,
        *,
        repeat: int = 0,
    ) -> None:
        """Put `model` behind `journal`."""
        super().__init__(model)
        self._journal = journal
        self._counted = counted
        self._identity = digest(model.identity) + (f"/repeat {repeat}" if repeat else "")

    @property
    def footprint(self) -> Footprint | None:
        """The inner model's, with the memory held so far, as it was when a probe of this run first asked for it."""
        kept = self._journal.get("measurement", FOOTPRINT)
        if kept is None and self._model.footprint is not None and not isinstance(self._model, RecordedModel):
            found = dataclasses.replace(self._model.footprint, peak_bytes=peak_bytes(self._model.identity))
            self._journal.add("measurement", [(FOOTPRINT, found)])
            return found
        return self._model.footprint if kept is None else from_json(Footprint, kept)

    def generate(self, requests: Sequence[Generation]) -> list[list[Completion]]:
        """One list of completions for each request."""
        keys = [[generation_key(self._identity, one, at) for at in range(one.samples)] for one in requests]
        replies: list[list[Completion]] = [[] for _ in requests]
        for batch in batches_of(self._model, requests):
            rows = self._journal.get_many("reply", [key for place in batch for key in keys[place]])
            if any(key not in rows for place in batch for key in keys[place]):
                fresh = self._model.generate([requests[place] for place in batch])
                self._journal.add(
                    "reply",
                    [
                        (key, {"asked": requests[place], "sample": at, "reply": reply})
                        for place, texts in zip(batch, fresh, strict=True)
                        for at, (key, reply) in enumerate(zip(keys[place], texts, strict=True))
                    ],
                )
                rows = self._journal.get_many("reply", [key for place in batch for key in keys[place]])
            for place in batch:
                replies[place] = [_reply(Completion, rows[key]) for key in keys[place]]
            told = [reply for place in batch for reply in replies[place]]
            self._counted(len(told), sum((one.tokens or 0) + (one.prompt_tokens or 0) for one in told))
        return replies

    def score(self, requests: Sequence[Scoring]) -> list[Score]:
        """One score for each request."""
        keys = [scoring_key(self._identity, one) for one in requests]
        replies: dict[int, Score] = {}
        for batch in batches_of(self._model, requests):
            rows = self._journal.get_many("reply", [keys[place] for place in batch])
            if any(keys[place] not in rows for place in batch):
                fresh = self._model.score([requests[place] for place in batch])
                self._journal.add(
                    "reply",
                    [
                        (keys[place], {"asked": requests[place], "reply": reply})
                        for place, reply in zip(batch, fresh, strict=True)
                    ],
                )
                rows = self._journal.get_many("reply", [keys[place] for place in batch])
            replies.update((place, _reply(Score, rows[keys[place]])) for place in batch)
            self._counted(len(batch), sum(replies[place].tokens for place in batch))
        return [replies[place] for place in range(len(requests))]


Reply = TypeVar("Reply", Completion, Score)


def _reply(kind: type[Reply], row: object) -> Reply:
    assert isinstance(row, dict)
    return from_json(kind, row["reply"])
