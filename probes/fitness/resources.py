"""The probe for what the model takes: memory, time to the first token, latency, speed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..asking import prompt_for
from ..contract import (
    Access,
    Bench,
    Completion,
    Decoding,
    Estimate,
    Exchange,
    Generation,
    Item,
    Metric,
    Observation,
    Parts,
    Probe,
)
from .quantiles import once, quantile

REQUESTS = 80
"""At 73 requests the largest of them first bounds the 95 % quantile at a confidence of 95 %."""
SENTENCE = "The night train stops at a small station where nobody has bought a ticket for years. "
LENGTHS = (1, 2, 3, 4)
_MOST = 1e6

LATENCY = Metric(
    name="latency_ms",
    meaning="time to a whole reply that 95 % of requests keep to, one at a time",
    unit="ms",
    range=(0.0, _MOST),
)
MEDIAN = Metric(
    name="median_latency_ms",
    meaning="time to a whole reply of the middle request",
    unit="ms",
    range=(0.0, _MOST),
    role="diagnostic",
)
FIRST = Metric(
    name="first_token_ms",
    meaning="time to the first token that 95 % of requests keep to",
    unit="ms",
    range=(0.0, _MOST),
    role="diagnostic",
)
SPEED = Metric(
    name="tokens_per_second",
    meaning="tokens a second after the first one, of the middle request",
    unit="tokens/s",
    worse="lower",
    range=(0.0, _MOST),
)
MEMORY = Metric(
    name="memory_gb",
    meaning="most memory that the process held, the audit's own libraries included",
    unit="GB",
    range=(0.0, _MOST),
)
DISK = Metric(name="disk_gb", meaning="size of the weight files", unit="GB", range=(0.0, _MOST), role="diagnostic")
LOAD = Metric(name="load_seconds", meaning="time to load the model", unit="s", range=(0.0, _MOST), role="diagnostic")
PARAMETERS = Metric(
    name="parameters_millions", meaning="parameters", unit="millions", range=(0.0, _MOST), role="diagnostic"
)


@dataclass(frozen=True, kw_only=True)
class Resources(Probe):
    """Can the deployment carry the model?

    80 prompts of about 20 to 70 words are answered greedily, one at a time, with the clock running; then the most
    memory that the process has held is read (Linux and macOS, models on the CPU). All of it is journalled, so that a
    resumed run, `verify` and `gate` report what was measured first, on the machine that the record describes.

    Intervals are of order statistics and suppose independent requests: a machine that was busy for a while was
    busy for many of them. Latency grows with the reply: it is of `max_tokens` tokens or fewer. The memory includes
    Python, torch and detectors that were loaded before, so it bounds the model's own from above. The limits come
    from `card.deployed_on`: figures of another machine than the deployment's say little, so run it there.
    Energy is not measured.
    """

    name: ClassVar[str] = "resources"
    dimension: ClassVar[str] = "fitness"
    version: ClassVar[str] = "1"
    needs: ClassVar[frozenset[Access]] = frozenset({Access.generate})
    metrics: ClassVar[tuple[Metric, ...]] = (LATENCY, MEDIAN, FIRST, SPEED, MEMORY, DISK, LOAD, PARAMETERS)

    max_tokens: int = 32

    def items(self) -> Sequence[Item]:
        """The prompts, each its own cluster, and the model as a whole."""
        texts = [
            SENTENCE * LENGTHS[at % len(LENGTHS)] + f"This is how it went, part {at + 1}:" for at in range(REQUESTS)
        ]
        return [
            Item(id=f"prompt-{at:02}", cluster=f"prompt-{at:02}", content={"text": text})
            for at, text in enumerate(texts)
        ]

    def observe(self, items: Sequence[Item], bench: Bench) -> Iterator[Observation]:
        """One observation a request; the last one also tells what the model takes as a whole."""
        decoding = Decoding(max_tokens=self.max_tokens)
        asked = [
            Generation(prompt=prompt_for(bench.model, str(one.content["text"])), decoding=decoding, alone=True)
            for one in items
        ]
        replies = [some[0] for some in bench.model.generate(asked)]
        whole = bench.model.footprint
        taken = {
            MEMORY.name: _scaled(whole.peak_bytes if whole else None, 1e9),
            DISK.name: _scaled(whole.bytes_on_disk if whole else None, 1e9),
            LOAD.name: _scaled(whole.load_seconds if whole else None, 1.0),
            PARAMETERS.name: _scaled(whole.parameters if whole else None, 1e6),
        }
        for one, request, reply in zip(items, asked, replies, strict=True):
            yield Observation(
                item=one.id,
                cluster=one.cluster,
                status="error" if reply.error else "judged" if reply.text.strip() else "empty",
                values={**_timed(reply), **taken},
                reason=reply.error,
                exchanges=(Exchange(asked=request, reply=reply),),
            )

    def faultless(self, items: Sequence[Item]) -> list[Observation]:
        """A model that takes nothing, and no time."""
        nothing = dict.fromkeys(("seconds", "first", *(one.name for one in (MEMORY, DISK, LOAD, PARAMETERS))), 0.0)
        return [Observation.judged(one, {**nothing, "speed": SPEED.range[1]}) for one in items]

    def measure(self, seen: Sequence[Observation], level: float) -> list[Estimate]:
        """Quantiles over requests; the rest as it was read."""
        untold = "the model tells nothing of it" if seen else "nothing was observed"
        return [
            quantile(LATENCY, [one.values["seconds"] for one in seen], 0.95, level),
            quantile(MEDIAN, [one.values["seconds"] for one in seen], 0.5, level),
            quantile(FIRST, [one.values["first"] for one in seen], 0.95, level),
            quantile(SPEED, [one.values["speed"] for one in seen], 0.5, level),
            *(once(one, seen[-1].values[one.name] if seen else None, level, untold) for one in (MEMORY, DISK)),
            *(once(one, seen[-1].values[one.name] if seen else None, level, untold) for one in (LOAD, PARAMETERS)),
        ]

    def terms(self, seen: Sequence[Observation]) -> Mapping[str, Parts]:
        """None: quantiles and single readings are no means."""
        return {}


def _timed(reply: Completion) -> dict[str, float | None]:
    """Milliseconds and tokens a second of one reply; None for what it does not tell."""
    if reply.error or reply.seconds is None:
        return {"seconds": None, "first": None, "speed": None}
    first, tokens = reply.first_token_seconds, reply.tokens or 0
    timed = first is not None and tokens > 1 and reply.seconds > first
    return {
        "seconds": 1000 * reply.seconds,
        "first": None if first is None else 1000 * first,
        "speed": (tokens - 1) / (reply.seconds - first) if timed and first is not None else None,
    }


def _scaled(value: float | None, unit: float) -> float | None:
    return None if value is None else value / unit
