"""Text to tokens and back: raw or through the chat template, many at once, padded into batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import torch

from ...probes.contract import Generation, Message, Scoring


class Encoding(Protocol):
    """What is used of an encoded text."""

    ids: list[int]
    offsets: list[tuple[int, int]]


class Backend(Protocol):
    """What is used of the compiled part of a fast tokenizer."""

    def encode_batch(self, texts: Sequence[str], *, add_special_tokens: bool) -> list[Encoding]:
        """Ids, and each one's first and last character."""
        ...

    def encode_batch_fast(self, texts: Sequence[str], *, add_special_tokens: bool) -> list[Encoding]:
        """Ids alone."""
        ...


class Tokenizer(Protocol):
    """What is used of a transformers tokenizer."""

    bos_token_id: int | None
    eos_token_id: int | None
    pad_token_id: int | None
    chat_template: str | None
    is_fast: bool
    backend_tokenizer: Backend

    def __call__(self, text: str, *, add_special_tokens: bool) -> dict[str, list[int]]:
        """The ids of a text."""
        ...

    def decode(self, ids: Sequence[int], *, skip_special_tokens: bool) -> str:
        """The text of ids."""
        ...

    def apply_chat_template(
        self, turns: Sequence[dict[str, str]], *, tokenize: bool, add_generation_prompt: bool
    ) -> str:
        """The text of a chat."""
        ...


class Padded(NamedTuple):
    """A batch, padded on the left: ids, mask and positions, each [rows, width] of int64."""

    ids: torch.Tensor
    mask: torch.Tensor
    positions: torch.Tensor


class Continued(NamedTuple):
    """A context and its continuation as ids; the last `kept` belong to the continuation, which starts at `offsets`."""

    ids: tuple[int, ...]
    kept: int
    offsets: tuple[int, ...]

    @property
    def scored(self) -> int:
        """How many ids can be scored: the first of a text has nothing before it."""
        return min(self.kept, len(self.ids) - 1)


class Known(NamedTuple):
    """An encoded text: its ids, and the character at which each starts, where that was asked for."""

    ids: tuple[int, ...]
    starts: tuple[int, ...]


Asked = tuple[str, bool, bool]  # a text, whether special tokens are added, whether it is asked where tokens start


class Tokens:
    """One tokenizer, asked the way the audit needs it. It remembers the texts of the last request list."""

    def __init__(self, tokenizer: Tokenizer, ends: frozenset[int]) -> None:
        """`ends` are the ids that end a text."""
        self.ends = ends
        self.template = tokenizer.chat_template or ""
        self._tokenizer = tokenizer
        self._known: dict[Asked, Known] = {}
        tokenizer("a", add_special_tokens=False)  # lifts any padding and cutting that the tokenizer's file asks for

    def text(self, prompt: str | tuple[Message, ...]) -> str:
        """A raw prompt as it is, messages through the chat template up to where the model's turn begins."""
        if isinstance(prompt, str):
            return prompt
        turns = [{"role": one.role, "content": one.content} for one in prompt]
        return self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)

    def asked(self, requests: Sequence[Generation]) -> list[tuple[int, ...]]:
        """The ids that each generation starts from: never none, for a model cannot go on from nothing."""
        texts = [(self.text(one.prompt) + one.prefill, isinstance(one.prompt, str), False) for one in requests]
        start = self._tokenizer.bos_token_id
        nothing = (start if start is not None else min(self.ends, default=0),)
        return [one.ids or nothing for one in self._encoded(texts)]

    def continued(self, requests: Sequence[Scoring]) -> list[Continued]:
        """Contexts and continuations encoded together and cut where the context's own encoding ends."""
        contexts = {one.context: self.text(one.context) for one in requests}
        texts: list[Asked] = []
        for one in requests:
            context, special = contexts[one.context], isinstance(one.context, str)
            texts += [(context, special, False), (context + one.continuation, special, one.per_token)]
        encoded = self._encoded(texts)
        return [
            self._continued(len(texts[2 * at][0]), len(encoded[2 * at].ids), encoded[2 * at + 1])
            for at in range(len(requests))
        ]

    def said(self, before: Sequence[int], drawn: Sequence[int]) -> str:
        """The text of drawn ids, decoded behind what stands before: some tokenizers drop a leading blank otherwise."""
        near = list(before[-8:])
        context = self._tokenizer.decode(near, skip_special_tokens=True)
        whole = self._tokenizer.decode([*near, *drawn], skip_special_tokens=True)
        return whole[len(context) :] if whole.startswith(context) else self._alone(drawn)

    def padded(self, rows: Sequence[Sequence[int]], device: str) -> Padded:
        """Rows of ids as one batch."""
        width = max(map(len, rows))
        pad = self._tokenizer.pad_token_id or 0
        ids = torch.tensor([[pad] * (width - len(row)) + list(row) for row in rows], device=device)
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=device)
        return Padded(ids, mask, (mask.cumsum(-1) - 1).clamp(min=0))

    def _alone(self, drawn: Sequence[int]) -> str:
        return self._tokenizer.decode(list(drawn), skip_special_tokens=True)

    def _continued(self, characters: int, before: int, whole: Known) -> Continued:
        offsets = tuple(max(0, start - characters) for start in whole.starts[before:])
        if not before and self._tokenizer.bos_token_id is not None:
            return Continued((self._tokenizer.bos_token_id, *whole.ids), len(whole.ids), offsets)
        return Continued(whole.ids, len(whole.ids) - before, offsets)

    def _encoded(self, texts: Sequence[Asked]) -> list[Known]:
        """Each text's encoding. The batch planner and then the batches ask for the same texts."""
        missing = [one for one in dict.fromkeys(texts) if one not in self._known]
        if missing:
            kept = {one: self._known[one] for one in texts if one in self._known}
            self._known = {**kept, **dict(self._fresh(missing))}
        return [self._known[one] for one in texts]

    def _fresh(self, texts: Sequence[Asked]) -> Iterable[tuple[Asked, Known]]:
        for special, starts in {one[1:] for one in texts}:
            some = [one for one in texts if one[1:] == (special, starts)]
            if not self._tokenizer.is_fast:
                for one in some:
                    yield one, Known(tuple(self._tokenizer(one[0], add_special_tokens=special)["input_ids"]), ())
                continue
            backend = self._tokenizer.backend_tokenizer
            encode = backend.encode_batch if starts else backend.encode_batch_fast
            for one, found in zip(some, encode([one[0] for one in some], add_special_tokens=special), strict=True):
                yield one, Known(tuple(found.ids), tuple(start for start, _ in found.offsets) if starts else ())
