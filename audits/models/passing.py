"""Forward passes over tokens that lie in one row, and the key-value cache of what texts begin with."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import torch

from .attention import NAME, Attention, Keep, Keys, attending
from .network import Network
from .tree_attention import TreeAttention
from .trees import Ids, Tree


class Passing:
    """A network whose attention is ours; many threads may pass through it at once."""

    def __init__(self, network: Network, device: str) -> None:
        """Takes the network's attention over; AttributeError if it has no head of its own."""
        network.set_attn_implementation(NAME)
        self.device = device
        self.dtype = network.dtype
        self._body = network.base_model
        head = network.get_output_embeddings()
        if head is None:
            raise AttributeError("the model has no head")
        self._head = head
        self.layers = int(network.config.get_text_config().num_hidden_layers)
        self._cap: float | None = getattr(network.config, "final_logit_softcapping", None)
        self._lock = threading.Lock()
        self._prefix: tuple[Ids, Sequence[Keys]] = ((), [])

    def read(self, ids: torch.Tensor, positions: torch.Tensor, attention: Attention) -> torch.Tensor:
        """The hidden state behind each token, [tokens, size]; ids and positions are [1, tokens]."""
        with attending(attention):
            return self._body(input_ids=ids, position_ids=positions, use_cache=False).last_hidden_state[0]

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Float32 logits [tokens, vocabulary]."""
        logits: torch.Tensor = self._head(hidden)
        if self._cap is not None:
            logits = (logits / self._cap).tanh() * self._cap
        return logits.float()

    def trees(self, some: Sequence[Tree], prefix: Sequence[Keys], *, keep: Keep | None = None) -> TreeAttention:
        """The attention of one pass over trees."""
        return TreeAttention(some, prefix, device=self.device, dtype=self.dtype, keep=keep)

    def read_on(self, ids: Ids, prefix: Sequence[Keys], budget: int) -> tuple[torch.Tensor, Sequence[Keys]]:
        """Read ids behind a prefix, at most `budget` at a time: their hidden states, and the keys of both."""
        hidden: list[torch.Tensor] = []
        for start in range(0, len(ids), budget):
            kept: dict[int, Keys] = {}
            part = self.trees([Tree(ids[start : start + budget])], prefix, keep=kept.__setitem__)
            hidden.append(self.read(part.ids, part.positions, part)[: part.starts[-1]])
            read = [kept[layer] for layer in range(self.layers)]
            prefix = [_joined(*both) for both in zip(prefix, read, strict=True)] if prefix else read
        return torch.cat(hidden), prefix

    def prefix(self, ids: Ids, budget: int) -> Sequence[Keys]:
        """Keys and values of what many texts begin with, layer by layer, computed once; none for no ids."""
        with self._lock:
            if self._prefix[0] != ids:
                self._prefix = (ids, self.read_on(ids, [], budget)[1] if ids else [])
            return self._prefix[1]


def _joined(before: Keys, after: Keys) -> Keys:
    return Keys(torch.cat([before.keys, after.keys]), torch.cat([before.values, after.values]))
