"""A model that workers of a Ray cluster hold. The only file that imports ray."""

from __future__ import annotations

import collections
import contextlib
import itertools
import logging
import os
import secrets
import signal
import socket
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ...probes.contract import Completion, Footprint, Generation, Score, Scoring, to_json
from ..environment import own_version
from ..errors import EvidenceError, UserError
from ..execution import Execution
from ..journalled import Asked
from ..model_file import ModelFile
from ..offline import is_cut_off
from ..recorded import RecordedModel
from ..settings import mapping
from .leave import Leave
from .replica import Place, Replica
from .shares import is_alone, shares

IN_FLIGHT = 2
"""Batches given to a worker: one that it answers, and one so that it need not wait for the next."""
CONNECT_SECONDS = 5.0
PLACE_SECONDS = 120.0
OBJECT_STORE_BYTES = 80 * 2**20
"""Requests and replies are small; Ray takes no less."""

Handle = Any
"""A worker or a reply to come: ray has no types for them that hold what they are of."""


class Worker(NamedTuple):
    """A worker, and the machine on which it is."""

    handle: Handle
    place: Place


class ClusterModel:
    """The contract's Model over workers that hold the same one; each is given whole batches, several at a time.

    A batch whose worker dies is asked again of another one. Raises EvidenceError when none is left: what was
    committed is kept, and the run resumes.
    """

    def __init__(self, execution: Execution, spec: ModelFile, path: str, leave: Leave) -> None:
        """Connect, start the workers and load the model in each; UserError says in one sentence what is wrong."""
        self._replicas = execution.replicas
        self._close = weakref.finalize(self, _connected(execution.address).close)
        try:
            self._workers = _placed(execution)
            told = _opened(self._workers, spec, path, leave, max(1, int(execution.cpus_per_replica)))
        except BaseException:
            self._close()
            raise
        self.identity = told.identity
        self.access = told.access
        self.context_tokens = told.context_tokens
        machines = len({one.place.machine for one in self._workers})
        self.notes = (
            *told.notes,
            f"the model was held by {self._replicas} workers on {machines} machines of a Ray cluster; the environment "
            "that the record describes is that of the machine that asked them",
        )

    @property
    def footprint(self) -> Footprint | None:
        """The first worker's, with the memory that it has held."""
        try:
            return _told(self._workers[0].handle.footprint.remote()) if self._workers else None
        except _WorkerLost:
            return None

    def batches(self, requests: Sequence[Generation] | Sequence[Scoring]) -> list[list[int]]:
        """Whole contexts, in shares of about the same work for so many workers."""
        return shares(requests, self._replicas)

    def generate(self, requests: Sequence[Generation]) -> list[list[Completion]]:
        """The texts of one batch, from any worker."""
        return list(next(self.generate_each([requests]))[1])

    def score(self, requests: Sequence[Scoring]) -> list[Score]:
        """The scores of one batch, from any worker."""
        return list(next(self.score_each([requests]))[1])

    def generate_each(
        self, batches: Iterable[Sequence[Generation]]
    ) -> Iterator[tuple[int, Sequence[list[Completion]]]]:
        """The texts of each batch, as they come back."""
        return self._each(batches, lambda worker, batch: worker.generate.remote(batch))

    def score_each(self, batches: Iterable[Sequence[Scoring]]) -> Iterator[tuple[int, Sequence[Score]]]:
        """The scores of each batch, as they come back."""
        return self._each(batches, lambda worker, batch: worker.score.remote(batch))

    def _each(
        self, batches: Iterable[Sequence[Asked]], send: Callable[[Handle, Sequence[Asked]], Handle]
    ) -> Iterator[tuple[int, Sequence[Any]]]:
        import ray

        new = enumerate(batches)
        waiting: collections.deque[tuple[int, Sequence[Asked]]] = collections.deque()
        flying: dict[Handle, tuple[Worker, int, Sequence[Asked]]] = {}
        while True:
            while (worker := self._free([one for one, _, _ in flying.values()])) is not None:
                waiting.extend([] if waiting else itertools.islice(new, 1))
                if not waiting or (flying and _timed([waiting[0][1], *(batch for _, _, batch in flying.values())])):
                    break
                at, batch = waiting.popleft()
                flying[send(worker.handle, batch)] = (worker, at, batch)
            if not flying:
                return
            try:
                done = ray.wait(list(flying), num_returns=1)[0][0]
                worker, at, batch = flying.pop(done)
                replies = _told(done)
            except _WorkerLost as lost:
                self._workers = [one for one in self._workers if one != worker]
                waiting.append((at, batch))
                if not self._workers:
                    raise EvidenceError(f"no worker of the cluster is left ({lost}); mend that and resume") from None
            except ConnectionError as error:
                raise EvidenceError(f"the cluster is gone ({_first_line(error)}); resume when it is back") from error
            else:
                yield at, replies

    def _free(self, busy: Sequence[Worker]) -> Worker | None:
        """The worker with the least to do, if it has room."""
        least = min(self._workers, key=busy.count)
        return least if busy.count(least) < IN_FLIGHT else None


