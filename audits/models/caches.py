"""The caches of prompts and of what was drawn of them, and the attention that reads both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from .attention import Keys
from .weighing import weighed


class Slots:
    """Keys and values of numbered slots, layer by layer, each [slots, heads, positions, size], growing as needed.

    A layer grows when it is next used, one after the other, so that there is never a second copy of all of them. What
    is masked must still be finite, for nothing times NaN is NaN: so all of it begins as zeros.
    """

    def __init__(self) -> None:
        """Room for none."""
        self._layers: dict[int, Keys] = {}
        self._slots = self._positions = 0

    def reserve(self, slots: int, positions: int) -> None:
        """Make room for so many slots of so many positions."""
        if slots > self._slots:
            self._slots = max(slots, self._slots * 2)
        if positions > self._positions:
            self._positions = max(positions, self._positions * 2)

    def layer(self, at: int, like: Keys) -> Keys:
        """A layer with all the room that was reserved; `like` shows what it keeps of tokens."""
        had = self._layers.get(at)
        if had is None or had.keys.shape[0] < self._slots or had.keys.shape[2] < self._positions:
            olds = (None, None) if had is None else had
            had = self._layers[at] = Keys(*(self._grown(*both) for both in zip(olds, like, strict=True)))
        return had

    def write(self, slot: int, layer: int, start: int, own: Keys) -> None:
        """Put keys and values, each [positions, heads, size], into a slot from position `start` on."""
        for there, here in zip(self.layer(layer, own), own, strict=True):
            there[slot, :, start : start + len(here)] = here.transpose(0, 1)

    def move(self, there: list[int], here: list[int], positions: int) -> None:
        """Copy the first positions of some slots over others."""
        for layer in self._layers.values():
            for one in layer:
                one[here, :, :positions] = one[there, :, :positions]

    def _grown(self, old: torch.Tensor | None, like: torch.Tensor) -> torch.Tensor:
        _, heads, size = like.shape
        grown = like.new_zeros((self._slots, heads, self._positions, size))
        if old is not None:
            grown[: old.shape[0], :, : old.shape[2]] = old
        return grown


class FlightAttention:
    """Each row sees its prompt and what was drawn of it."""

    def __init__(self, prompts: Slots, drawn: Slots, *, device: str, dtype: torch.dtype) -> None:
        """Over the caches of prompts and rows."""
        self._prompts = prompts
        self._drawn = drawn
        self._device = device
        self._dtype = dtype

    def aim(self, homes: Sequence[int], lengths: Sequence[int], steps: Sequence[int]) -> None:
        """Before a pass: each row's prompt slot, each prompt's length, and how many tokens each row read before."""
        device = self._device
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
        self._prompt_mask = self._up_to(lengths, self._long)
        self._drawn_mask = self._up_to([step + 1 for step in steps], self._deep)

    def attend(
        self, layer: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float | None
    ) -> torch.Tensor:
        """As Attention says."""
        rows, heads, size = key.shape
        own = Keys(key, value)
        drawn, prompts = self._drawn.layer(layer, own), self._prompts.layer(layer, own)
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

    def _up_to(self, lengths: Sequence[int], most: int) -> torch.Tensor | None:
        """A mask [rows, 1, 1, most] over positions past each row's length; None where all are full."""
        if min(lengths) == most:
            return None
        past = torch.arange(most)[None] >= torch.tensor(lengths)[:, None]
        mask = torch.zeros(past.shape, dtype=self._dtype).masked_fill_(past, -torch.inf)
        return mask[:, None, None].to(self._device)


def _for(mask: torch.Tensor | None, queries: torch.Tensor) -> torch.Tensor | None:
    return None if mask is None else mask.expand(-1, 1, queries.shape[2], -1)


@dataclass(frozen=True, slots=True)
class Moves:
    """From which slots to which, and how many are taken afterwards."""

    there: list[int]
    here: list[int]
    left: int


def moves_into_gaps(gone: Sequence[int], count: int) -> Moves:
    """How the last of `count` slots fill the gaps, so that the first `left` are taken."""
    left = count - len(gone)
    lost = set(gone)
    there = [at for at in range(left, count) if at not in lost]
    return Moves(there, [at for at in gone if at < left], left)
