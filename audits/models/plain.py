"""The plain path, for any causal language model: padded batches, each text on its own."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ...probes.contract import Decoding
from .decoding import decode
from .network import Accepts, Network, Told, vocabulary_of
from .reading import Asked, Scored, scored, steps
from .room import LOGITS_AT_ONCE
from .rows import Row
from .tokens import Tokens
from .workers import Workers

TOKENS_A_PASS = 4096
LOGITS_A_PASS = 100_000_000  # numbers, if each token's logits are wanted
ROWS_A_PASS = 64


class Plain:
    """Scores and draws by batches that are padded on the left."""

    name = "plain"

    def __init__(self, network: Network, tokens: Tokens, workers: Workers, device: str) -> None:
        """Over a network."""
        self._network = network
        self._tokens = tokens
        self._workers = workers
        self._device = device
        self._accepts = Accepts.of(network)
        self._tokens_a_pass = min(TOKENS_A_PASS, max(256, LOGITS_A_PASS // vocabulary_of(network)))
        self._rows_a_pass = ROWS_A_PASS

    def score(self, texts: Sequence[Asked]) -> list[Scored | None]:
        """Each text's score, None where a number is not finite."""
        order = sorted(range(len(texts)), key=lambda at: -len(texts[at].text.ids))
        batches: list[list[int]] = []
        for at in order:
            last = batches[-1] if batches else []
            rows = len(last) + 1
            wide = len(texts[last[0]].text.ids) if last else 0
            if last and rows <= self._rows_a_pass and wide * rows <= self._tokens_a_pass:
                last.append(at)
            else:
                batches.append([at])
        found = self._workers.each(lambda batch: self._scored([texts[at] for at in batch]), batches)
        by_place = {
            at: one for batch, some in zip(batches, found, strict=True) for at, one in zip(batch, some, strict=True)
        }
        return [by_place[at] for at in range(len(texts))]

    def draw(self, rows: Sequence[Row], decoding: Decoding) -> None:
        """Draw up to `max_tokens` for each row, in place."""
        for row in rows:
            row.restart()
        order = sorted(rows, key=lambda row: -len(row.ids))
        size = max(1, min(self._rows_a_pass, -(-len(order) // self._workers.count)))
        batches = [order[at : at + size] for at in range(0, len(order), size)]
        self._workers.each(lambda batch: decode(self.forward, self._tokens, batch, decoding, self._device), batches)

    def shrink(self) -> bool:
        """Take on half as much at once; False when nothing is left to halve."""
        if self._rows_a_pass == 1:
            return False
        self._rows_a_pass, self._tokens_a_pass = self._rows_a_pass // 2, self._tokens_a_pass // 2
        return True

    def forward(self, *, keep: int, **given: object) -> Told:
        """A forward pass whose head is computed for the last `keep` positions only, where the model can do that."""
        if self._accepts.logits_to_keep:
            given["logits_to_keep"] = keep
        if not self._accepts.position_ids:
            given.pop("position_ids")
        return self._network(**given)

    def _scored(self, texts: Sequence[Asked]) -> list[Scored | None]:
        # The last token is predicted, never read: so options of one token behind one context are one row.
        read = {before: at for at, before in enumerate(dict.fromkeys(one.text.ids[:-1] for one in texts))}
        ids, mask, positions = self._tokens.padded(list(read), self._device)
        keep = max(one.text.scored for one in texts)
        told = self.forward(input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False, keep=keep)
        logits = told.logits[:, -keep:].flatten(0, 1)
        rows: list[int] = []
        for one in texts:
            end = (read[one.text.ids[:-1]] + 1) * keep
            rows += range(end - one.text.scored, end)
        wanted = [token for one in texts for token in one.text.ids[len(one.text.ids) - one.text.scored :]]
        found = steps(
            lambda some: logits[some].float(),
            torch.tensor(rows, device=self._device),
            torch.tensor(wanted, device=self._device),
            most=max(1, LOGITS_AT_ONCE // logits.shape[-1]),
            moments=any(one.moments for one in texts),
        )
        return scored(found, [one.text.scored for one in texts], [one.moments for one in texts])