class _WorkerLost(Exception):
    """A worker has died, or cannot be reached any more."""


def _timed(batches: Iterable[Sequence[Generation | Scoring]]) -> bool:
    """Whether any request is timed: it has the cluster to itself, for workers of one machine slow each other down."""
    return any(is_alone(one) for batch in batches for one in batch)


def _told(reply: Handle, seconds: float | None = None) -> Any:
    """What a worker answers; what it raised is raised here, and its death is _WorkerLost."""
    import ray

    try:
        return ray.get(reply, timeout=seconds)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except ray.exceptions.GetTimeoutError:
        raise TimeoutError from None
    except ray.exceptions.RayError as error:
        raise _WorkerLost(_first_line(error)) from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).split("\n")[0].rstrip(".")


def _connected(address: str) -> contextlib.ExitStack:
    """A connection to the cluster, to be closed; a process that has one already keeps it."""
    if address == "local":
        # Read when ray is imported: what is started here listens on loopback alone.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray
    import ray.dag.compiled_dag_node  # Ray imports it to shut down, which is too late when the process is ending

    with contextlib.ExitStack() as closing:
        if ray.is_initialized():
            return closing.pop_all()
        _reach(address)
        given: dict[str, object] = {"log_to_driver": False, "logging_level": logging.ERROR}
        if address == "local":
            folder = closing.enter_context(tempfile.TemporaryDirectory(prefix="slm-audit-", ignore_cleanup_errors=True))
            given |= {"include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES, "_temp_dir": folder}
            if "RAY_AUTH_TOKEN" not in os.environ:  # else Ray writes one below the home folder
                os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
                closing.callback(os.environ.pop, "RAY_AUTH_TOKEN", None)
        interrupt = signal.getsignal(signal.SIGTERM)
        try:
            ray.init(address, **given)
        except (OSError, RuntimeError, ValueError) as error:
            raise UserError(
                f"execution.address: {address}: {_first_line(error)}; mend it or start the cluster"
            ) from error
        finally:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, interrupt)  # Ray sets one of its own
        closing.callback(ray.shutdown)
        # Ray prints what it has to say of a worker's death on standard output, which is for results.
        ray._private.worker._worker_logs_enabled = False
        return closing.pop_all()


def _reach(address: str) -> None:
    """UserError unless somebody listens where the cluster should be: Ray itself would try for minutes."""
    import ray

    if address == "local":
        return
    named = address
    if address == "auto":
        try:
            named = ray._private.services.canonicalize_bootstrap_address_or_die("auto")
        except (ConnectionError, ValueError) as error:
            raise UserError(
                "execution.address: auto: this machine belongs to no Ray cluster; begin one with 'ray start --head', "
                "name one as ray://HOST:10001, or write local"
            ) from error
    parts = urlsplit(named if "://" in named else f"ray://{named}")
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), CONNECT_SECONDS).close()
    except OSError as error:
        raise UserError(
            f"execution.address: {address}: no Ray cluster answers at {parts.hostname}:{parts.port} "
            f"({error.strerror or error}); start it, or mend the address"
        ) from error


