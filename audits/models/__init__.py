"""The kinds of model that can be audited."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...probes.contract import Model
from .leave import NONE, Leave

if TYPE_CHECKING:
    from ..model_file import ModelFile

__all__ = ["Leave", "open_model"]


def open_model(spec: ModelFile, path: str, leave: Leave = NONE) -> Model:
    """The model that a spec names, at its resolved `path` (a folder or a hub id; "" for a server).

    `leave` is what the command line allows. Imports torch, or httpx, only where that kind needs it.
    """
    if spec.kind == "endpoint":
        from .endpoint.model import EndpointModel

        return EndpointModel(spec, leave)
    from . import files

    if Path(path).is_dir():
        files.check_folder(Path(path))
    from .transformers import TransformersModel

    return TransformersModel(path, revision=spec.revision, dtype=spec.dtype, device=spec.device)
