"""The `model:` section of model.yaml: which kind of model, where it is, and how it is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

Name = Annotated[str, Field(min_length=1)]
Amount = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Quantised = Literal["int8", "int4", "bitsandbytes-int8", "bitsandbytes-nf4"]


class _Kind(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LocalFile(_Kind):
    """A folder or hub id of a causal language model, run by transformers on this machine.

    `quantised` rounds the weights when the model is loaded: int8 and int4 by torchao, the others by bitsandbytes.
    `adapter` is the folder of a LoRA adapter; `template` is auto (the model's own), never, or the path of a Jinja file;
    `system` is the system prompt that the model is deployed with. `threads` and `memory_gb` bound what it takes here.
    """

    kind: Literal["transformers"] = "transformers"
    path: Name
    revision: str | None = None
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    device: Name = "cpu"
    threads: Annotated[int, Field(ge=1)] | None = None
    memory_gb: Amount | None = None
    quantised: Quantised | None = None
    adapter: Name | None = None
    template: Name = "auto"
    system: Name | None = None

    @property
    def title(self) -> str:
        """What a reader calls it."""
        return self.path


def address(url: str) -> str:
    """The address of a server as it is asked; ValueError if it is none, or holds a key."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", url):
        raise ValueError(
            "an address begins with http:// or https:// and names a host, such as http://localhost:8000/v1"
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("an address holds no key; put the key into a variable SLM_AUDIT_KEY_... and name it as 'key'")
    return url.rstrip("/") + ("" if parts.path.strip("/") else "/v1")


def _variable(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError("names the variable that holds the key, such as SLM_AUDIT_KEY_MINE, never the key itself")
    return name


def _listed(said: object) -> object:
    return (said,) if isinstance(said, str) else said


Addresses = Annotated[
    tuple[Annotated[str, AfterValidator(address)], ...], BeforeValidator(_listed), Field(min_length=1)
]


class EndpointFile(_Kind):
    """A model that an OpenAI-compatible server answers for; several addresses of the same model share the work.

    `concurrency` is the most requests at one address at a time, `time_out` the seconds that one may take,
    `retries` how often one is tried again. `key` names the variable that holds the key.
    """

    kind: Literal["endpoint"]
    url: Addresses
    name: Name
    key: Annotated[str, AfterValidator(_variable)] | None = None
    template: Literal["auto", "never"] = "auto"
    system: Name | None = None
    concurrency: Annotated[int, Field(ge=1, le=1024)] = 8
    time_out: Amount = 120.0
    retries: Annotated[int, Field(ge=0, le=20)] = 5

    @property
    def title(self) -> str:
        """What a reader calls it."""
        return f"{self.name} at {', '.join(self.url)}"


class ReplayFile(_Kind):
    """Recorded replies, as JSON Lines; audits/models/replies.py tells the form of a line."""

    kind: Literal["replay"]
    path: Name

    @property
    def title(self) -> str:
        """What a reader calls it."""
        return self.path


Function = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]


class CallableFile(_Kind):
    """A Python function that says what a model says; audits/models/function.py tells how it is called."""

    kind: Literal["callable"]
    reply: Function
    score: Function | None = None
    chat: bool = False

    @property
    def title(self) -> str:
        """What a reader calls it."""
        return self.reply


def kind_of(said: object) -> object:
    """The kind that a section states; one that states none is of a local model."""
    return said.get("kind", "transformers") if isinstance(said, Mapping) else getattr(said, "kind", None)


OneModelFile = Annotated[
    Annotated[LocalFile, Tag("transformers")]
    | Annotated[EndpointFile, Tag("endpoint")]
    | Annotated[ReplayFile, Tag("replay")]
    | Annotated[CallableFile, Tag("callable")],
    Discriminator(kind_of),
]
"""The section of a model that is one model."""


def _no_cascade(said: object) -> object:
    if kind_of(said) == "cascade":
        raise ValueError("a cascade cannot stand in a cascade; name a model of another kind")
    return said


class CascadeFile(_Kind):
    """A small model that answers first, and a large one that answers where the small one is unsure.

    `confidence` says what is held against `threshold`: likelihood, agreement of `samples` texts, or refusal;
    audits/models/confidence.py tells how each is computed.
    """

    kind: Literal["cascade"]
    small: Annotated[OneModelFile, BeforeValidator(_no_cascade)]
    large: Annotated[OneModelFile, BeforeValidator(_no_cascade)]
    confidence: Literal["likelihood", "agreement", "refusal"] = "likelihood"
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    samples: Annotated[int, Field(ge=1, le=100)] = 5

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.threshold is None and self.confidence != "refusal":
            raise ValueError(f"a cascade by {self.confidence} needs a threshold; write threshold: 0.7 or another share")
        if "samples" in self.model_fields_set and self.confidence != "agreement":
            raise ValueError(f"a cascade by {self.confidence} draws no samples; delete samples")
        return self

    @property
    def title(self) -> str:
        """What a reader calls it."""
        return f"{self.small.title}, then {self.large.title}"


ModelFile = Annotated[
    Annotated[LocalFile, Tag("transformers")]
    | Annotated[EndpointFile, Tag("endpoint")]
    | Annotated[ReplayFile, Tag("replay")]
    | Annotated[CallableFile, Tag("callable")]
    | Annotated[CascadeFile, Tag("cascade")],
    Discriminator(kind_of),
]
"""The section of any kind of model."""
