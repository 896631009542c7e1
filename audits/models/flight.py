"""Rows in flight: the samples that one worker draws at once, each prompt's cache read by all of its samples."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

import torch

from ...probes.contract import Decoding
from .attention import Keys
from .caches import FlightAttention, Slots, moves_into_gaps
from .passing import Passing
from .rows import Row, advance
from .tokens import Tokens
from .trees import Ids, Tree

AT_ONCE = 64  # positions: room for texts of so many tokens is taken once, for longer ones as they grow


@dataclass(slots=True, eq=False)
class Prompt:
    """A prompt, the samples of it that are not begun, and how many are in flight."""

    ids: Ids
    waiting: deque[Row]
    flying: int = 0
    logits: torch.Tensor | None = None


@dataclass(slots=True)
class Flight:
    """One worker's loop. Prompts come from a queue that all workers share."""

    passing: Passing
    tokens: Tokens
    decoding: Decoding
    queue: deque[Prompt]
    prefix: Sequence[Keys]
    most: int
    budget: int
    stop: threading.Event
    _rows: list[Row] = field(default_factory=list)
    _homes: list[int] = field(default_factory=list)
    _prompts: list[Prompt] = field(default_factory=list)
    _slots: Slots = field(default_factory=Slots)
    _drawn: Slots = field(default_factory=Slots)
    _started: float = 0.0

    def fly(self) -> None:
        """Draw until the queue is empty and every row has landed."""
        self._started = time.perf_counter()
        while not self.stop.is_set():
            if len(self._rows) <= self.most * 3 // 4:
                self._board()
            if not self._rows:
                return
            self._step()

    @property
    def _before(self) -> int:
        """How many ids of each prompt are read already, for all begin with them."""
        return self.prefix[0].keys.shape[0] if self.prefix else 0

    def _step(self) -> None:
        steps = [len(one.drawn) - 1 for one in self._rows]
        lengths = [len(one.ids) for one in self._prompts]
        self._drawn.reserve(self.most, max(max(steps) + 1, min(self.decoding.max_tokens, AT_ONCE)))
        device = self.passing.device
        attention = FlightAttention(self._slots, self._drawn, device=device, dtype=self.passing.dtype)
        attention.aim(self._homes, lengths, steps)
        ids = torch.tensor([[one.drawn[-1] for one in self._rows]], device=device)
        positions = torch.tensor(
            [[len(one.ids) + step for one, step in zip(self._rows, steps, strict=True)]], device=device
        )
        hidden = self.passing.read(ids, positions, attention)
        self._land(self._advance(self._rows, self.passing.logits(hidden)), max(steps) + 1)

    def _advance(self, rows: Sequence[Row], logits: torch.Tensor) -> list[bool]:
        on = advance(rows, logits, self.decoding, self.tokens)
        now = time.perf_counter() - self._started
        for row in rows:
            row.seconds = now
            row.first_token_seconds = row.first_token_seconds or now
        return on

    def _board(self) -> None:
        """Begin as many samples as there is room for; their prompts are read in passes within the budget."""
        while len(self._rows) < self.most:
            opened = [one for one in self._prompts if one.waiting] or self._read()
            if not opened:
                return
            for one in opened:
                begun = [one.waiting.popleft() for _ in range(min(len(one.waiting), self.most - len(self._rows)))]
                if not begun:
                    continue
                assert one.logits is not None
                on = self._advance(begun, one.logits.expand(len(begun), -1))
                home = self._prompts.index(one)
                for row, goes in zip(begun, on, strict=True):
                    if goes:
                        self._rows.append(row)
                        self._homes.append(home)
                        one.flying += 1
            self._close()

    def _read(self) -> list[Prompt]:
        """Take the next prompts from the queue and read them."""
        taken = self._taken()
        if not taken:
            return []
        before, first = self._before, len(self._prompts)
        starts = [0, *accumulate(len(one.ids) - before for one in taken)]
        self._slots.reserve(first + len(taken), max(len(one.ids) for one in taken))

        def keep(layer: int, own: Keys) -> None:
            for slot, (start, end) in enumerate(pairwise(starts), first):
                if self.prefix:
                    self._slots.write(slot, layer, 0, self.prefix[layer])
                self._slots.write(slot, layer, before, Keys(own.keys[start:end], own.values[start:end]))

        if starts[-1] <= self.budget:
            attention = self.passing.trees([Tree(one.ids[before:]) for one in taken], self.prefix, keep=keep)
            hidden = self.passing.read(attention.ids, attention.positions, attention)
        else:  # one long prompt, read in parts
            hidden, both = self.passing.read_on(taken[0].ids[before:], self.prefix, self.budget)
            for layer, whole in enumerate(both):
                self._slots.write(first, layer, 0, whole)
        logits = self.passing.logits(hidden[[end - 1 for end in starts[1:]]])
        for at, one in enumerate(taken):
            one.logits = logits[at : at + 1]
        self._prompts += taken
        return taken

    def _taken(self) -> list[Prompt]:
        """Prompts from the queue, as many as there is room for and as one pass may hold, but at least one."""
        room, taken, tokens = self.most - len(self._rows), list[Prompt](), 0
        while room > 0:
            try:
                one = self.queue.popleft()
            except IndexError:  # other workers took the rest
                break
            tokens += len(one.ids) - self._before
            if taken and tokens > self.budget:
                self.queue.appendleft(one)
                break
            taken.append(one)
            room -= len(one.waiting)
        return taken

    def _land(self, on: Sequence[bool], positions: int) -> None:
        """Give up the slots of rows that have ended; the last rows move into the gaps."""
        for row, goes in enumerate(on):
            if not goes:
                self._prompts[self._homes[row]].flying -= 1
        moves = moves_into_gaps([row for row, goes in enumerate(on) if not goes], len(on))
        if moves.there:
            self._drawn.move(moves.there, moves.here, positions)
        for there, here in zip(moves.there, moves.here, strict=True):
            self._rows[here], self._homes[here] = self._rows[there], self._homes[there]
        del self._rows[moves.left :], self._homes[moves.left :]
        self._close()

    def _close(self) -> None:
        """Give up the slots of prompts all of whose samples have ended."""
        gone = [at for at, one in enumerate(self._prompts) if not one.flying and not one.waiting]
        if not gone:
            return
        moves = moves_into_gaps(gone, len(self._prompts))
        if moves.there:
            self._slots.move(moves.there, moves.here, max(len(self._prompts[at].ids) for at in moves.there))
        home = dict(zip(moves.there, moves.here, strict=True))
        for there, here in home.items():
            self._prompts[here] = self._prompts[there]
        del self._prompts[moves.left :]
        self._homes = [home.get(at, at) for at in self._homes]
