"""A local causal language model, by folder or hub id, run by transformers on one device."""

from __future__ import annotations

import hashlib
import inspect
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, cast

import torch
import transformers

from ...probes.contract import JSON, Access, Completion, Footprint, Generation, Message, ModelIdentity, Score, Scoring
from ..errors import UserError
from . import files
from .decoding import Row, Told, decode
from .drawing import Noise
from .leave import NONE, Leave
from .tokens import Continued, Tokenizer, Tokens
from .variant import AS_IT_LIES, Variant

ROWS_A_BATCH = 96
# A score is one pass over all its tokens, bound by arithmetic; a generation is many small steps, bound by their number.
SCORED_TOKENS_A_BATCH = 4096
DRAWN_TOKENS_A_BATCH = 16_384
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class Network(Protocol):
    """What is used of a transformers causal language model."""

    generation_config: transformers.GenerationConfig
    config: transformers.PretrainedConfig

    def forward(self, **given: object) -> Told:
        """Logits and cache."""
        ...

    def __call__(self, **given: object) -> Told:
        """The same."""
        ...

    def parameters(self) -> Iterator[torch.Tensor]:
        """The weights."""
        ...

    def eval(self) -> Network:
        """Make ready for inference."""
        ...

    def to(self, device: str) -> Network:
        """Move to a device."""
        ...


class Sized(NamedTuple):
    """A request as the batch planner sees it: only requests of one `kind` share a batch."""

    kind: tuple[str, bool]
    tokens: int
    rows: int
    place: int


class TransformersModel:
    """The contract's Model over a transformers causal language model. Requests are batched by length."""

    def __init__(
        self,
        path: str,
        *,
        revision: str | None = None,
        dtype: str = "float32",
        device: str = "cpu",
        variant: Variant = AS_IT_LIES,
        leave: Leave = NONE,
    ) -> None:
        """Load a folder or a hub id; UserError says in one sentence why it cannot be loaded."""
        started = time.perf_counter()
        affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        torch.set_num_threads(affinity or 1)
        folder = Path(path) if Path(path).is_dir() else _downloaded(path, revision)
        files.check_folder(folder, leave)
        tokenizer, self._network = _loaded(folder, dtype, device, variant, leave)
        self._device = device
        parameters = inspect.signature(self._network.forward).parameters
        self._keeps_logits = "logits_to_keep" in parameters
        self._takes_positions = "position_ids" in parameters
        said = self._network.generation_config.eos_token_id
        ends = [*(said if isinstance(said, list) else [said]), tokenizer.eos_token_id]
        self._tokens = Tokens(tokenizer, frozenset(int(one) for one in ends if one is not None))
        self.context_tokens: int | None = getattr(self._network.config, "max_position_embeddings", None)
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
                "architecture": type(self._network).__name__,
                **variant.facts(),
                **code,
            },
            versions={"torch": torch.__version__, "transformers": transformers.__version__},
        )
        self.access = self._found_access(tokenizer.is_fast)
        self.notes = tuple(variant.notes(self.identity.name, files.chat_template(folder)))
        self.footprint: Footprint | None = Footprint(
            parameters=sum(one.numel() for one in self._network.parameters()),
            bytes_on_disk=sum(one.stat().st_size for one in weights),
            load_seconds=time.perf_counter() - started,
        )

    def batches(self, requests: Sequence[Generation] | Sequence[Scoring]) -> list[list[int]]:
        """Requests of like decoding and length together, the longest first, under a budget of tokens and rows."""
        either: Sequence[Generation | Scoring] = requests
        sized = [self._sized(one, place) for place, one in enumerate(either)]
        sized.sort(key=lambda one: (one.kind, -one.tokens, one.place))
        plan: list[list[Sized]] = []
        for one in sized:
            last = plan[-1] if plan else []
            rows = sum(other.rows for other in last) + one.rows
            budget = DRAWN_TOKENS_A_BATCH if one.kind[0] else SCORED_TOKENS_A_BATCH
            fits = last and rows <= ROWS_A_BATCH and rows * last[0].tokens <= budget
            if fits and last[0].kind == one.kind and not one.kind[1]:
                last.append(one)
            else:
                plan.append([one])
        return [[one.place for one in batch] for batch in plan]

    @torch.inference_mode()
    def generate(self, requests: Sequence[Generation]) -> list[list[Completion]]:
        """`samples` completions for each request; a prompt that does not fit comes back as too_long."""
        replies: list[list[Completion]] = [[] for _ in requests]
        for decoding in dict.fromkeys(one.decoding for one in requests):
            rows: list[Row] = []
            for place, one in enumerate(requests):
                if one.decoding != decoding:
                    continue
                ids = self._tokens.asked(one)
                if self.context_tokens and len(ids) + decoding.max_tokens > self.context_tokens:
                    error = f"too_long: {len(ids)} prompt tokens and {decoding.max_tokens} more exceed the context"
                    failed = Completion(text="", finish="error", error=error, prompt_tokens=len(ids))
                    replies[place] = [failed] * one.samples
                    continue
                rows += [Row(place=place, ids=ids, noise=Noise(one.seed, ids, at)) for at in range(one.samples)]
            if rows:
                decode(self._forward, self._tokens, rows, decoding, self._device)
            for row in rows:
                replies[row.place].append(self._completion(requests[row.place], row))
        return replies

    @torch.inference_mode()
    def score(self, requests: Sequence[Scoring]) -> list[Score]:
        """The log-probability of each continuation after its context."""
        replies: dict[int, Score] = {}
        rows: list[tuple[int, Continued]] = []
        for place, one in enumerate(requests):
            text = self._tokens.continued(one)
            if text.kept < 1:
                replies[place] = Score(logprob=0.0, tokens=0, error="empty: nothing to score")
            elif len(text.ids) == 1:
                replies[place] = Score(logprob=0.0, tokens=0, unscored=1)
            elif self.context_tokens and len(text.ids) > self.context_tokens:
                error = f"too_long: {len(text.ids)} tokens exceed the context of {self.context_tokens}"
                replies[place] = Score(logprob=0.0, tokens=0, unscored=text.kept, error=error)
            else:
                rows.append((place, text))
        # The last token is predicted, never read: so options of one token behind one context are one row.
        read = {before: at for at, before in enumerate(dict.fromkeys(tuple(text.ids[:-1]) for _, text in rows))}
        if read:
            ids, mask, positions = self._tokens.padded(list(read), self._device)
            keep = max(text.kept for _, text in rows)
            told = self._forward(input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False, keep=keep)
            for place, text in rows:
                replies[place] = _score(requests[place], told.logits[read[tuple(text.ids[:-1])]], text)
        return [replies[place] for place in range(len(requests))]

    def _forward(self, *, keep: int, **given: object) -> Told:
        """A forward pass whose head is computed for the last `keep` positions only, where the model can do that."""
        if self._keeps_logits:
            given["logits_to_keep"] = keep
        if not self._takes_positions:
            given.pop("position_ids")
        return self._network(**given)

    def _sized(self, request: Generation | Scoring, place: int) -> Sized:
        if isinstance(request, Generation):
            tokens = len(self._tokens.asked(request)) + request.decoding.max_tokens
            return Sized((repr(request.decoding), request.alone), tokens, request.samples, place)
        return Sized(("", False), len(self._tokens.continued(request).ids), 1, place)

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
        )

    def _found_access(self, fast: bool) -> frozenset[Access]:
        found = {Access.generate, Access.prefill, Access.seeded, Access.token_logprobs, Access.score, Access.footprint}
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


