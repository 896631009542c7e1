"""The contract's Model over an OpenAI-compatible server."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence

from ....probes.contract import Access, Completion, Footprint, Generation, Message, ModelIdentity, Score, Scoring
from ...errors import EvidenceError, UserError
from ...model_file import EndpointFile
from ..leave import Leave
from ..seeds import seed_of_sample
from .client import Client
from .discovery import Found, discover
from .faults import RequestFault, ServerGone
from .key import key_of
from .loop import Loop, together
from .scoring import body_for, body_for_count, score_of, tokens_of
from .truncation import CUTS
from .wire import asked, count, read

SAME_TEXT = 0.1
"""Nats by which two addresses may differ on one short text and still be taken for the same model."""
MOST_COUNTS = 65_536
Prompt = str | tuple[Message, ...]


class EndpointModel:
    """Asks many requests at a time; a request that fails costs no other one its reply.

    Raises EvidenceError when the server answers nothing any more: what was committed is kept, and the run resumes.
    """

    footprint: Footprint | None = None

    def __init__(self, spec: EndpointFile, leave: Leave, *, pause: float = 0.5) -> None:
        """Find out what the server can do; UserError says in one sentence why it cannot be audited.

        `pause` is the first back-off in seconds.
        """
        self._name = spec.name
        self._at_once = spec.concurrency * len(spec.url)
        self._counts: dict[Prompt, int] = {}
        self._loop = Loop()
        self._client = Client(
            spec.url,
            key_of(spec.key, leave.key_env, os.environ),
            concurrency=spec.concurrency,
            time_out=spec.time_out,
            retries=spec.retries,
            pause=pause,
        )
        try:
            found = self._loop.run(_discovered(self._client, spec))
        except ServerGone as gone:
            raise UserError(f"{gone}; start the server, or mend model.url or its key") from None
        except RequestFault as fault:
            raise UserError(f"{spec.title}: {fault}; mend model.url") from None
        _refuse_unlike(spec.url, found)
        self._plain = all(one.plain for one in found)
        self._dialect = found[0].dialect
        self._untruncated = dict(set.intersection(*({*one.untruncated.items()} for one in found)))
        lengths = [one.context_tokens for one in found if one.context_tokens]
        self.context_tokens: int | None = min(lengths, default=None)
        self.access = frozenset.intersection(*(one.access for one in found))
        if any(one.dialect != self._dialect for one in found):
            self.access -= {Access.score, Access.token_scores}
        versions = sorted({one.version for one in found if one.version})
        self.identity = ModelIdentity(
            kind="endpoint",
            name=spec.name,
            settings={
                "addresses": list(spec.url),
                "template": spec.template,
                # What probes ask depends on these; whether seeds are honoured may come out differently the next time.
                "access": sorted(one.value for one in self.access - {Access.seeded}),
            },
            versions={"server": ", ".join(versions)} if versions else {},
        )
        self.notes = tuple(_notes(found, self.access, self._untruncated))

    def batches(self, requests: Sequence[Generation] | Sequence[Scoring]) -> list[list[int]]:
        """As many texts as are in flight at once, so that a kill costs no more than those."""
        either: Sequence[Generation | Scoring] = requests
        plan: list[list[int]] = []
        room = 0
        for place, one in enumerate(either):
            texts = one.samples if isinstance(one, Generation) else 1
            alone = isinstance(one, Generation) and one.alone
            if not plan or alone or texts > room:
                plan.append([])
                room = self._at_once
            plan[-1].append(place)
            room = 0 if alone else room - texts
        return plan

    def generate(self, requests: Sequence[Generation]) -> list[list[Completion]]:
        """`samples` completions for each request, each asked for by itself with a seed of its own."""
        texts = [self._text(one, sample) for one in requests for sample in range(one.samples)]
        with _stopping():
            told = iter(self._loop.run(together(texts)))
        return [[next(told) for _ in range(one.samples)] for one in requests]

    def score(self, requests: Sequence[Scoring]) -> list[Score]:
        """The log-probability of each continuation after its context, by the server's own arithmetic."""
        with _stopping():
            return self._loop.run(self._scores(requests))

    async def _text(self, request: Generation, sample: int) -> Completion:
        seeded = request.decoding.temperature == 0 or Access.seeded in self.access
        path, body = asked(
            self._name,
            request.prompt,
            request.decoding,
            seed=seed_of_sample(request.seed, sample),
            prefill=request.prefill,
            logprobs=request.token_logprobs and Access.token_logprobs in self.access,
        )
        try:
            self._refuse_unasked(request.prompt, request.prefill)
            if request.decoding.temperature > 0:
                body = {**self._untruncated, **body}
            reply = await self._client.post(path, body)
            return read(
                reply.said,
                request,
                responder=reply.address.host if len(self._client.addresses) > 1 else "",
                seeded=seeded,
                seconds=reply.seconds if request.alone else None,
            )
        except RequestFault as fault:
            finish = "filtered" if fault.cause == "filtered" else "error"
            return Completion(text="", finish=finish, error=str(fault), seeded=seeded)  # type: ignore[arg-type]

    async def _scores(self, requests: Sequence[Scoring]) -> list[Score]:
        if len(self._counts) > MOST_COUNTS:
            self._counts.clear()
        contexts = [one for one in dict.fromkeys(one.context for one in requests) if one not in self._counts]
        faults = dict(zip(contexts, await together([self._counted(one) for one in contexts]), strict=True))
        return await together([self._score(one, faults.get(one.context)) for one in requests])

    async def _counted(self, context: Prompt) -> RequestFault | None:
        """Count a context's tokens for itself: the cut between it and a continuation, as the local engine cuts."""
        try:
            self._refuse_unasked(context)
            reply = await self._client.post(*body_for_count(self._name, context))
        except RequestFault as fault:
            if context != "" or fault.cause != "refused":
                return fault
            self._counts[context] = 0  # servers refuse an empty prompt
            return None
        tokens = count(reply.said, "prompt_tokens")
        if tokens is None:
            return RequestFault("server", "the reply does not tell how many tokens the prompt has")
        self._counts[context] = tokens
        return None

    async def _score(self, request: Scoring, fault: RequestFault | None) -> Score:
        try:
            if fault is not None:
                raise fault
            if self._dialect is None:
                raise RequestFault("refused", "the server tells no log-probabilities of a prompt")
            reply = await self._client.post(*body_for(self._dialect, self._name, request.context, request.continuation))
            return score_of(request, tokens_of(self._dialect, reply.said), self._counts[request.context])
        except RequestFault as found:
            return Score(logprob=0.0, tokens=0, error=str(found))

    def _refuse_unasked(self, prompt: Prompt, prefill: str = "") -> None:
        """RequestFault for what was found to be beyond the server: it would answer something else."""
        if isinstance(prompt, str):
            if not self._plain:
                raise RequestFault("refused", "the server takes chats alone, no plain prompt")
        elif Access.chat not in self.access:
            raise RequestFault("refused", "the server takes no chat")
        elif prefill and Access.prefill not in self.access:
            raise RequestFault("refused", "the server does not go on with a reply that is begun for it")