def _placed(execution: Execution) -> list[Worker]:
    """As many workers as are wanted, each on its machine; UserError if the cluster has no room for them."""
    import ray

    _refuse_too_many(execution, [one["Resources"] for one in ray.nodes() if one["Alive"]])
    remote = ray.remote(Replica).options(num_cpus=execution.cpus_per_replica, num_gpus=execution.gpus_per_replica)
    handles = [remote.remote() for _ in range(execution.replicas)]
    asked = [one.place.remote() for one in handles]
    there, missing = ray.wait(asked, num_returns=len(asked), timeout=PLACE_SECONDS)
    if missing:
        raise UserError(
            f"only {len(there)} of {execution.replicas} workers found room on the cluster in {PLACE_SECONDS:.0f} s; "
            "wait until others leave it, or write fewer execution.replicas"
        )
    try:
        places: list[Place] = [_told(one) for one in asked]
    except (_WorkerLost, ImportError, AttributeError) as error:
        raise UserError(
            f"a worker of the cluster could not be started ({_first_line(error)}); install slm-audit on its machines"
        ) from error
    for one in places:
        if one.version != own_version():
            raise UserError(
                f"{one.machine} has slm-audit {one.version}, this is {own_version()}; install the same on every machine"
            )
    return [Worker(handle, place) for handle, place in zip(handles, places, strict=True)]


def _refuse_too_many(execution: Execution, machines: Sequence[Mapping[str, float]]) -> None:
    """UserError unless so many workers of that size fit on the machines, each wholly on one."""
    wanted = {"CPU": execution.cpus_per_replica, "GPU": execution.gpus_per_replica}
    if wanted["GPU"] and not any(one.get("GPU") for one in machines):
        raise UserError(
            f"execution.gpus_per_replica is {wanted['GPU']:g}, but no machine of the cluster has a GPU; "
            "leave it out and write model.device: cpu"
        )
    sizes = {name: size for name, size in wanted.items() if size}
    room = sum(min(int(one.get(name, 0) / size + 1e-9) for name, size in sizes.items()) for one in machines)
    if room < execution.replicas:
        has = ", ".join(f"{sum(one.get(name, 0) for one in machines):g} {name}s" for name in wanted)
        raise UserError(
            f"execution.replicas is {execution.replicas}, but the cluster ({len(machines)} machines, {has}) "
            f"carries {room} of that size; write fewer, or smaller ones"
        )


def _opened(workers: Sequence[Worker], spec: ModelFile, path: str, leave: Leave, cpus: int) -> RecordedModel:
    """Load the model in every worker; what the first tells of it. UserError unless all hold the same one."""
    before: collections.Counter[str] = collections.Counter()
    coming = []
    for one in workers:
        nth = before[one.place.machine]
        before[one.place.machine] += 1
        coming.append(one.handle.open.remote(spec, path, leave, cpus=cpus, nth=nth, offline=is_cut_off()))
    told: list[RecordedModel] = []
    for worker, facts in zip(workers, coming, strict=True):
        machine = worker.place.machine
        try:
            told.append(RecordedModel.from_facts(_told(facts)))
        except UserError as error:
            raise UserError(f"a worker on {machine}: {error}") from error
        except _WorkerLost as lost:
            raise UserError(
                f"a worker on {machine} died while it loaded the model ({lost}); is its memory enough?"
            ) from lost
        first, this = (mapping(to_json(one.identity)) for one in (told[0], told[-1]))
        if differ := [name for name in first if first[name] != this[name]]:
            raise UserError(
                f"the model's {differ[0]} is {first[differ[0]]} on {workers[0].place.machine} and {this[differ[0]]} on "
                f"{machine}; put the same files and versions on every machine"
            )
    return told[0]
