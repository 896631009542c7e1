"""A model behind the journal: what was asked before is read, what is new is asked and kept, batch by batch."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar, runtime_checkable

from ..probes.contract import (
    JSON,
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
from .memory import taken
from .recorded import RecordedModel

BATCH = 64
FOOTPRINT = "footprint"
Asked = TypeVar("Asked", Generation, Scoring)
Answer = TypeVar("Answer")
Row = tuple[str, object]
Each = Callable[[Iterable[Sequence[Asked]]], Iterator[tuple[int, Sequence[Answer]]]]
"""What asks batches, and gives the place of each among them with its answers."""


@runtime_checkable
class Batched(Protocol):
    """A model that plans its own batches: lists of places in the request list, each place once."""

    def batches(self, requests: Sequence[Generation] | Sequence[Scoring]) -> list[list[int]]:
        """How the requests fall into batches."""
        ...


@runtime_checkable
class Concurrent(Protocol):
    """A model that answers several batches at a time.

    It takes a batch when it has room for one, and gives its place among those taken, with the replies, when they are
    there: in any order, each once.
    """

    def generate_each(
        self, batches: Iterable[Sequence[Generation]]
    ) -> Iterator[tuple[int, Sequence[list[Completion]]]]:
        """`Model.generate` of each batch."""
        ...

    def score_each(self, batches: Iterable[Sequence[Scoring]]) -> Iterator[tuple[int, Sequence[Score]]]:
        """`Model.score` of each batch."""
        ...


class OneBatch(Concurrent):
    """The two verbs of a model that answers by batches: a whole list is one."""

    def generate(self, requests: Sequence[Generation]) -> list[list[Completion]]:
        """One list of completions for each request."""
        return list(next(self.generate_each([requests]))[1])

    def score(self, requests: Sequence[Scoring]) -> list[Score]:
        """One score for each request."""
        return list(next(self.score_each([requests]))[1])


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
    so a resumed run forms the same batches as one that was never stopped, and a kill costs only the batches
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
        """What the inner model takes, as it was when a probe of this run first asked for it."""
        kept = self._journal.get("measurement", FOOTPRINT)
        if kept is not None:
            return from_json(Footprint, kept)
        if isinstance(self._model, RecordedModel):
            return self._model.footprint
        found = taken(self._model)
        if found is not None:
            self._journal.add("measurement", [(FOOTPRINT, found)])
        return found

    def generate(self, requests: Sequence[Generation]) -> list[list[Completion]]:
        """One list of completions for each request."""
        keys = [[generation_key(self._identity, one, at) for at in range(one.samples)] for one in requests]
        replies: list[list[Completion]] = [[] for _ in requests]

        def rows(place: int, texts: Sequence[Completion]) -> list[Row]:
            told = enumerate(zip(keys[place], texts, strict=True))
            return [(key, {"asked": requests[place], "sample": at, "reply": reply}) for at, (key, reply) in told]

        for batch, held in self._answered(requests, keys, generating(self._model), rows):
            for place in batch:
                replies[place] = [_reply(Completion, held[key]) for key in keys[place]]
            told = [reply for place in batch for reply in replies[place]]
            self._counted(len(told), sum((one.tokens or 0) + (one.prompt_tokens or 0) for one in told))
        return replies

    def score(self, requests: Sequence[Scoring]) -> list[Score]:
        """One score for each request."""
        keys = [[scoring_key(self._identity, one)] for one in requests]
        replies: dict[int, Score] = {}

        def rows(place: int, score: Score) -> list[Row]:
            return [(keys[place][0], {"asked": requests[place], "reply": score})]

        for batch, held in self._answered(requests, keys, scoring(self._model), rows):
            replies.update((place, _reply(Score, held[keys[place][0]])) for place in batch)
            self._counted(len(batch), sum(replies[place].tokens for place in batch))
        return [replies[place] for place in range(len(requests))]

    def _answered(
        self,
        requests: Sequence[Asked],
        keys: Sequence[Sequence[str]],
        each: Each[Asked, Answer],
        rows: Callable[[int, Answer], list[Row]],
    ) -> Iterator[tuple[list[int], dict[str, JSON]]]:
        """Every batch with its rows in the journal: first taken from there, else asked and committed whole."""
        held: list[tuple[list[int], dict[str, JSON]]] = []
        asked: list[list[int]] = []

        def new() -> Iterator[Sequence[Asked]]:
            """The batches that are not in the journal when they are to be asked."""
            for batch in batches_of(self._model, requests):
                found = self._held(batch, keys)
                if all(key in found for place in batch for key in keys[place]):
                    held.append((batch, found))
                else:
                    asked.append(batch)
                    yield [requests[place] for place in batch]

        for at, fresh in each(new()):
            batch = asked[at]
            told = zip(batch, fresh, strict=True)
            self._journal.add("reply", [row for place, answer in told for row in rows(place, answer)])
            held.append((batch, self._held(batch, keys)))
            yield from held
            held.clear()
        yield from held

    def _held(self, batch: Sequence[int], keys: Sequence[Sequence[str]]) -> dict[str, JSON]:
        return self._journal.get_many("reply", [key for place in batch for key in keys[place]])


def batches_of(model: Model, requests: Sequence[Generation] | Sequence[Scoring]) -> list[list[int]]:
    """How requests fall into batches: as the model plans it, or a fixed number each."""
    return model.batches(requests) if isinstance(model, Batched) else plain_batches(len(requests))


def plain_batches(requests: int) -> list[list[int]]:
    """Requests in their order, so many at a time."""
    return [list(range(at, min(at + BATCH, requests))) for at in range(0, requests, BATCH)]


def generating(model: Model) -> Each[Generation, list[Completion]]:
    """What asks a model for texts: several batches at a time if it can, else one after the other."""
    return model.generate_each if isinstance(model, Concurrent) else _in_turn(model.generate)


def scoring(model: Model) -> Each[Scoring, Score]:
    """What asks a model for scores: several batches at a time if it can, else one after the other."""
    return model.score_each if isinstance(model, Concurrent) else _in_turn(model.score)


def _in_turn(ask: Callable[[Sequence[Asked]], Sequence[Answer]]) -> Each[Asked, Answer]:
    """One batch after the other."""

    def each(batches: Iterable[Sequence[Asked]]) -> Iterator[tuple[int, Sequence[Answer]]]:
        for at, batch in enumerate(batches):
            yield at, ask(batch)

    return each


Reply = TypeVar("Reply", Completion, Score)


def _reply(kind: type[Reply], row: object) -> Reply:
    assert isinstance(row, dict)
    return from_json(kind, row["reply"])