async def _discovered(client: Client, spec: EndpointFile) -> list[Found]:
    template = spec.template != "never"
    return await together([discover(client, one, spec.name, template=template) for one in client.addresses])


def _refuse_unlike(urls: Sequence[str], found: Sequence[Found]) -> None:
    """UserError if two addresses find the same text unlike likely: the audit would be of neither model."""
    for url, one in zip(urls, found, strict=True):
        if one.reference is not None and found[0].reference is not None:
            apart = abs(one.reference - found[0].reference)
            if apart > SAME_TEXT:
                raise UserError(
                    f"{urls[0]} and {url} serve different models ({apart:.2f} nats apart); name one of them"
                )


def _notes(found: Sequence[Found], access: frozenset[Access], untruncated: Mapping[str, object]) -> Iterator[str]:
    """What a reader of the figures must know of the server."""
    yield "the model was asked through a server: its weights, number type and template could not be looked at"
    if not all(one.draws for one in found):
        yield "the server gave the same text for every seed at temperature 1: sampled figures are of its one text"
    elif Access.seeded not in access:
        yield "the server does not honour seeds: sampled texts cannot be had again, only read in the journal"
    else:
        yield "the server honours seeds when asked by itself; beside other requests its rounding may tip a text"
    unheeded = [one.field for one in CUTS if one.field not in untruncated]
    if unheeded and all(one.draws for one in found):
        yield f"the server does not heed {', '.join(unheeded)}: it may draw from fewer tokens than probes ask for"


@contextlib.contextmanager
def _stopping() -> Iterator[None]:
    try:
        yield
    except ServerGone as gone:
        raise EvidenceError(f"{gone}; what was answered is kept, so mend the server and resume") from None
