"""The probe for what the model takes: memory, time to the first token, latency, speed, energy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from ..asking import prompt_for
from ..contract import (
    Access,
    Bench,
    Completion,
    Decoding,
    Estimate,
    Exchange,
    Footprint,
    Generation,
    Item,
    Metric,
    Observation,
    Parts,
    Probe,
)
from ..estimates import unmeasured
from .figures import AUDIT, DISK, ENERGY, FIRST, LATENCY, LOAD, LOADED, MEDIAN, MEMORY, PARAMETERS, SPEED
from .quantiles import once, quantile

REQUESTS = 80
"""At 73 requests the largest of them first bounds the 95 % quantile at a confidence of 95 %."""
SENTENCE = "The night train stops at a small station where nobody has bought a ticket for years. "
LENGTHS = (1, 2, 3, 4)
COUNTED = "counted: "


@dataclass(frozen=True, kw_only=True)
class Resources(Probe):
    """Can the deployment carry the model?

    80 prompts of about 20 to 70 words are answered greedily, one at a time, with the clock running and the machine's
    energy counters (RAPL, NVML) read before and after each. Then the model is loaded eight times more, each time in a
    process of its own that answers one long prompt (Linux and macOS, models on the CPU, where memory has room for it
    twice and eight loads take no more than five minutes). All of it is journalled, so that a resumed run, `verify` and
    `gate` report what was measured first, on the machine that the record describes.

    Intervals are of order statistics and suppose independent requests and loads: a machine that was busy for a while
    was busy for many of them. From eight loads the interval reaches from the least to the most. Where the model was
    loaded once, the time of loading has no upper limit, and `memory_gb` is the audit's own peak, a single reading that
    bounds the model's need from above. Of a cascade what its two models take is added, the libraries twice.

    Latency grows with the reply: it is of `max_tokens` tokens or fewer. One request has one core here: an engine that
    spreads it over more is faster. The limits come from `card.deployed_on`: figures of another machine than the
    deployment's say little, so run it there. A server's times include the way to it; its first token can
    be timed where it streams, and it tells nothing of what it takes.
    """

    name: ClassVar[str] = "resources"
    dimension: ClassVar[str] = "fitness"
    version: ClassVar[str] = "2"
    needs: ClassVar[frozenset[Access]] = frozenset({Access.generate})
    metrics: ClassVar[tuple[Metric, ...]] = (
        LATENCY,
        MEDIAN,
        FIRST,
        SPEED,
        ENERGY,
        MEMORY,
        LOADED,
        AUDIT,
        DISK,
        LOAD,
        PARAMETERS,
    )

    max_tokens: int = 32

    def items(self) -> Sequence[Item]:
        """The prompts, each its own cluster."""
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
        counted = whole is not None and bool(whole.energy_of)
        for one, request, reply in zip(items, asked, replies, strict=True):
            last = one is items[-1]
            yield Observation(
                item=one.id,
                cluster=one.cluster,
                status="error" if reply.error else "judged" if reply.text.strip() else "empty",
                values={**_timed(reply, energy=counted), **(_taken(whole) if last else {})},
                reason=reply.error or (_energy(whole) if last else ""),
                exchanges=(Exchange(asked=request, reply=reply),),
            )

    def faultless(self, items: Sequence[Item]) -> list[Observation]:
        """A model that takes nothing, and no time."""
        nothing = dict.fromkeys(("seconds", "first", "energy", *(one.name for one in (AUDIT, DISK, PARAMETERS))), 0.0)
        loads = {f"{one.name} {at}": 0.0 for one in (MEMORY, LOADED, LOAD) for at in range(8)}
        return [Observation.judged(one, {**nothing, **loads, "speed": SPEED.range[1]}) for one in items]

    def measure(self, seen: Sequence[Observation], level: float) -> list[Estimate]:
        """Quantiles over requests and over loads; the rest as it was read."""
        last = seen[-1].values if seen else {}
        untold = "the model tells nothing of it" if seen else "nothing was observed"

        def of_requests(metric: Metric, name: str, share: float = 0.5) -> Estimate:
            return quantile(metric, [one.values[name] for one in seen], share, level)

        def of_loads(metric: Metric) -> Estimate:
            readings = [value for name, value in last.items() if name.startswith(f"{metric.name} ")]
            return quantile(metric, readings, 0.5, level) if readings else unmeasured(metric, level, untold)

        def as_read(metric: Metric, name: str) -> Estimate:
            return once(metric, last.get(name), level, untold)

        memory = of_loads(MEMORY)
        if memory.value is None:
            memory = as_read(MEMORY, AUDIT.name)
        return [
            of_requests(LATENCY, "seconds", 0.95),
            of_requests(MEDIAN, "seconds"),
            of_requests(FIRST, "first", 0.95),
            of_requests(SPEED, "speed"),
            _explained(of_requests(ENERGY, "energy"), seen[-1].reason if seen else ""),
            memory,
            of_loads(LOADED),
            of_loads(LOAD),
            *(as_read(one, one.name) for one in (AUDIT, DISK, PARAMETERS)),
        ]

    def terms(self, seen: Sequence[Observation]) -> Mapping[str, Parts]:
        """None: quantiles and single readings are no means."""
        return {}


def _timed(reply: Completion, *, energy: bool) -> dict[str, float | None]:
    """Milliseconds, tokens a second and joules a token of one reply; None for what it does not tell."""
    found: dict[str, float | None] = dict.fromkeys(("seconds", "first", "speed", "energy"))
    tokens = reply.tokens or 0
    if reply.error or reply.seconds is None:
        return found
    if energy and reply.joules is not None and tokens:
        found["energy"] = reply.joules / tokens
    found["seconds"] = 1000 * reply.seconds
    first = reply.first_token_seconds
    if first is None:
        return found
    found["first"] = 1000 * first
    if tokens > 1 and reply.seconds > first:
        found["speed"] = (tokens - 1) / (reply.seconds - first)
    elif tokens and reply.seconds and reply.drafts:  # the small model's answer waits until it is sure of the whole
        found["speed"] = tokens / reply.seconds
    return found


def _taken(whole: Footprint | None) -> dict[str, float | None]:
    """Gigabytes, seconds and millions of the model as a whole, the loads one by one; None for what it does not tell."""
    if whole is None:
        return dict.fromkeys(one.name for one in (AUDIT, DISK, PARAMETERS))
    loads = whole.loads
    found: dict[str, float | None] = {
        AUDIT.name: _scaled(whole.peak_bytes, 1e9),
        DISK.name: _scaled(whole.bytes_on_disk, 1e9),
        PARAMETERS.name: _scaled(whole.parameters, 1e6),
    }
    for metric, readings in (
        (MEMORY, [one.peak_bytes / 1e9 for one in loads]),
        (LOADED, [one.loaded_bytes / 1e9 for one in loads]),
        (LOAD, [one.seconds for one in loads] or [one for one in [whole.load_seconds] if one is not None]),
    ):
        found.update((f"{metric.name} {at}", value) for at, value in enumerate(readings))
    return found


def _scaled(value: float | None, unit: float) -> float | None:
    return None if value is None else value / unit


def _energy(whole: Footprint | None) -> str:
    """Which parts' energy was counted, or why none was."""
    if whole is None:
        return "the model tells nothing of what it takes: it is not on this machine, or its energy is no part of it"
    return COUNTED + ", ".join(whole.energy_of) if whole.energy_of else whole.no_energy


def _explained(energy: Estimate, said: str) -> Estimate:
    """With the parts that were counted, or the reason why none was."""
    if energy.value is not None:
        return replace(energy, method=f"{energy.method}; {said}")
    return energy if said.startswith(COUNTED) else replace(energy, reason=said or energy.reason)
