"""Join a Ray cluster, and find out whether it is still there."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import signal
import tempfile
import threading
import warnings
from collections.abc import Mapping
from urllib.parse import urlsplit

from ...errors import Unreachable, UserError

ANSWER_SECONDS = 5.0
CLIENT_TRIES = 3
"""The head forks a server for each ray:// client, amid gRPC's threads; now and then one dies of that at birth."""
OBJECT_STORE_BYTES = 80 * 2**20
"""Requests and replies are small; Ray takes no less."""
RECONNECT_SECONDS = 86_400
"""Left to itself, Ray ends this process with code 1 a minute after its cluster has gone; we look for that ourselves."""


class Connection:
    """A connection of this process to a cluster. A process that has one already keeps it, also after `close`."""

    def __init__(self, address: str) -> None:
        """Join; UserError says in one sentence why that cannot be."""
        _set_before_import(address)
        import ray
        import ray.dag.compiled_dag_node  # Ray imports it to shut down, which is too late when the process is ending

        with contextlib.ExitStack() as closing:
            if not ray.is_initialized():
                _init(address, closing)
            self._head = urlsplit(address).netloc or str(ray.get_runtime_context().gcs_address)
            self._closing = closing.pop_all()

    def alive(self) -> bool:
        """Whether the cluster's head answers."""
        return _health(self._head) != ""

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        self._closing.close()


def gist(error: BaseException) -> str:
    """What an error says, as part of a sentence."""
    first, *more = (str(error).strip() or type(error).__name__).split("\n")
    if more and first.endswith(":"):  # what a server raised stands behind its traceback
        first += f" {more[-1].strip()}"
    return first.rstrip(".")


def _set_before_import(address: str) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address == "local":
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # it listens on loopback alone
    else:
        os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", str(RECONNECT_SECONDS))


def _init(address: str, closing: contextlib.ExitStack) -> None:
    import ray

    given: dict[str, object] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    if address == "local":
        folder = closing.enter_context(tempfile.TemporaryDirectory(prefix="slm-audit-", ignore_cleanup_errors=True))
        given |= {"include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES, "_temp_dir": folder}
        for name in {"RAY_AUTH_TOKEN", "RAY_AUTH_MODE"} - os.environ.keys():  # Ray itself sets the mode
            closing.callback(os.environ.pop, name, None)
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))  # else Ray writes one below the home folder
    interrupt = signal.getsignal(signal.SIGTERM)
    try:
        with warnings.catch_warnings(action="ignore"):
            _join(address if address == "local" else answering(address), given)
    except (OSError, RuntimeError, ValueError, ImportError, ray.exceptions.RayError) as error:
        raise UserError(
            f"execution.address: {address}: {gist(error)}; mend that (a cluster that was started with "
            "RAY_AUTH_MODE=token wants that and its RAY_AUTH_TOKEN here too)"
        ) from error
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, interrupt)  # Ray sets one of its own
    closing.callback(ray.shutdown)
    # Ray prints what it has to say of a worker's death on standard output, which is for results.
    ray._private.worker._worker_logs_enabled = False
    logging.getLogger("ray.util.client.logsclient").setLevel(logging.CRITICAL)


def _join(address: str, given: Mapping[str, object]) -> None:
    import ray

    for left in reversed(range(CLIENT_TRIES)):
        try:
            ray.init(address, **given)
            return
        except ConnectionAbortedError:  # by a ray:// server alone: it could not begin what should serve us
            if not left:
                raise


def answering(address: str) -> str:
    """The address of a cluster that answers there; UserError if none does, for which Ray itself would wait minutes."""
    import ray

    named = address
    if address == "auto":
        try:
            named = ray._private.services.canonicalize_bootstrap_address_or_die("auto")
        except (ConnectionError, ValueError) as error:
            raise UserError(
                "execution.address: auto: this machine belongs to no Ray cluster; begin one with 'ray start --head', "
                "name one as ray://HOST:10001, or write local"
            ) from error
    place = named.removeprefix("ray://")
    says = _health(place)
    if not says:
        raise Unreachable(
            f"execution.address: {address}: no Ray cluster answers at {place}; start it, or mend the address"
        )
    if named.startswith("ray://") and says == "head":
        raise UserError(
            f"execution.address: {address} is the port of the cluster's own machines; "
            f"write {place} on one of them, or the port of its Ray client server (10001 if none was chosen)"
        )
    if not named.startswith("ray://") and says != "head":
        raise UserError(
            f"execution.address: {address} is not the port of a cluster's head; "
            f"write that (6379 if none was chosen), or ray://{place} if a Ray client server listens there"
        )
    return named


def _health(place: str) -> str:
    """Who answers at HOST:PORT: the "head" of a cluster, "another" server that speaks gRPC, or "" for nobody."""
    import grpc
    from ray._private.grpc_utils import init_grpc_channel

    channel = init_grpc_channel(place)
    try:
        channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=ANSWER_SECONDS)
    except grpc.RpcError as error:
        return "another" if error.code() == grpc.StatusCode.UNIMPLEMENTED else ""
    finally:
        channel.close()
    return "head"
