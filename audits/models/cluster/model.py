"""The contract's Model over the workers of a cluster."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Sequence

from ....probes.contract import Completion, Footprint, Generation, Score, Scoring
from ...execution import Execution
from ...journalled import OneBatch
from ...model_file import ModelFile
from ..leave import Leave
from .connection import Connection
from .dispatch import Dispatch, Patience
from .placement import Replicas
from .shares import shares
from .worker import WorkerLost, told

FOOTPRINT_SECONDS = 60.0


class ClusterModel(OneBatch):
    """Workers that hold the same model; each is given whole batches, two at a time.

    A batch whose worker dies or does not answer is asked again of another one. Raises EvidenceError when the cluster
    is gone or none of its workers is left: what was committed is kept, and the run resumes.
    """

    def __init__(self, execution: Execution, spec: ModelFile, path: str, leave: Leave) -> None:
        """Connect, start the workers and load the model in each; UserError says in one sentence what is wrong."""
        self._connection = Connection(execution.address)
        self._close = weakref.finalize(self, self._connection.close)
        try:
            self._replicas = Replicas(execution, spec, path, leave)
        except BaseException:
            self._close()
            raise
        self._patience = Patience(execution.time_out)
        facts = self._replicas.facts
        self.identity = facts.identity
        self.access = facts.access
        self.context_tokens = facts.context_tokens
        self.notes = (
            *facts.notes,
            f"the model was held by {execution.replicas} workers on {self._replicas.machines} machines of a Ray "
            "cluster; the environment that the record describes is that of the machine that asked them",
        )

    @property
    def footprint(self) -> Footprint | None:
        """That of a worker, with the memory that it has held; None if it does not tell."""
        for worker in self._replicas.ready[:1]:
            try:
                found: Footprint | None = told(worker.handle.footprint.remote(), FOOTPRINT_SECONDS)
            except WorkerLost:
                return None
            return found
        return None

    def batches(self, requests: Sequence[Generation] | Sequence[Scoring]) -> list[list[int]]:
        """Whole contexts, in shares of about the same work for so many workers."""
        return shares(requests, self._replicas.wanted)

    def generate_each(
        self, batches: Iterable[Sequence[Generation]]
    ) -> Iterator[tuple[int, Sequence[list[Completion]]]]:
        """The texts of each batch, as they come back."""

        def spoilt(request: Generation, reason: str) -> list[Completion]:
            return [Completion(text="", finish="error", error=reason)] * request.samples

        return Dispatch[Generation, list[Completion]](
            self._connection,
            self._replicas,
            self._patience,
            lambda worker, batch: worker.generate.remote(batch),
            spoilt,
        ).each(batches)

    def score_each(self, batches: Iterable[Sequence[Scoring]]) -> Iterator[tuple[int, Sequence[Score]]]:
        """The scores of each batch, as they come back."""

        def spoilt(_: Scoring, reason: str) -> Score:
            return Score(logprob=0.0, tokens=0, error=reason)

        return Dispatch[Scoring, Score](
            self._connection,
            self._replicas,
            self._patience,
            lambda worker, batch: worker.score.remote(batch),
            spoilt,
        ).each(batches)
