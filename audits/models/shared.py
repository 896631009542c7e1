"""The fast path: what texts share is computed once, nothing is padded, and each core has a worker of its own."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import torch

from ...probes.contract import Decoding
from .attention import Keys
from .flight import Flight, Prompt
from .passing import Passing
from .reading import Asked, Scored, Steps, scored, steps
from .room import Room
from .rows import Row
from .tokens import Tokens
from .trees import Ids, Text, Tree, common_prefix, passes, trees
from .workers import Workers

FEWEST_TOKENS_A_PASS = 128
FEWEST_ROWS_A_WORKER = 24  # with fewer, a step takes longer for reading all weights than for what is done with them


class Shared:
    """Scores by trees; draws with the cache of each prompt read by all of its samples."""

    name = "shared"

    def __init__(self, passing: Passing, tokens: Tokens, workers: Workers, room: Room) -> None:
        """Over a network, within each worker's room."""
        self._passing = passing
        self._tokens = tokens
        self._workers = workers
        self.room = room

    def score(self, asked: Sequence[Asked]) -> list[Scored | None]:
        """Each text's score, None where a number is not finite."""
        texts = [Text(one.text.ids[:-1], len(one.text.ids) - 1 - one.text.scored) for one in asked]
        before = common_prefix(texts)
        with torch.inference_mode():
            prefix = self._passing.prefix(texts[0].ids[:before], self.room.tokens)
        some = trees(texts, before, self.room.tokens)
        share = math.ceil(sum(tree.tokens for tree in some) / self._workers.count)
        plan = passes(some, min(self.room.tokens, max(FEWEST_TOKENS_A_PASS, share)))
        found = self._workers.each(lambda part: self._scored(part, prefix, asked), plan)
        by_text = {text: one for part in found for text, one in part.items()}
        return [by_text[at] for at in range(len(asked))]

    def draw(self, rows: Sequence[Row], decoding: Decoding) -> None:
        """Draw up to `max_tokens` for each row, in place."""
        for row in rows:
            row.restart()
        positions = max(len(row.ids) for row in rows) + decoding.max_tokens
        workers = max(1, min(self._workers.count, len(rows) // FEWEST_ROWS_A_WORKER))
        most = min(self.room.rows(positions), math.ceil(len(rows) / workers))
        prompts: list[Prompt] = []
        by_ids: dict[Ids, Prompt] = {}
        for row in sorted(rows, key=lambda row: -len(row.ids)):
            prompt = by_ids.get(row.ids)
            if prompt is None or len(prompt.waiting) == most:
                prompt = by_ids[row.ids] = Prompt(row.ids, deque())
                prompts.append(prompt)
            prompt.waiting.append(row)
        before = common_prefix([Text(ids, len(ids) - 1) for ids in by_ids])
        with torch.inference_mode():
            prefix = self._passing.prefix(rows[0].ids[:before], self.room.tokens)
        queue = deque(prompts)
        flights = [
            Flight(
                passing=self._passing,
                tokens=self._tokens,
                decoding=decoding,
                queue=queue,
                prefix=prefix,
                most=most,
                budget=self.room.tokens,
                stop=self._workers.stop,
            )
            for _ in range(workers)
        ]
        self._workers.each(Flight.fly, flights)

    def shrink(self) -> bool:
        """Take on half as much at once; False when nothing is left to halve."""
        return self.room.shrink()

    def _scored(self, some: Sequence[Tree], prefix: Sequence[Keys], asked: Sequence[Asked]) -> dict[int, Scored | None]:
        starts, hidden = self._read(some, prefix)
        wanted = [(start, one) for start, tree in zip(starts, some, strict=False) for one in tree.wanted]
        places = torch.tensor([start + place for start, one in wanted for place in one.places], device=hidden.device)
        texts = [asked[one.text] for _, one in wanted]
        tokens = torch.tensor(
            [token for one in texts for token in one.text.ids[len(one.text.ids) - one.text.scored :]],
            device=hidden.device,
        )
        found = self._steps(hidden, places, tokens, moments=any(one.moments for one in texts))
        said = scored(found, [one.text.scored for one in texts], [one.moments for one in texts])
        return {one.text: score for (_, one), score in zip(wanted, said, strict=True)}

    def _read(self, some: Sequence[Tree], prefix: Sequence[Keys]) -> tuple[list[int], torch.Tensor]:
        """Where each tree begins, and the hidden state behind each token; a lone tree over the budget goes in parts."""
        if len(some) > 1 or some[0].tokens <= self.room.tokens:
            attention = self._passing.trees(some, prefix)
            return attention.starts, self._passing.read(attention.ids, attention.positions, attention)
        (tree,) = some
        hidden, keys = self._passing.read_on(tree.trunk, prefix, self.room.tokens)
        if tree.bush:
            bush = self._passing.trees([replace(tree, trunk=())], keys)
            hidden = torch.cat([hidden, self._passing.read(bush.ids, bush.positions, bush)])
        return [0], hidden

    def _steps(self, hidden: torch.Tensor, places: torch.Tensor, tokens: torch.Tensor, *, moments: bool) -> Steps:
        """The head is computed once for each wanted place, however many texts want it."""
        unique, rows = torch.unique(places, return_inverse=True)
        return steps(
            lambda part: self._passing.logits(hidden[unique[part]]),
            rows,
            tokens,
            most=self.room.rows_of_logits,
            moments=moments,
        )
