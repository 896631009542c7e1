"""The `execution:` section of model.yaml: on which machines the model is asked."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from . import offline
from .errors import UserError
from .extras import library_of, need
from .model_file import Amount, LocalFile, ModelFile


def _address(said: str) -> str:
    if not re.fullmatch(r"auto|local|(ray://)?([\w.-]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}", said):
        raise ValueError(
            f"{said} is no address; write auto (the cluster that this machine belongs to), local, one such as "
            "head-node:6379 on a machine of the cluster, or one such as ray://head-node:10001 from any other"
        )
    return said


class Execution(BaseModel):
    """Where the model is held: in this process, or in `replicas` workers on a Ray cluster.

    `address` is auto (the cluster that this machine belongs to), local (one started here for the run), HOST:PORT of the
    head for a machine of the cluster, or ray://HOST:PORT of its Ray client server for any other. Each replica gets so
    many CPUs and GPUs for itself; it computes with as many threads as CPUs. `time_out` is the seconds that a replica
    may take for a share of the requests; where shares were slow before, one gets 20 times as long for the same work.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    engine: Literal["local", "ray"] = "local"
    address: Annotated[str, AfterValidator(_address)] = "auto"
    replicas: Annotated[int, Field(ge=1, le=1024)] = 1
    gpus_per_replica: Annotated[float, Field(ge=0, le=64)] = 0
    cpus_per_replica: Annotated[Amount, Field(le=1024)] = 1
    time_out: Amount = 3600.0

    @model_validator(mode="after")
    def _fits(self) -> Execution:
        of_ray = sorted(self.model_fields_set - {"engine"})
        if self.engine == "local" and of_ray:
            raise ValueError(f"{', '.join(of_ray)} without a cluster; write engine: ray, or leave it out")
        if self.gpus_per_replica > 1 and self.gpus_per_replica % 1:
            raise ValueError("gpus_per_replica is a part of one GPU, or a whole number of them")
        return self


LOCAL = Execution()


def check_execution(execution: Execution, model: ModelFile) -> None:
    """UserError where a model cannot be asked so; no cluster is looked for yet."""
    if execution.engine == "local":
        for part in (model.small, model.large) if model.kind == "cascade" else (model,):
            if isinstance(part, LocalFile):
                _check_extras(part)
        return
    if model.kind in ("endpoint", "replay"):
        raise UserError(
            f"execution.engine: ray gives each worker a model to hold, and model.kind: {model.kind} has none; "
            "leave out execution (an endpoint may name several addresses)"
        )
    need("ray", "execution.engine: ray")
    if offline.is_cut_off() and execution.address != "local":
        raise UserError(
            f"--offline: execution.address: {execution.address} leads to other machines; "
            "write address: local, or leave out --offline"
        )
    if isinstance(model, LocalFile):
        kind, _, which = model.device.partition(":")
        if which:
            raise UserError(
                f"model.device: {model.device} names one GPU, and a worker sees only those that Ray gives it; "
                f"write device: {kind}"
            )
        if kind == "cuda" and not execution.gpus_per_replica:
            raise UserError("model.device: cuda needs a GPU for each worker; write execution.gpus_per_replica: 1")
        if kind == "cpu" and execution.gpus_per_replica:
            raise UserError("execution.gpus_per_replica with model.device: cpu would idle the GPUs; write device: cuda")


def _check_extras(model: LocalFile) -> None:
    if model.quantised:
        need(library_of(model.quantised), f"model.quantised: {model.quantised}")
    if model.adapter:
        need("peft", "model.adapter")
