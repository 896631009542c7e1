"""Any model under the system prompt that it is deployed with."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Sequence

from ...probes.contract import (
    Access,
    Completion,
    Footprint,
    Generation,
    Load,
    Message,
    Model,
    ModelIdentity,
    Score,
    Scoring,
)
from ..journalled import Asked, Noted, batches_of, generating, scoring
from ..memory import Reloadable

Prompt = str | tuple[Message, ...]


class SystemPrompted:
    """Puts a text before all that another model is asked.

    It goes before a system text of the probe's own; to a chat without a system role before the user's first text;
    to a raw model before the prompt, with a blank line between.
    """

    def __init__(self, model: Model, system: str) -> None:
        """Wrap `model`, whose identity then has the text's hash."""
        self._model = model
        self._system = system
        said = {"system_sha256": hashlib.sha256(system.encode()).hexdigest()}
        self.identity: ModelIdentity = dataclasses.replace(model.identity, settings={**model.identity.settings, **said})
        self.access: frozenset[Access] = model.access
        self.footprint: Footprint | None = model.footprint
        self.context_tokens: int | None = model.context_tokens
        own = model.notes if isinstance(model, Noted) else ()
        self.notes: Sequence[str] = (*own, "every prompt stands behind the system prompt of the spec")

    def batches(self, requests: Sequence[Generation] | Sequence[Scoring]) -> list[list[int]]:
        """The other model's batches, of the requests as it gets them."""
        drawn = [self._asked(one) for one in requests if isinstance(one, Generation)]
        scored = [self._asked(one) for one in requests if isinstance(one, Scoring)]
        return batches_of(self._model, drawn or scored)

    def generate(self, requests: Sequence[Generation]) -> list[list[Completion]]:
        """The other model's texts."""
        return self._model.generate([self._asked(one) for one in requests])

    def score(self, requests: Sequence[Scoring]) -> list[Score]:
        """The other model's scores."""
        return self._model.score([self._asked(one) for one in requests])

    def generate_each(
        self, batches: Iterable[Sequence[Generation]]
    ) -> Iterator[tuple[int, Sequence[list[Completion]]]]:
        """The other model's texts, several batches at a time if it can."""
        return generating(self._model)([self._asked(one) for one in batch] for batch in batches)

    def score_each(self, batches: Iterable[Sequence[Scoring]]) -> Iterator[tuple[int, Sequence[Score]]]:
        """The other model's scores, several batches at a time if it can."""
        return scoring(self._model)([self._asked(one) for one in batch] for batch in batches)

    def loads(self) -> Sequence[Load]:
        """The other model's."""
        return self._model.loads() if isinstance(self._model, Reloadable) else ()

    def _asked(self, request: Asked) -> Asked:
        if isinstance(request, Generation):
            return dataclasses.replace(request, prompt=self._behind(request.prompt))
        return dataclasses.replace(request, context=self._behind(request.context))

    def _behind(self, prompt: Prompt) -> Prompt:
        if isinstance(prompt, str):
            return f"{self._system}\n\n{prompt}"
        first, *rest = prompt
        if first.role == "system":
            return (dataclasses.replace(first, content=f"{self._system}\n\n{first.content}"), *rest)
        if Access.system in self.access:
            return (Message(role="system", content=self._system), *prompt)
        return (dataclasses.replace(first, content=f"{self._system}\n\n{first.content}"), *rest)