def _score(asked: Scoring, logits: torch.Tensor, text: Continued) -> Score:
    """The score of one row; its logits are aligned to the right, so the last predicts the last token."""
    scored = min(text.kept, len(text.ids) - 1)
    rows = logits[logits.shape[0] - scored :].float()
    wanted = torch.tensor(text.ids[len(text.ids) - scored :], dtype=torch.long, device=rows.device)
    likely = rows.gather(-1, wanted[:, None]).squeeze(-1).double() - rows.logsumexp(-1).double()
    if not bool(torch.isfinite(likely).all()):
        return Score(logprob=0.0, tokens=0, unscored=text.kept, error="nan: the model's logits are not finite")
    return Score(
        logprob=float(likely.sum()),
        tokens=scored,
        unscored=text.kept - scored,
        greedy=scored == text.kept and bool((rows.argmax(-1) == wanted).all()),
        token_logprobs=tuple(cast("list[float]", likely.tolist())) if asked.per_token else None,
        offsets=text.offsets[-scored:] if asked.per_token and scored else None,
    )


def _loaded(folder: Path, dtype: str, device: str, variant: Variant, leave: Leave) -> tuple[Tokenizer, Network]:
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        given: Mapping[str, object] = {"local_files_only": True, "trust_remote_code": leave.code}
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **given)
        weights = {"use_safetensors": bool(files.weight_files(folder)), "dtype": DTYPES[dtype]}
        network = transformers.AutoModelForCausalLM.from_pretrained(folder, **given, **weights)
        network = variant.applied(tokenizer, network).eval().to(device)
    except UserError:
        raise
    except Exception as error:
        first = str(error).strip().split("\n")[0]
        raise UserError(f"{folder} cannot be loaded as a causal language model: {first}; save it again") from error
    return cast(Tokenizer, tokenizer), cast(Network, network)


def _downloaded(name: str, revision: str | None) -> Path:
    """The folder of a hub id in the hub's cache, fetched if the network is there."""
    from huggingface_hub import snapshot_download

    try:
        patterns = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]
        return Path(snapshot_download(name, revision=revision, allow_patterns=patterns))
    except Exception as error:
        why = str(error).strip().split("\n")[0]
        raise UserError(
            f"{name} is no folder here and cannot be had from the hub ({why}); name a local folder"
        ) from error
