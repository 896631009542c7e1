"""A local causal language model, by folder or hub id, run by transformers on one device."""

from __future__ import annotations

import functools
import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import torch
import transformers

from ...probes.contract import (
    JSON,
    Access,
    Completion,
    Decoding,
    Footprint,
    Generation,
    Load,
    Message,
    ModelIdentity,
    Score,
    Scoring,
)
from . import energy, files
from .adapter import check_adapter
from .again import loads
from .batching import Sized, planned
from .drawing import noise
from .leave import NONE, Leave
from .network import downloaded, loaded
from .paths import opened
from .reading import Asked, Scored
from .resources import cores
from .rows import Row
from .tokens import Continued
from .variant import AS_IT_LIES, Variant
from .workers import Workers

Done = TypeVar("Done")


class TransformersModel:
    """The contract's Model over a transformers causal language model."""

    def __init__(
        self,
        path: str,
        *,
        revision: str | None = None,
        dtype: str = "float32",
        device: str = "cpu",
        variant: Variant = AS_IT_LIES,
        leave: Leave = NONE,
        threads: int | None = None,
        memory: int | None = None,
        plain: bool = False,
        powercap: Path = energy.POWERCAP,
    ) -> None:
        """Load a folder or a hub id; UserError says in one sentence why it cannot be loaded.

        `threads` is the number of workers on a CPU; by default one for each core that this process may use.
        `memory` bounds what batches take on a CPU, in bytes; by default half of what is free when the model is loaded.
        `plain` goes by padded batches even where the fast path is sound. `powercap` holds the energy counters.
        """
        folder = Path(path) if Path(path).is_dir() else downloaded(path, revision, leave)
        files.check_folder(folder, leave)
        if variant.adapter:
            check_adapter(Path(variant.adapter), folder)
        workers = Workers((threads or cores()) if device == "cpu" else 1)
        load = functools.partial(loaded, folder, dtype, device, variant, leave)
        started = time.perf_counter()
        found = opened(load, device, workers, plain=plain, memory=memory)
        load_seconds = time.perf_counter() - started
        self._tokens, self._engine = found.tokens, found.engine
        self.why_plain = found.reason
        """Why padded batches are used; empty on the fast path."""
        self.context_tokens: int | None = getattr(found.config, "max_position_embeddings", None)
        weights = files.weight_files(folder) or files.pickle_files(folder)
        code: dict[str, JSON] = {"code_sha256": files.sha256(files.code_files(folder))} if leave.code else {}
        template = self._tokens.template
        self.identity = ModelIdentity(
            kind="transformers",
            name=folder.resolve().name if Path(path).is_dir() else path,
            weights=files.sha256([*weights, *files.config_files(folder)]),
            tokenizer=files.sha256(files.tokenizer_files(folder)),
            template=template and hashlib.sha256(template.encode()).hexdigest(),
            dtype=dtype,
            settings={
                "device": device.split(":")[0],
                "architecture": found.architecture,
                "path": self._engine.name,
                **_stored(found.config),
                **variant.facts(),
                **code,
            },
            versions={"torch": torch.__version__, "transformers": transformers.__version__},
        )
        self.access = self._found_access(found.fast_tokenizer)
        self.notes = tuple(variant.notes(self.identity.name, folder))
        if found.unused:
            other = f"{len(found.unused)} tensors of its files are no part of the model, such as {found.unused[0]}"
            self.notes += (f"{other}: they were not loaded",)
        self._meter = energy.meter(device, powercap)
        self.footprint: Footprint | None = Footprint(
            parameters=found.parameters,
            bytes_on_disk=sum(one.stat().st_size for one in (*weights, *variant.weight_files())),
            load_seconds=load_seconds,
            energy_of=self._meter.parts,
            no_energy=self._meter.why_not,
        )
        given = {"path": str(folder), "dtype": dtype, "variant": variant, "leave": leave}
        given |= {"threads": threads, "memory": memory, "plain": plain}
        self._again = functools.partial(loads, given, load_seconds) if device == "cpu" else tuple

    def batches(self, requests: Sequence[Generation] | Sequence[Scoring]) -> list[list[int]]:
        """Requests that share a context or a way of decoding together, the longest first, each batch of a like size."""
        drawn = [(at, one) for at, one in enumerate(requests) if isinstance(one, Generation)]
        asked = [(at, one) for at, one in enumerate(requests) if isinstance(one, Scoring)]
        sized = [*self._drawn_sizes(drawn), *self._scored_sizes(asked)]
        return planned(sized)

    def generate(self, requests: Sequence[Generation]) -> list[list[Completion]]:
        """`samples` completions for each request; a prompt that does not fit comes back as too_long."""
        replies: list[list[Completion]] = [[] for _ in requests]
        prompts = self._tokens.asked(requests)
        for decoding in dict.fromkeys(one.decoding for one in requests):
            rows: list[Row] = []
            for place, (one, ids) in enumerate(zip(requests, prompts, strict=True)):
                if one.decoding != decoding:
                    continue
                if self.context_tokens and len(ids) + decoding.max_tokens > self.context_tokens:
                    error = f"too_long: {len(ids)} prompt tokens and {decoding.max_tokens} more exceed the context"
                    failed = Completion(text="", finish="error", error=error, prompt_tokens=len(ids))
                    replies[place] = [failed] * one.samples
                    continue
                rows += [
                    Row(
                        place=place,
                        ids=ids,
                        noise=noise(one.seed, ids, at, decoding.max_tokens if decoding.temperature else 0),
                        told=one.token_logprobs,
                    )
                    for at in range(one.samples)
                ]
            if rows:
                self._draw(rows, decoding, metered=rows[0].place == rows[-1].place and requests[rows[0].place].alone)
            for row in rows:
                replies[row.place].append(self._completion(requests[row.place], row))
        return replies

    def score(self, requests: Sequence[Scoring]) -> list[Score]:
        """The log-probability of each continuation after its context."""
        replies: dict[int, Score] = {}
        texts = self._tokens.continued(requests)
        places: dict[Asked, list[int]] = {}
        for place, (one, text) in enumerate(zip(requests, texts, strict=True)):
            if text.kept < 1:
                replies[place] = Score(logprob=0.0, tokens=0, error="empty: nothing to score")
            elif len(text.ids) == 1:
                replies[place] = Score(logprob=0.0, tokens=0, unscored=1)
            elif self.context_tokens and len(text.ids) > self.context_tokens:
                error = f"too_long: {len(text.ids)} tokens exceed the context of {self.context_tokens}"
                replies[place] = Score(logprob=0.0, tokens=0, unscored=text.kept, error=error)
            else:
                places.setdefault(Asked(text._replace(offsets=()), one.moments), []).append(place)
        if places:
            scores = self._fitting(functools.partial(self._engine.score, list(places)))
            for some, found in zip(places.values(), scores, strict=True):
                replies.update((place, _score(requests[place], found, texts[place])) for place in some)
        return [replies[place] for place in range(len(requests))]

    def loads(self) -> Sequence[Load]:
        """What loading the model again takes, in processes of its own; none on a GPU, or where there is no room."""
        return self._again()

    def _draw(self, rows: Sequence[Row], decoding: Decoding, *, metered: bool) -> None:
        before, began = self._meter.read() if metered else (), time.perf_counter()
        self._fitting(functools.partial(self._engine.draw, rows, decoding))
        if metered and (spent := self._meter.since(before, time.perf_counter() - began)) is not None:
            for row in rows:
                row.joules = spent / len(rows)

    def _fitting(self, work: Callable[[], Done]) -> Done:
        """Work, and where a GPU's memory runs out, work again with half as much at once."""
        while True:
            try:
                return work()
            except torch.OutOfMemoryError:
                if not self._engine.shrink():
                    raise
                torch.cuda.empty_cache()

    def _drawn_sizes(self, requests: Sequence[tuple[int, Generation]]) -> list[Sized]:
        prompts = self._tokens.asked([one for _, one in requests])
        return [
            Sized(repr(one.decoding), one.alone, one.samples * (len(ids) + one.decoding.max_tokens), one.samples, [at])
            for (at, one), ids in zip(requests, prompts, strict=True)
        ]

    def _scored_sizes(self, requests: Sequence[tuple[int, Scoring]]) -> list[Sized]:
        """The continuations of one context are one: they are never parted."""
        texts = self._tokens.continued([one for _, one in requests])
        found: dict[object, Sized] = {}
        for (at, one), text in zip(requests, texts, strict=True):
            before = found.get(one.context) or Sized("", False, len(text.ids) - text.kept, 0, [])
            found[one.context] = Sized("", False, before.tokens + text.kept, before.rows + 1, [*before.places, at])
        return list(found.values())

    def _completion(self, asked: Generation, row: Row) -> Completion:
        if row.finish == "nan":
            error = "nan: the model's logits are not finite"
            tokens = len(row.drawn)
            return Completion(text="", finish="error", error=error, prompt_tokens=len(row.ids), tokens=tokens)
        text = self._tokens.said(row.ids, row.drawn)
        for stop in asked.decoding.stop:
            text = text.split(stop, 1)[0]
        return Completion(
            text=text,
            finish=row.finish,
            prompt_tokens=len(row.ids),
            tokens=len(row.drawn),
            token_logprobs=tuple(row.logprobs) if asked.token_logprobs else None,
            seconds=row.seconds if asked.alone else None,
            first_token_seconds=row.first_token_seconds if asked.alone else None,
            joules=row.joules,
        )

    def _found_access(self, fast: bool) -> frozenset[Access]:
        found = {Access.generate, Access.prefill, Access.seeded, Access.token_logprobs}
        found |= {Access.score, Access.moments, Access.footprint}
        if fast:
            found.add(Access.token_scores)
        if self._tokens.template:
            found.add(Access.chat)
            if self._takes_system():
                found.add(Access.system)
        return frozenset(found)

    def _takes_system(self) -> bool:
        turns = (Message(role="system", content="the system's mark"), Message(role="user", content="a question"))
        try:
            return "the system's mark" in self._tokens.text(turns)
        except Exception:  # a template may refuse the system role in any way it likes
            return False


def _stored(config: transformers.PretrainedConfig) -> dict[str, JSON]:
    """How the weights were quantised when they were saved; nothing if they were not."""
    said = getattr(config, "quantization_config", None)
    method = said.get("quant_method") if isinstance(said, dict) else getattr(said, "quant_method", None)
    return {} if said is None else {"stored_as": str(getattr(method, "value", method))}


def _score(asked: Scoring, found: Scored | None, text: Continued) -> Score:
    if found is None:
        return Score(logprob=0.0, tokens=0, unscored=text.kept, error="nan: the model's logits are not finite")
    return Score(
        logprob=sum(found.logprobs),
        tokens=text.scored,
        unscored=text.kept - text.scored,
        greedy=text.scored == text.kept and found.greedy,
        token_logprobs=found.logprobs if asked.per_token else None,
        offsets=text.offsets[-text.scored :] if asked.per_token else None,
        means=found.means,
        variances=found.variances,
    )
