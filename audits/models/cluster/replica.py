"""One of the workers that hold the same model: the part of a cluster that runs on the other machines."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ....probes.contract import JSON, Completion, Footprint, Generation, Model, Score, Scoring
from ...environment import own_version
from ...errors import UserError
from ...journalled import Answer, Asked, batches_of
from ...memory import taken
from ...model_file import ModelFile
from ...offline import cut_off
from ...settings import facts_of
from .. import open_model
from ..leave import Leave


class Place(NamedTuple):
    """Where a worker is: its machine, its process there, and the version of slm-audit that it runs."""

    machine: str
    process: int
    version: str


class Replica:
    """Holds a model and answers whole batches, each cut again by the model's own plan."""

    _model: Model

    def place(self) -> Place:
        """Where this is; at once, since nothing is loaded yet."""
        return Place(socket.gethostname(), os.getpid(), own_version())

    def open(
        self, spec: ModelFile, path: str, leave: Leave, *, cpus: int, nth: int, offline: bool
    ) -> Mapping[str, JSON]:
        """Load the model, as the `nth` worker of its machine (from 0), and tell what is kept of it."""
        if offline:
            cut_off()
        for place in _places([path, spec.model_dump()]):
            if not os.path.exists(place):
                raise UserError(f"{place} is not there; put it at the same path on every machine of the cluster")
        _keep_to(cpus, nth)
        self._model = open_model(spec, path, leave)
        return facts_of(self._model)

    def footprint(self) -> Footprint | None:
        """What the model takes in this worker."""
        return taken(self._model)

    def generate(self, requests: Sequence[Generation]) -> list[list[Completion]]:
        """The model's texts."""
        return self._each(self._model.generate, requests)

    def score(self, requests: Sequence[Scoring]) -> list[Score]:
        """The model's scores."""
        return self._each(self._model.score, requests)

    def _each(self, ask: Callable[[Sequence[Asked]], Sequence[Answer]], requests: Sequence[Asked]) -> list[Answer]:
        replies: dict[int, Answer] = {}
        for batch in batches_of(self._model, requests):
            replies.update(zip(batch, ask([requests[place] for place in batch]), strict=True))
        return [replies[place] for place in range(len(requests))]


def _places(said: object) -> Iterator[str]:
    """The absolute paths in a model's section, which its reader has made of all that are no hub ids."""
    if isinstance(said, str) and os.path.isabs(said):
        yield said
    elif isinstance(said, Mapping):
        yield from _places([said.get(name) for name in ("path", "adapter", "template", "small", "large")])
    elif isinstance(said, list):
        for one in said:
            yield from _places(one)


def _keep_to(cpus: int, nth: int) -> None:
    """Keep to so many of the machine's cores: engines start a thread for each core that they may use."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[(nth * cpus + at) % len(cores)] for at in range(cpus)})
