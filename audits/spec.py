"""Read model.yaml: which model, what its maker declares, and how it is to be audited."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, WithJsonSchema, model_validator

from ..reports.policy import FailOn
from . import built_in
from .errors import UserError
from .execution import LOCAL, Execution
from .model_file import Amount, ModelFile, Name
from .policy_file import BuiltInOrPath
from .yaml_file import Document, check, nearest, parse, read_yaml


def _known_suite(name: str) -> str:
    if name not in (known := built_in.names("suites")):
        raise ValueError(f"no suite is called '{name}'{nearest(name, known)}")
    return name


Suite = Annotated[
    str, AfterValidator(_known_suite), WithJsonSchema({"type": "string", "enum": built_in.names("suites")})
]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Acquired(_File):
    """How the model came to be, along the survey's taxonomy."""

    how: Literal["trained", "pruned", "distilled", "quantised", "merged", "unknown"] = "unknown"
    from_: str = Field(default="", alias="from")


class UsedFor(_File):
    """What the model is to do, and the accuracy that it must have on the task file of `fitness.ability`."""

    task: str = ""
    domain: str = ""
    at_least: Annotated[float, Field(gt=0, le=1)] | None = None


class DeployedOn(_File):
    """What the deployment can carry: the limits of `fitness.resources`."""

    memory_gb: Amount | None = None
    latency_ms: Amount | None = None
    tokens_per_second: Amount | None = None
    joules_per_token: Amount | None = None


class Card(_File):
    """`card:` what the model's maker declares."""

    acquired: Acquired = Acquired()
    enhanced: tuple[str, ...] = ()
    used_for: UsedFor = UsedFor()
    deployed_on: DeployedOn = DeployedOn()


class AuditFile(_File):
    """`audit:` which probes, with which options and which seed."""

    suite: Suite = Field(default="standard", description="how much is asked: standard gates, quick is for trying out")
    seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(default=0, description="the seed of every random choice")
    only: tuple[Name, ...] = Field(
        default=(), description="patterns of probes, such as 'toxicity.*'; no other is asked"
    )
    limit: Annotated[int, Field(ge=1)] | None = Field(default=None, description="the most clusters of each probe")
    repeat: Annotated[int, Field(ge=1, le=20)] = Field(
        default=1, description="ask everything so many times, to measure the noise"
    )
    minutes: Amount | None = Field(
        default=None, description="what all may take on this machine, turned into clusters of each probe beforehand"
    )
    early_stop: bool = Field(default=False, description="end a probe as soon as its limits are decided")
    probes: Mapping[str, Mapping[str, JsonValue] | None] = Field(
        default_factory=dict, description="options by probe; 'slm-audit probes show PROBE' lists them"
    )

    @model_validator(mode="after")
    def _one_purpose(self) -> AuditFile:
        if self.early_stop and self.repeat > 1:
            raise ValueError("early_stop and repeat do not go together: repeats that stop elsewhere are not alike")
        return self


class DetectorChoice(_File):
    """A detector by name, with the folder of its files."""

    name: Literal["linear", "detoxify", "classifier"]
    path: str = ""

    @model_validator(mode="after")
    def _folder(self) -> DetectorChoice:
        if self.name != "linear" and not self.path:
            raise ValueError(f"the detector {self.name} needs its folder; write {{name: {self.name}, path: FOLDER}}")
        return self


class Detectors(_File):
    """`detectors:` what judges texts. What is named and missing is not measured, never replaced."""

    toxicity: Literal["linear"] | DetectorChoice = "linear"

    def chosen(self) -> DetectorChoice:
        """The choice in its long form."""
        return self.toxicity if isinstance(self.toxicity, DetectorChoice) else DetectorChoice(name=self.toxicity)


class Spec(_File):
    """model.yaml as a whole."""

    version: Literal[1]
    model: ModelFile
    card: Card = Card()
    audit: AuditFile = AuditFile()
    detectors: Detectors = Detectors()
    execution: Execution = LOCAL
    policy: BuiltInOrPath = Field(
        default="pre-deployment", description="a built-in policy, or the path of a policy.yaml"
    )
    fail_on: FailOn = Field(
        default="inconclusive", description="the mildest verdict that ends with an exit code other than 0"
    )
    reports: tuple[Literal["html", "json", "markdown", "junit"], ...] = Field(
        default=("html", "json", "markdown", "junit"), description="the forms in which the result is written"
    )


def read_spec(document: Document) -> Spec:
    """The spec that a document states; SpecFaults lists all that is wrong with it."""
    return cast(Spec, check(Spec, document))


def spec_document(named: str) -> Document:
    """The text of a spec: a YAML file, or, for a model's folder, hub id or address, the shortest spec of it."""
    if len(named) > 1024:
        raise UserError("the name of the model is longer than any path; name a model.yaml, a folder or a hub id")
    if named.startswith(("http://", "https://")):
        text = f"version: 1\nmodel: {{kind: endpoint, url: {_quoted(named)}}}\n"
        return parse(Path(f"{named.split('/')[2]} (as a spec)"), text)
    path = Path(named)
    if named.endswith(".jsonl"):
        return parse(Path(f"{named} (as a spec)"), f"version: 1\nmodel: {{kind: replay, path: {_quoted(named)}}}\n")
    if named.endswith((".yaml", ".yml")) or path.is_file():
        return read_yaml(path)
    if not path.is_dir() and (path.is_absolute() or named.count("/") != 1 or named.startswith(".")):
        raise UserError(f"{named} is neither a model.yaml, nor a model's folder, nor a hub id such as owner/name")
    where = str(path.resolve()) if path.is_dir() else named
    text = f"version: 1\nmodel: {{kind: transformers, path: {_quoted(where)}}}\n"
    return parse(Path(f"{named} (as a spec)"), text)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def place_of(named: str, base: Path, *, allow_path: bool, what: str) -> Path:
    """A path in a spec, taken from the spec's folder; UserError when it leads out of it without leave."""
    path = (base / named).resolve()
    if not allow_path and not path.is_relative_to(base.resolve()):
        raise UserError(f"{what} '{named}' lies outside the spec's folder; move it below, or give --allow-path")
    return path
