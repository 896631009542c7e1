"""Rows in flight: the samples that one worker draws at once, each prompt's cache read by all of its samples."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from ...probes.contract import Decoding
from .attention import Keys, weighed
from .passing import Passing
from .rows import Row, advance
from .tokens import Tokens
from .trees import Ids, Tree


@dataclass(slots=True, eq=False)
class Prompt:
    """A prompt, the samples of it that are not begun, and how many are in flight."""

    ids: Ids
    waiting: deque[Row]
    flying: int = 0
    logits: torch.Tensor | None = None


class Slots:
    """Keys and values of numbered slots, layer by layer, each [slots, heads, positions, size], growing as needed.

    What is masked must still be finite, for nothing times NaN is NaN: so all of it begins as zeros.
    """

    def __init__(self) -> None:
        """Room for none."""
        self.layers: list[Keys] = []

    def reserve(self, layers: Sequence[Keys], slots: int, positions: int) -> None:
        """Make room for so many slots of so many positions; `layers` shows the shapes."""
        had = self.layers[0].keys.shape if self.layers else torch.Size((0, 0, 0, 0))
        if slots <= had[0] and positions <= had[2]:
            return
        slots = max(slots, had[0] * 2) if slots > had[0] else had[0]
        positions = max(positions, had[2] * 2) if positions > had[2] else had[2]
        self.layers = [
            Keys(*(self._grown(at, which, one, slots, positions) for which, one in enumerate(layer)))
            for at, layer in enumerate(layers)
        ]

    def write(self, slot: int, layer: int, start: int, own: Keys) -> None:
        """Put keys and values, each [positions, heads, size], into a slot from position `start` on."""
        for there, here in zip(self.layers[layer], own, strict=True):
            there[slot, :, start : start + len(here)] = here.transpose(0, 1)

    def move(self, there: list[int], here: list[int], positions: int) -> None:
        """Copy the first positions of some slots over others."""
        for layer in self.layers:
            for one in layer:
                one[here, :, :positions] = one[there, :, :positions]

    def _grown(self, at: int, which: int, like: torch.Tensor, slots: int, positions: int) -> torch.Tensor:
        _, heads, size = like.shape
        grown = like.new_zeros((slots, heads, positions, size))
        if self.layers:
            old = self.layers[at][which]
            grown[: old.shape[0], :, : old.shape[2]] = old
        return grown


class FlightAttention:
    """Each row sees its prompt and what was drawn of it."""

    def __init__(self, prompts: Slots, drawn: Slots) -> None:
        """Over the caches of prompts and rows."""
        self._prompts = prompts
        self._drawn = drawn

    def aim(self, homes: Sequence[int], lengths: Sequence[int], steps: Sequence[int], like: torch.Tensor) -> None:
        """Before a pass: each row's prompt slot, each prompt's length, and how many tokens each row read before."""
        device = like.device
        count = [0] * len(lengths)
        places: list[tuple[int, int]] = []
        for home in homes:
            places.append((home, count[home]))
            count[home] += 1
        self._wide = max(count)
        self._long, self._deep = max(lengths), max(steps) + 1
        self._out = torch.zeros((len(lengths), self._wide), dtype=torch.long)
        for row, place in enumerate(places):
            self._out[place] = row
        self._out = self._out.flatten().to(device)
        self._back = torch.tensor([home * self._wide + at for home, at in places], device=device)
        self._rows = torch.arange(len(homes), device=device)
        self._steps = torch.tensor(steps, device=device)
        self._prompt_mask = _up_to(lengths, self._long, like)
        self._drawn_mask = _up_to([step + 1 for step in steps], self._deep, like)

    def attend(
        self, layer: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float | None
    ) -> torch.Tensor:
        """As Attention says."""
        rows, heads, size = key.shape
        drawn, prompts = self._drawn.layers[layer], self._prompts.layers[layer]
        drawn.keys[self._rows, :, self._steps] = key
        drawn.values[self._rows, :, self._steps] = value
        groups = query.reshape(rows, heads, -1, size)
        late = weighed(
            groups, *(one[:rows, :, : self._deep] for one in drawn), mask=_for(self._drawn_mask, groups), scale=scale
        )
        count = len(self._out) // self._wide
        asked = groups.index_select(0, self._out).view(count, self._wide, heads, -1, size).transpose(1, 2)
        asked = asked.reshape(count, heads, -1, size)
        early = weighed(
            asked, *(one[:count, :, : self._long] for one in prompts), mask=_for(self._prompt_mask, asked), scale=scale
        )
        told, mass = self._by_row(early.told), self._by_row(early.mass[..., None])
        share = (mass - late.mass[..., None]).sigmoid().to(told.dtype)
        return torch.lerp(late.told, told, share).reshape(query.shape)

    def _by_row(self, some: torch.Tensor) -> torch.Tensor:
        """[prompts, heads, samples * group, size] to [rows, heads, group, size]."""
        count, heads, _, size = some.shape
        some = some.reshape(count, heads, self._wide, -1, size).transpose(1, 2).flatten(0, 1)
        return some.index_select(0, self._back)


def _up_to(lengths: Sequence[int], most: int, like: torch.Tensor) -> torch.Tensor | None:
    """A mask [rows, 1, 1, most] over positions past each row's length; None where all are full."""
    if min(lengths) == most:
        return None
    past = torch.arange(most)[None] >= torch.tensor(lengths)[:, None]
    mask = torch.zeros(past.shape, dtype=like.dtype).masked_fill_(past, -torch.inf)
    return mask[:, None, None].to(like.device)


