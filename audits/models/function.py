"""A Python function as a model: whatever can be called can be audited.

`reply` names a function that is given a prompt and says what the model says:

    def answer(prompt, *, max_tokens, temperature, top_p, top_k, stop, seed):
        return "..."

The prompt is a string; with `chat: true` it is a list of {"role", "content"}. `score` may name a second function,
`(context, continuation) -> float`, which tells how likely a continuation is, in nats.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ...probes.contract import Access, Completion, Footprint, Generation, Message, ModelIdentity, Score, Scoring
from ..errors import UserError
from ..model_file import CallableFile
from .seeds import seed_of_sample


class FunctionModel:
    """The contract's Model over functions. What they raise is the error of the one request that they were given."""

    footprint: Footprint | None = None
    context_tokens: int | None = None

    def __init__(self, spec: CallableFile, folder: Path) -> None:
        """Import the functions, from `folder` first; UserError if they cannot be had. Their code is run."""
        self._chat = spec.chat
        self._reply, code = _found(spec.reply, folder)
        self._score: Callable[..., object] | None = None
        scoring = ""
        if spec.score:
            self._score, scoring = _found(spec.score, folder)
        self.access = frozenset(
            [Access.generate]
            + [Access.chat, Access.system] * spec.chat
            + [Access.prefill] * (not spec.chat)
            + [Access.score] * (self._score is not None)
        )
        self.identity = ModelIdentity(
            kind="callable",
            name=spec.title,
            settings={"code_sha256": [one for one in (code, scoring) if one], "chat": spec.chat},
        )
        self.notes = ("the model is a function: only the file that defines it was hashed, not what that file uses",)

    def generate(self, requests: Sequence[Generation]) -> list[list[Completion]]:
        """What the function says, asked once for each sample with a seed of its own."""
        return [[self._said(one, sample) for sample in range(one.samples)] for one in requests]

    def score(self, requests: Sequence[Scoring]) -> list[Score]:
        """What the second function says."""
        return [self._likelihood(one) for one in requests]

    def _said(self, asked: Generation, sample: int) -> Completion:
        decoding = asked.decoding
        try:
            text = self._reply(
                self._plain(asked.prompt, asked.prefill),
                max_tokens=decoding.max_tokens,
                temperature=decoding.temperature,
                top_p=decoding.top_p,
                top_k=decoding.top_k,
                stop=list(decoding.stop),
                seed=seed_of_sample(asked.seed, sample),
            )
            if not isinstance(text, str):
                raise TypeError(f"a string is expected, not {type(text).__name__}")
        except Exception as error:
            return Completion(text="", finish="error", error=f"callable: {type(error).__name__}: {error}", seeded=False)
        for stop in decoding.stop:
            text = text.split(stop, 1)[0]
        return Completion(text=text, finish="stop", seeded=decoding.temperature == 0)

    def _likelihood(self, asked: Scoring) -> Score:
        try:
            if self._score is None:
                raise TypeError("no function tells how likely a text is")
            logprob = self._score(self._plain(asked.context), asked.continuation)
            if not isinstance(logprob, int | float) or not math.isfinite(logprob):
                raise TypeError(f"a finite number is expected, not {logprob!r:.40}")
        except Exception as error:
            return Score(logprob=0.0, tokens=0, error=f"callable: {type(error).__name__}: {error}")
        return Score(logprob=float(logprob), tokens=max(1, len(asked.continuation.split())))

    def _plain(self, prompt: str | tuple[Message, ...], prefill: str = "") -> str | list[dict[str, str]]:
        if isinstance(prompt, str) == self._chat:
            raise TypeError("the function takes chats alone" if self._chat else "the function takes no chat")
        if isinstance(prompt, str):
            return prompt + prefill
        if prefill:
            raise TypeError("the function cannot go on with a reply that is begun for it")
        return [{"role": one.role, "content": one.content} for one in prompt]


def _found(named: str, folder: Path) -> tuple[Callable[..., object], str]:
    """A function by `module:function`, and the SHA-256 of the file that defines its module."""
    module, _, name = named.partition(":")
    sys.path.insert(0, str(folder))
    try:
        found = getattr(importlib.import_module(module), name)
        source = inspect.getsourcefile(importlib.import_module(module))
        code = hashlib.sha256(Path(source).read_bytes()).hexdigest() if source else ""
    except Exception as error:
        raise UserError(
            f"{named} cannot be had: {type(error).__name__}: {error}; mend the module or its name"
        ) from error
    finally:
        sys.path.remove(str(folder))
    if not callable(found):
        raise UserError(f"{named} is no function but {type(found).__name__}; name a function")
    return found, code
