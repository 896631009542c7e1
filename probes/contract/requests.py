"""What a probe may ask of a model, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .codec import JSON

Finish = Literal["stop", "length", "tool", "filtered", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A call that a model made: the tool's name and its arguments as JSON text."""

    name: str
    arguments: str
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool that a model may call; `parameters` is a JSON Schema."""

    name: str
    description: str
    parameters: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of a chat; `call_id` names the call that a tool turn answers."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    calls: tuple[ToolCall, ...] = ()
    call_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """How text is drawn: temperature 0 is greedy; top_k 0 and top_p 1 leave the distribution whole."""

    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no sampler can do."""
        if self.max_tokens < 1 or self.temperature < 0 or not 0 < self.top_p <= 1 or self.top_k < 0:
            raise ValueError(f"no sampler can decode so: {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """Ask for `samples` texts after a prompt.

    A str prompt goes in raw; messages go through the model's chat template and need Access.chat.
    Sample j depends on (seed, prompt, j) alone, so the first 5 samples of 25 are the 5 of 5.
    `alone` asks for batch size 1 with the clock running.
    """

    prompt: str | tuple[Message, ...]
    decoding: Decoding
    samples: int = 1
    seed: int = 0
    prefill: str = ""
    tools: tuple[Tool, ...] = ()
    token_logprobs: bool = False
    alone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One text that a model gave. With finish "error", `error` names the cause (too_long, nan, server, ...).

    `token_logprobs` are in nats, before temperature and top_p, one per generated token.
    Seconds, and the joules that this machine spent meanwhile, are measured only for requests marked `alone`.
    `responder` says which one of several models answered. `drafts` hold what a cascade's small model said first, by
    which it was decided who answers, and under the responder "large" what that one said in vain.
    """

    text: str
    finish: Finish
    error: str = ""
    prompt_tokens: int | None = None
    tokens: int | None = None
    token_logprobs: tuple[float, ...] | None = None
    reasoning: str = ""
    calls: tuple[ToolCall, ...] = ()
    responder: str = ""
    drafts: tuple[Completion, ...] = ()
    seeded: bool = True
    seconds: float | None = None
    first_token_seconds: float | None = None
    joules: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """Ask how likely a continuation is after a context; per_token also asks for each token's share."""

    context: str | tuple[Message, ...]
    continuation: str
    per_token: bool = False
    moments: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The log-probability of a continuation in nats, summed in float64 over float32 log-sum-exps.

    `tokens` of them were scored and `unscored` could not be (the first token of a text without a BOS);
    `greedy` says whether each was the model's first choice. `offsets` are character starts in the continuation.
    `responder` and `drafts` are as in Completion; the drafts are texts after the same context.
    """

    logprob: float
    tokens: int
    unscored: int = 0
    greedy: bool = False
    token_logprobs: tuple[float, ...] | None = None
    offsets: tuple[int, ...] | None = None
    means: tuple[float, ...] | None = None
    variances: tuple[float, ...] | None = None
    error: str = ""
    responder: str = ""
    drafts: tuple[Completion, ...] = ()
