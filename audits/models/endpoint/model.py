"""The contract's Model over an OpenAI-compatible server."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ....probes.contract import Access, Completion, Footprint, Generation, Message, ModelIdentity, Score, Scoring, Tool
from ...errors import EvidenceError, Unreachable, UserError
from ...journalled import Answer, Asked
from ...model_file import EndpointFile
from ..cluster.shares import is_alone
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
        self._counts: dict[Prompt, asyncio.Task[int]] = {}
        self._loop = Loop()
        key = key_of(spec.key, leave.key_env, os.environ)
        self._client = Client(
            spec.url,
            key,
            concurrency=spec.concurrency,
            time_out=spec.time_out,
            retries=spec.retries,
            pause=pause,
        )
        try:
            found = self._loop.run(_discovered(self._client, spec))
        except ServerGone as gone:
            if gone.refused:
                cure = "mend its key" if key else "no key was sent: name the variable that holds it with --key-env"
                raise UserError(f"{gone}; {cure}") from None
            raise Unreachable(f"{gone}; start the server, or mend model.url") from None
        except RequestFault as fault:
            kind = UserError if fault.cause == "redirect" else Unreachable
            raise kind(f"{spec.title}: {fault}; mend model.url") from None
        _refuse_unlike(spec.url, found)
        self._plain = all(one.plain for one in found)
        self._dialect = found[0].dialect
        self._untruncated = dict(set.intersection(*({*one.untruncated.items()} for one in found)))
        self._streams = not any(one.unstreamed for one in found)
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
                # The addresses are not among them: it is the same model wherever it is served.
                "template": spec.template,
                # What probes ask depends on these; whether seeds are honoured may come out differently the next time.
                "access": sorted(one.value for one in self.access - {Access.seeded}),
                **({"served": found[0].served} if found[0].served else {}),
            },
            versions={"server": ", ".join(versions)} if versions else {},
        )
        self.notes = tuple(_notes(found, self.access, self._untruncated))

    def batches(self, requests: Sequence[Generation] | Sequence[Scoring]) -> list[list[int]]:
        """Each request for itself: its reply is kept as it comes, and a kill costs no more than what is in the air."""
        return [[place] for place in range(len(requests))]

    def generate(self, requests: Sequence[Generation]) -> list[list[Completion]]:
        """`samples` completions for each request, each asked for by itself with a seed of its own."""
        told = dict(self.generate_each([one] for one in requests))
        return [told[place][0] for place in range(len(requests))]

    def score(self, requests: Sequence[Scoring]) -> list[Score]:
        """The log-probability of each continuation after its context, by the server's own arithmetic."""
        told = dict(self.score_each([one] for one in requests))
        return [told[place][0] for place in range(len(requests))]

    def generate_each(
        self, batches: Iterable[Sequence[Generation]]
    ) -> Iterator[tuple[int, Sequence[list[Completion]]]]:
        """The texts of each batch, as they come back."""
        return self._each(batches, self._texts)

    def score_each(self, batches: Iterable[Sequence[Scoring]]) -> Iterator[tuple[int, Sequence[Score]]]:
        """The scores of each batch, as they come back."""
        return self._each(batches, self._scores)

    def _each(
        self,
        batches: Iterable[Sequence[Asked]],
        ask: Callable[[Sequence[Asked]], Coroutine[object, None, list[Answer]]],
    ) -> Iterator[tuple[int, Sequence[Answer]]]:
        """What is timed has the server to itself."""
        with _stopping():
            yield from self._loop.each(
                batches, ask, most=self._at_once, alone=lambda batch: any(is_alone(one) for one in batch)
            )

    async def _texts(self, requests: Sequence[Generation]) -> list[list[Completion]]:
        told = iter(await together([self._text(one, sample) for one in requests for sample in range(one.samples)]))
        return [[next(told) for _ in range(one.samples)] for one in requests]

    async def _text(self, request: Generation, sample: int) -> Completion:
        seeded = request.decoding.temperature == 0 or Access.seeded in self.access
        sent = replace(
            request,
            seed=seed_of_sample(request.seed, sample),
            token_logprobs=request.token_logprobs and Access.token_logprobs in self.access,
            alone=request.alone and self._streams,
        )
        try:
            self._refuse_unasked(request.prompt, request.prefill, request.tools)
            path, body = asked(self._name, sent)
            if request.decoding.temperature > 0:
                body = {**self._untruncated, **body}
            reply = await self._client.post(path, body)
            told = read(reply.said, request)
        except RequestFault as fault:
            finish = "filtered" if fault.cause == "filtered" else "error"
            return Completion(text="", finish=finish, error=str(fault), seeded=seeded)  # type: ignore[arg-type]
        return replace(
            told,
            responder=reply.address.host if len(self._client.addresses) > 1 else "",
            seeded=seeded,
            seconds=reply.seconds if request.alone else None,
            first_token_seconds=reply.first_seconds if request.alone else None,
        )

    async def _scores(self, requests: Sequence[Scoring]) -> list[Score]:
        return await together([self._score(one) for one in requests])

    async def _score(self, request: Scoring) -> Score:
        try:
            self._refuse_unasked(request.context)
            if self._dialect is None:
                raise RequestFault("refused", "the server tells no log-probabilities of a prompt")
            before = await self._count(request.context)
            reply = await self._client.post(*body_for(self._dialect, self._name, request.context, request.continuation))
            return score_of(request, tokens_of(self._dialect, reply.said), before)
        except RequestFault as found:
            return Score(logprob=0.0, tokens=0, error=str(found))

    async def _count(self, context: Prompt) -> int:
        """How many tokens a context has for itself: the cut before a continuation, as the local engine cuts.

        Asked once, but again if it failed: not every failure is of the context.
        """
        counted = self._counts.get(context)
        if counted is None or (counted.done() and (counted.cancelled() or counted.exception())):
            if len(self._counts) > MOST_COUNTS:
                self._counts.clear()
            counted = self._counts[context] = asyncio.ensure_future(self._counted(context))
            counted.add_done_callback(lambda one: one.cancelled() or one.exception())  # who asked may be gone
        return await asyncio.shield(counted)

    async def _counted(self, context: Prompt) -> int:
        try:
            reply = await self._client.post(*body_for_count(self._name, context))
        except RequestFault as fault:
            if context != "" or fault.cause != "refused":
                raise
            return 0  # servers refuse an empty prompt
        tokens = count(reply.said, "prompt_tokens")
        if tokens is None:
            raise RequestFault("server", "the reply does not tell how many tokens the prompt has")
        return tokens

    def _refuse_unasked(self, prompt: Prompt, prefill: str = "", tools: Sequence[Tool] = ()) -> None:
        """RequestFault for what was found to be beyond the server: it would answer something else."""
        if isinstance(prompt, str):
            if not self._plain:
                raise RequestFault("refused", "the server takes chats alone, no plain prompt")
        elif Access.chat not in self.access:
            raise RequestFault("refused", "the server takes no chat")
        elif prefill and Access.prefill not in self.access:
            raise RequestFault("refused", "the server does not go on with a reply that is begun for it")
        called = not isinstance(prompt, str) and any(one.calls or one.role == "tool" for one in prompt)
        if (tools or called) and (isinstance(prompt, str) or Access.tools not in self.access):
            raise RequestFault("refused", "the server takes no tools, or none without a chat")


