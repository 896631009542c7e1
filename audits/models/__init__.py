"""The kinds of model that can be audited."""

from __future__ import annotations

import contextlib
import importlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from ...probes.contract import Model
from ..errors import UserError
from ..execution import LOCAL, Execution, check_execution
from .leave import NONE, Leave

if TYPE_CHECKING:
    from ..model_file import CascadeFile, ModelFile

__all__ = ["Leave", "open_model"]


def import_ahead() -> None:
    """Begin to import torch in the background: it takes seconds. Alone, so that no two imports wait for each other."""

    def quietly() -> None:
        with contextlib.suppress(Exception):  # whoever needs it will fail aloud
            importlib.import_module("torch")

    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as audits.models.workers has it, and before torch reads it
    threading.Thread(target=quietly, daemon=True).start()


def open_model(spec: ModelFile, path: str, leave: Leave = NONE, execution: Execution = LOCAL) -> Model:
    """The model that a spec names, behind its system prompt if it has one; `_opened` tells the other arguments.

    Where `execution` names a cluster, its workers open the model, and what comes back asks them.
    """
    check_execution(execution, spec)
    if execution.engine == "ray":
        from .cluster.model import ClusterModel

        return ClusterModel(execution, spec, path, leave)
    model = _opened(spec, path, leave)
    if spec.kind in ("transformers", "endpoint") and spec.system:
        from .system import SystemPrompted

        return SystemPrompted(model, spec.system)
    return model


def _opened(spec: ModelFile, path: str, leave: Leave) -> Model:
    """The model that a spec names, at its resolved `path` (a folder, a hub id or a file; "" for a server;
    the folder of the spec for what names further places).

    `leave` is what the command line allows. Imports torch, or httpx, only where that kind needs it.
    """
    if spec.kind == "endpoint":
        from .endpoint.model import EndpointModel

        return EndpointModel(spec, leave)
    if spec.kind == "replay":
        from .replay import ReplayModel

        return ReplayModel(Path(path))
    if spec.kind == "callable":
        from .function import FunctionModel

        if not leave.code:
            raise UserError(f"{spec.title} is code that would be run; read it, then give --allow-code")
        return FunctionModel(spec, Path(path))
    if spec.kind == "cascade":
        return _cascade(spec, Path(path), leave)
    from . import files

    if Path(path).is_dir():
        files.check_folder(Path(path), leave)
    from .transformers import TransformersModel
    from .variant import Variant

    variant = Variant(quantised=spec.quantised, adapter=spec.adapter, template=spec.template)
    return TransformersModel(
        path,
        revision=spec.revision,
        dtype=spec.dtype,
        device=spec.device,
        variant=variant,
        leave=leave,
        threads=spec.threads,
        memory=None if spec.memory_gb is None else int(spec.memory_gb * 1e9),
    )


def _cascade(spec: CascadeFile, base: Path, leave: Leave) -> Model:
    from ..placing import where
    from .cascade import CascadeModel
    from .confidence import Confidence

    if leave.key_env and spec.small.kind == spec.large.kind == "endpoint":
        raise UserError("--key-env is the key of one server, but two are named; name the key of each as its 'key'")
    threshold = 1.0 if spec.threshold is None else spec.threshold
    return CascadeModel(
        open_model(spec.small, where(spec.small, base), leave),
        open_model(spec.large, where(spec.large, base), leave),
        Confidence(by=spec.confidence, threshold=threshold, samples=spec.samples),
    )
