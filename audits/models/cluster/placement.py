"""Place workers on a cluster's machines, have each load the model, and replace those that are lost."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ....probes.contract import to_json
from ...errors import UserError
from ...execution import Execution
from ...model_file import ModelFile
from ...offline import is_cut_off
from ...recorded import RecordedModel
from ...settings import mapping
from ..leave import Leave
from .replica import Place, Replica
from .worker import Handle, Worker, end, facts_of, not_started, place_of

PLACE_SECONDS = 120.0
LOAD_SECONDS = 3600.0
"""Generous: a model of 7 B parameters may have to be fetched from the hub."""


@dataclass(frozen=True, slots=True)
class _Step:
    """What a worker that is not ready yet was asked last, and the time by which it must have answered."""

    worker: Worker
    until: float


class Replicas:
    """The workers that hold the model, and those that are about to."""

    def __init__(self, execution: Execution, spec: ModelFile, path: str, leave: Leave) -> None:
        """Place the workers and have each load the model; UserError says in one sentence what is wrong."""
        import ray

        self._execution = execution
        self._opening = (spec, path, leave)
        self._steps: dict[Handle, _Step] = {}
        self._told: RecordedModel | None = None
        self._told_by = ""
        self.ready: list[Worker] = []
        _refuse_too_many(execution, [one["Resources"] for one in ray.nodes() if one["Alive"]])
        for _ in range(execution.replicas):
            self.begin()
        while self._steps:
            for reply in ray.wait(self.coming, timeout=1.0)[0]:
                self.go_on(reply)
            self.refuse_overdue()

    @property
    def facts(self) -> RecordedModel:
        """What the first worker told of the model; all others told the same."""
        assert self._told is not None
        return self._told

    @property
    def wanted(self) -> int:
        """How many workers there should be."""
        return self._execution.replicas

    @property
    def coming(self) -> list[Handle]:
        """The replies of workers that are not ready yet, to be handed to `go_on`."""
        return list(self._steps)

    @property
    def machines(self) -> int:
        """On how many machines the workers are."""
        return len({one.place.machine for one in self.ready if one.place})

    def begin(self) -> None:
        """Ask the cluster for one more worker."""
        import ray

        remote = ray.remote(Replica).options(
            num_cpus=self._execution.cpus_per_replica, num_gpus=self._execution.gpus_per_replica
        )
        try:
            worker = Worker(remote.remote())
        except (ImportError, AttributeError) as error:
            raise not_started(error) from error
        self._wait_for(worker, worker.handle.place.remote(), PLACE_SECONDS)

    def go_on(self, reply: Handle) -> None:
        """Take the next step with the worker that gave this reply: have it load the model, or call it ready.

        UserError if it cannot be one of the workers, which is then ended.
        """
        worker = self._steps.pop(reply).worker
        try:
            if worker.place is None:
                self._load(worker, place_of(reply))
            else:
                self._welcome(worker, facts_of(reply, worker.place.machine))
        except UserError:
            end(worker)
            raise

    def refuse_overdue(self) -> None:
        """UserError if a worker found no room, or has not loaded the model, in its time; it is ended."""
        for reply, step in list(self._steps.items()):
            if time.monotonic() > step.until:
                del self._steps[reply]
                end(step.worker)
                raise UserError(self._overdue(step.worker))

    def replace(self, worker: Worker) -> None:
        """End a worker that was lost, and begin another one in its place."""
        self.ready.remove(worker)
        end(worker)
        self.begin()

    def _wait_for(self, worker: Worker, reply: Handle, seconds: float) -> None:
        self._steps[reply] = _Step(worker, time.monotonic() + seconds)

    def _load(self, worker: Worker, place: Place) -> None:
        worker.place = place
        there = [*self.ready, *(step.worker for step in self._steps.values())]
        taken = {one.nth for one in there if one.place and one.place.machine == place.machine}
        worker.nth = next(nth for nth in itertools.count() if nth not in taken)
        cpus = max(1, int(self._execution.cpus_per_replica))
        reply = worker.handle.open.remote(*self._opening, cpus=cpus, nth=worker.nth, offline=is_cut_off())
        self._wait_for(worker, reply, LOAD_SECONDS)

    def _welcome(self, worker: Worker, facts: RecordedModel) -> None:
        assert worker.place
        if self._told is None:
            self._told, self._told_by = facts, worker.place.machine
        first, this = (mapping(to_json(one.identity)) for one in (self._told, facts))
        if differ := [name for name in first if first[name] != this[name]]:
            raise UserError(
                f"the model's {differ[0]} was {first[differ[0]]} on {self._told_by} and is {this[differ[0]]} on "
                f"{worker.place.machine}; put the same files and versions on every machine, and leave them so"
            )
        self.ready.append(worker)

    def _overdue(self, worker: Worker) -> str:
        if worker.place is not None:
            return (
                f"a worker on {worker.place.machine} has not loaded the model in {LOAD_SECONDS:.0f} s; "
                "see what holds it up"
            )
        placed = self._execution.replicas - sum(1 for one in self._steps.values() if one.worker.place is None) - 1
        return (
            f"only {placed} of {self._execution.replicas} workers found room on the cluster in {PLACE_SECONDS:.0f} s; "
            "wait until others leave it, or write fewer execution.replicas"
        )


def _refuse_too_many(execution: Execution, machines: Sequence[Mapping[str, float]]) -> None:
    """UserError unless so many workers of that size fit on the machines, each wholly on one."""
    wanted = {"CPU": execution.cpus_per_replica, "GPU": execution.gpus_per_replica}
    if wanted["GPU"] and not any(one.get("GPU") for one in machines):
        raise UserError(
            f"execution.gpus_per_replica is {wanted['GPU']:g}, but no machine of the cluster has a GPU; "
            "leave it out and write model.device: cpu"
        )
    sizes = {name: size for name, size in wanted.items() if size}
    room = sum(min(math.floor(one.get(name, 0) / size + 1e-9) for name, size in sizes.items()) for one in machines)
    if room < execution.replicas:
        has = ", ".join(f"{sum(one.get(name, 0) for one in machines):g} {name}s" for name in wanted)
        raise UserError(
            f"execution.replicas is {execution.replicas}, but the cluster ({len(machines)} machines, {has}) "
            f"carries {room} of that size; write fewer, or smaller ones"
        )
