"""The kinds of model that can be audited."""

from __future__ import annotations

import contextlib
import importlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from ...probes.contract import Model

if TYPE_CHECKING:
    from ..spec import ModelFile


def import_ahead() -> None:
    """Begin to import torch in the background: it takes seconds. Alone, so that no two imports wait for each other."""

    def quietly() -> None:
        with contextlib.suppress(Exception):  # whoever needs it will fail aloud
            importlib.import_module("torch")

    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as audits.models.workers has it, and before torch reads it
    threading.Thread(target=quietly, daemon=True).start()


def open_model(spec: ModelFile, path: str) -> Model:
    """The model that a spec names, at its resolved `path` (a folder or a hub id). Imports torch."""
    from . import files

    if Path(path).is_dir():
        files.check_folder(Path(path))
    from .transformers import TransformersModel

    return TransformersModel(
        path,
        revision=spec.revision,
        dtype=spec.dtype,
        device=spec.device,
        threads=spec.threads,
        memory=None if spec.memory_gb is None else int(spec.memory_gb * 1e9),
    )
