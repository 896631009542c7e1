"""One worker of a cluster: where it is, what it answers, and its end."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

from ...environment import own_version
from ...errors import UserError
from ...recorded import RecordedModel
from .connection import gist
from .replica import Place

Handle = Any
"""A worker or a reply to come: ray has no types for them that hold what they are of."""


class WorkerLost(Exception):
    """A worker has died, does not answer, or cannot be reached any more."""


@dataclass(eq=False, slots=True)
class Worker:
    """A worker, the machine on which it is, and which of our workers there it is, from 0."""

    handle: Handle
    place: Place | None = None
    nth: int = 0


def told(reply: Handle, seconds: float | None = None) -> Any:
    """What a worker answers; what it raised is raised here, and its death or silence is WorkerLost."""
    import ray

    try:
        return ray.get(reply, timeout=seconds)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except ray.exceptions.RayError as error:
        raise WorkerLost(gist(error)) from error


def end(worker: Worker) -> None:
    """End a worker, also one that is stopped or cannot be reached."""
    import ray

    with contextlib.suppress(Exception):
        ray.kill(worker.handle)


def place_of(reply: Handle) -> Place:
    """Where a new worker is; UserError if it could not be started, or runs another version."""
    try:
        place: Place = told(reply)
    except (WorkerLost, ImportError, AttributeError) as error:
        raise not_started(error) from error
    if place.version != own_version():
        raise UserError(
            f"{place.machine} has slm-audit {place.version}, this is {own_version()}; install the same on every machine"
        )
    return place


def not_started(error: Exception) -> UserError:
    """That a worker could not be started, with what lay at the bottom of it."""
    return UserError(
        f"a worker of the cluster could not be started ({_last_line(error)}); install slm-audit on its machines"
    )


def _last_line(error: BaseException) -> str:
    """What lay at the bottom of an error: Ray tells it last."""
    said = str(error.__cause__ or error).strip()
    return said.split("\n")[-1].strip().rstrip(".") or type(error).__name__


def facts_of(reply: Handle, machine: str) -> RecordedModel:
    """What a worker tells of the model that it has loaded; UserError if it has not."""
    try:
        return RecordedModel.from_facts(told(reply))
    except (UserError, OSError) as error:
        raise UserError(f"a worker on {machine}: {error}") from error
    except WorkerLost as lost:
        raise UserError(
            f"a worker on {machine} died while it loaded the model ({lost}); is its memory enough?"
        ) from lost