async def _discovered(client: Client, spec: EndpointFile) -> list[Found]:
    template = spec.template != "never"
    return await together([discover(client, one, spec.name, template=template) for one in client.addresses])


def _refuse_unlike(urls: Sequence[str], found: Sequence[Found]) -> None:
    """UserError if two addresses tell unlike things of their model, or of how likely a text is: it is not one model."""
    for url, one in zip(urls, found, strict=True):
        if one.served != found[0].served:
            names = sorted({*one.served, *found[0].served})
            name = next(name for name in names if one.served.get(name) != found[0].served.get(name))
            raise UserError(f"{urls[0]} and {url} serve different models (they differ in {name}); name one of them")
        if one.reference is not None and found[0].reference is not None:
            apart = abs(one.reference - found[0].reference)
            if apart > SAME_TEXT:
                raise UserError(
                    f"{urls[0]} and {url} serve different models ({apart:.2f} nats apart); name one of them"
                )


def _notes(found: Sequence[Found], access: frozenset[Access], untruncated: Mapping[str, object]) -> Iterator[str]:
    """What a reader of the figures must know of the server."""
    yield "the model was asked through a server: its weights, number type and template could not be looked at"
    if not found[0].served:
        yield "the server tells nothing by which other weights under the same name would be known"
    if whys := [one.unstreamed for one in found if one.unstreamed]:
        yield (
            f"the server's replies could not be timed token by token ({whys[0]}): the time to the first token and "
            "tokens a second are not measured"
        )
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