def _for(mask: torch.Tensor | None, queries: torch.Tensor) -> torch.Tensor | None:
    return None if mask is None else mask.expand(-1, 1, queries.shape[2], -1)


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
    _shapes: Sequence[Keys] = ()
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

    def _step(self) -> None:
        steps = [len(one.drawn) - 1 for one in self._rows]
        lengths = [len(one.ids) for one in self._prompts]
        self._drawn.reserve(self._shapes, len(steps), max(steps) + 1)
        attention = FlightAttention(self._slots, self._drawn)
        attention.aim(self._homes, lengths, steps, self._slots.layers[0].keys)
        device = self.passing.device
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
        room, taken, tokens = self.most - len(self._rows), list[Prompt](), 0
        before = self.prefix[0].keys.shape[0] if self.prefix else 0
        while room > 0 and tokens < self.budget:
            try:
                taken.append(self.queue.popleft())
            except IndexError:  # other workers took the rest
                break
            room -= len(taken[-1].waiting)
            tokens += len(taken[-1].ids) - before
        if not taken:
            return []
        attention = self.passing.trees([Tree(one.ids[before:]) for one in taken], self.prefix, keep=True)
        hidden = self.passing.read(attention.ids, attention.positions, attention)
        logits = self.passing.logits(hidden[[end - 1 for end in attention.starts[1:]]])
        self._shapes = self._shapes or [
            Keys(*(part.new_empty(0, *part.shape[1:]) for part in one)) for one in attention.kept
        ]
        self._slots.reserve(attention.kept, len(self._prompts) + len(taken), max(len(one.ids) for one in taken))
        for at, one in enumerate(taken):
            one.logits = logits[at : at + 1]
            part = slice(attention.starts[at], attention.starts[at + 1])
            for layer, kept in enumerate(attention.kept):
                if self.prefix:
                    self._slots.write(len(self._prompts), layer, 0, self.prefix[layer])
                self._slots.write(len(self._prompts), layer, before, Keys(kept.keys[part], kept.values[part]))
            self._prompts.append(one)
        return taken

    def _land(self, on: Sequence[bool], positions: int) -> None:
        """Give up the slots of rows that have ended; the last rows move into the gaps."""
        for row, goes in enumerate(on):
            if not goes:
                self._prompts[self._homes[row]].flying -= 1
        moves = _moves([row for row, goes in enumerate(on) if not goes], len(on))
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
        moves = _moves(gone, len(self._prompts))
        if moves.there:
            self._slots.move(moves.there, moves.here, max(len(self._prompts[at].ids) for at in moves.there))
        home = dict(zip(moves.there, moves.here, strict=True))
        for there, here in home.items():
            self._prompts[here] = self._prompts[there]
        del self._prompts[moves.left :]
        self._homes = [home.get(at, at) for at in self._homes]


@dataclass(frozen=True, slots=True)
class _Moves:
    there: list[int]
    here: list[int]
    left: int


def _moves(gone: Sequence[int], count: int) -> _Moves:
    """How the last of `count` slots fill the gaps, so that the first `left` are taken."""
    left = count - len(gone)
    lost = set(gone)
    there = [at for at in range(left, count) if at not in lost]
    return _Moves(there, [at for at in gone if at < left], left)
