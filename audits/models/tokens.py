"""Text to tokens and back: raw or through the chat template, padded into batches."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple, Protocol, cast

import torch

from ...probes.contract import Generation, Message, Scoring


class Tokenizer(Protocol):
    """What is used of a transformers tokenizer."""

    bos_token_id: int | None
    eos_token_id: int | None
    pad_token_id: int | None
    chat_template: str | None
    is_fast: bool

    def __call__(
        self, text: str, *, add_special_tokens: bool, return_offsets_mapping: bool = False
    ) -> dict[str, list[int]]:
        """The ids of a text, and each one's first and last character."""
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

    ids: list[int]
    kept: int
    offsets: tuple[int, ...]


class Tokens:
    """One tokenizer, asked the way the audit needs it."""

    def __init__(self, tokenizer: Tokenizer, ends: frozenset[int]) -> None:
        """`ends` are the ids that end a text."""
        self.ends = ends
        self.template = tokenizer.chat_template or ""
        self._tokenizer = tokenizer
        # The batch planner and the batch itself ask for the same texts, and options share their contexts.
        self._encode = functools.lru_cache(maxsize=65_536)(self._encoded)

    def text(self, prompt: str | tuple[Message, ...]) -> str:
        """A raw prompt as it is, messages through the chat template up to where the model's turn begins."""
        if isinstance(prompt, str):
            return prompt
        turns = [{"role": one.role, "content": one.content} for one in prompt]
        return self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)

    def asked(self, request: Generation) -> list[int]:
        """The ids that a generation starts from: never none, for a model cannot go on from nothing."""
        text = self.text(request.prompt) + request.prefill
        ids, _ = self._encode(text, isinstance(request.prompt, str))
        start = self._tokenizer.bos_token_id
        return list(ids) or [start if start is not None else min(self.ends, default=0)]

    def continued(self, request: Scoring) -> Continued:
        """Context and continuation encoded together and cut where the context's own encoding ends."""
        context, special = self.text(request.context), isinstance(request.context, str)
        found, starts = self._encode(context + request.continuation, special)
        ids, before = list(found), len(self._encode(context, special)[0])
        offsets = tuple(max(0, start - len(context)) for start in starts[before:])
        if not before and self._tokenizer.bos_token_id is not None:
            return Continued([self._tokenizer.bos_token_id, *ids], len(ids), offsets)
        return Continued(ids, len(ids) - before, offsets)

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

    def _encoded(self, text: str, special: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The ids of a text, and the character at which each starts."""
        fast = self._tokenizer.is_fast
        found = self._tokenizer(text, add_special_tokens=special, return_offsets_mapping=fast)
        spans = cast("list[tuple[int, int]]", found.get("offset_mapping", []))
        return tuple(found["input_ids"]), tuple(start for start, _ in spans)
