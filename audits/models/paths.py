"""Open a model by the fast path if a few short texts show that it tells what the plain one tells; else by the plain."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, cast

import torch
import transformers

from ...probes.contract import Decoding
from .linear import can_pack, pack
from .mapped import keep_mapped
from .network import Loaded, Network, vocabulary_of
from .passing import Passing
from .plain import Plain
from .quantised import parameters_of
from .reading import Asked, Scored
from .room import measured
from .rows import Row
from .shared import Shared
from .tokens import Continued, Tokens
from .trees import SHORTEST_PREFIX
from .workers import Workers

NATS = {torch.float32: 1e-4, torch.bfloat16: 0.5, torch.float16: 0.1}


class Engine(Protocol):
    """How texts are scored and drawn; `name` is the path."""

    @property
    def name(self) -> str:
        """Which path this is."""
        ...

    def score(self, asked: Sequence[Asked]) -> list[Scored | None]:
        """Each text's score, None where a number is not finite."""
        ...

    def draw(self, rows: Sequence[Row], decoding: Decoding) -> None:
        """Draw up to `max_tokens` for each row, in place."""
        ...

    def shrink(self) -> bool:
        """Take on half as much at once; False when nothing is left to halve."""
        ...


class Opened(NamedTuple):
    """A model that is ready to be asked, and why it goes by the plain path, if it does."""

    engine: Engine
    tokens: Tokens
    config: transformers.PretrainedConfig
    architecture: str
    parameters: int
    fast_tokenizer: bool
    reason: str
    unused: tuple[str, ...]


def opened(load: Callable[[], Loaded], device: str, workers: Workers, *, plain: bool, memory: int | None) -> Opened:
    """Load a model and choose the path; `plain` leaves no choice. `memory` bounds what passes take, in bytes."""
    tokenizer, network, unused = load()
    said = network.generation_config.eos_token_id
    ends = [*(said if isinstance(said, list) else [said]), tokenizer.eos_token_id]
    tokens = Tokens(tokenizer, frozenset(int(one) for one in ends if one is not None))
    parameters = parameters_of(cast(torch.nn.Module, network))
    architecture = type(network).__name__
    engine: Engine = Plain(network, tokens, workers, device)
    reason = "asked for"
    if not plain:
        try:
            engine, reason = _fast(network, engine, tokens, workers, device, memory), ""
        except Exception as error:  # a model may refuse in any way it likes what it was not written for
            reason = (str(error).split("\n")[0] or type(error).__name__)[:200]
            network = load().network
            engine = Plain(network, tokens, workers, device)
    return Opened(engine, tokens, network.config, architecture, parameters, tokenizer.is_fast, reason, unused)


def _fast(network: Network, plain: Engine, tokens: Tokens, workers: Workers, device: str, memory: int | None) -> Engine:
    """The fast path over a network, which it changes; raises when it does not say what the plain one says."""
    texts = _trial(network)
    wanted = plain.score(texts)
    if can_pack(device, network.dtype):
        pack(cast(torch.nn.Module, network))
        keep_mapped(cast(torch.nn.Module, network))
    passing = Passing(network, device)
    with torch.inference_mode():
        room = measured(passing, workers.count, vocabulary_of(network), memory)
    fast = Shared(passing, tokens, workers, room)
    most = NATS[network.dtype]
    _refuse_apart(wanted, fast.score(texts), most)
    rows = [Row(place=at, ids=one.text.ids, noise=[], told=True) for at, one in enumerate(texts)]
    fast.draw(rows, Decoding(max_tokens=4))
    rows = [one for one in rows if one.drawn]
    drawn = [Scored(tuple(one.logprobs), True) for one in rows]
    again = [Asked(Continued((*one.ids, *one.drawn), len(one.drawn), ()), False) for one in rows]
    _refuse_apart(drawn, fast.score(again), most)
    return fast


def _trial(network: Network) -> list[Asked]:
    """Short texts of random ids, some behind a shared context, all behind a shared prefix."""
    stream = random.Random(0)
    most = vocabulary_of(network)

    def ids(count: int) -> tuple[int, ...]:
        return tuple(stream.randrange(most) for _ in range(count))

    prefix = ids(SHORTEST_PREFIX + 1)
    texts = [(context, ids(count)) for context in (prefix + ids(2), prefix + ids(5)) for count in (1, 3, 4)]
    return [Asked(Continued(context + tail, len(tail), ()), False) for context, tail in texts]


def _refuse_apart(wanted: Sequence[Scored | None], found: Sequence[Scored | None], most: float) -> None:
    worst = 0.0
    for one, other in zip(wanted, found, strict=True):
        if one is None or other is None:
            raise ValueError("its logits are not finite")
        worst = max([worst, *(abs(a - b) for a, b in zip(one.logprobs, other.logprobs, strict=True))])
    if worst > most:
        raise ValueError(f"its log-probabilities differ by {worst:.2g} nats")
