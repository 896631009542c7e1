"""Find out by asking what a server can do: nothing is taken from its documentation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

from ....probes.contract import JSON, Access, Completion, Decoding, Generation, Message, Scoring, Tool
from ...errors import Unreachable, UserError
from .client import Address, Client, Reply
from .faults import RequestFault
from .listing import context_of, listing, served
from .scoring import Dialect, body_for, body_for_count, score_of, spell, tokens_of
from .truncation import untruncated
from .wire import asked, count, dig, read

QUESTION = "Once upon a time there was a"
CONTINUATION = " little girl named Lily"
SYSTEM = "Answer in the manner of a sailor who has seen all the seven seas."
DRAWN = Decoding(max_tokens=24, temperature=1.0)
SEEDS = (11, 11, 12, 13, 14)
"""The first twice: a server that honours seeds says the same; the others tell whether it draws at all."""
STREAMED = Decoding(max_tokens=24)
WEATHER = Tool(
    name="get_weather",
    description="Tells today's weather in a city.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
CALLING = Generation(
    prompt=(Message(role="user", content="What is the weather in Paris today? Call get_weather to find out."),),
    decoding=Decoding(max_tokens=128),
    tools=(WEATHER,),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one address can do. `reference` is how likely it finds a fixed text, in nats, where it tells.

    `untruncated` are the fields that make it draw from all tokens. `unstreamed` is why the tokens of a reply cannot be
    timed, or "". `served` is what it tells of the weights.
    """

    access: frozenset[Access]
    plain: bool
    dialect: Dialect | None
    draws: bool
    untruncated: Mapping[str, object]
    context_tokens: int | None
    version: str
    reference: float | None
    unstreamed: str
    served: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class _Asker:
    """Asks one address about one model; keeps the fingerprints that come with its replies."""

    client: Client
    address: Address
    model: str
    fingerprints: set[str] = field(default_factory=set)

    async def at(self, path: str, body: Mapping[str, object]) -> Reply:
        """What it says; RequestFault if it refuses."""
        reply = await self.client.at(self.address, "POST", path, body)
        fingerprint = dig(reply.said, "system_fingerprint")
        if isinstance(fingerprint, str) and fingerprint:
            self.fingerprints.add(fingerprint)
        return reply

    async def reply(self, path: str, body: Mapping[str, object]) -> object | None:
        """What it says, or None if it refuses; a server that says nothing at all is not asked on."""
        try:
            return (await self.at(path, body)).said
        except RequestFault as fault:
            if fault.cause == "time_out":
                raise
            return None

    async def completion(self, request: Generation, **more: object) -> Completion | None:
        """The text that it gives, or None if it refuses or gives another shape; `more` fields go along."""
        path, body = asked(self.model, request)
        said = await self.reply(path, {**body, **more})
        try:
            return None if said is None else read(said, request)
        except RequestFault:
            return None


async def discover(client: Client, address: Address, model: str, *, template: bool) -> Found:
    """What an address can do with a model; UserError if it does not have the model or gives no text.

    `template` allows the chat interface, through which the server puts its own template around a prompt.
    """
    asker = _Asker(client, address, model)
    listed = await listing(asker.client, address, model)
    chat: tuple[Message, ...] = (Message(role="user", content=QUESTION),)
    one = Decoding(max_tokens=1)
    plain = await asker.completion(Generation(prompt=QUESTION, decoding=one)) is not None
    chats = template and await asker.completion(Generation(prompt=chat, decoding=one)) is not None
    if not plain and not chats:
        raise await _why_nothing(asker)
    prompt: str | tuple[Message, ...] = chat if chats else QUESTION
    client.knows(*asked(model, Generation(prompt=prompt, decoding=one)))
    access = {Access.generate}
    if chats:
        access.add(Access.chat)
        if await _counts_more(asker, chat, (Message(role="system", content=SYSTEM), *chat)):
            access.add(Access.system)
        if await _calls(asker):
            access.add(Access.tools)
    goes_on = chats and await _goes_on(asker, chat)
    if goes_on or not chats:
        access.add(Access.prefill)
    told = await asker.completion(Generation(prompt=prompt, decoding=Decoding(max_tokens=4), token_logprobs=True))
    if told is not None and told.token_logprobs:
        access.add(Access.token_logprobs)
    texts = [await asker.completion(Generation(prompt=prompt, decoding=DRAWN, seed=seed)) for seed in SEEDS]
    drawn = [text.text if text else None for text in texts]
    draws = len(set(drawn)) > 1
    if draws and drawn[0] == drawn[1] is not None:
        access.add(Access.seeded)

    async def drawn_with(seed: int, more: Mapping[str, object]) -> Completion | None:
        return await asker.completion(Generation(prompt=prompt, decoding=DRAWN, seed=seed), **more)

    unlike = dict(zip(drawn, SEEDS, strict=True))  # seeds that gave different texts
    # Probes put their questions through the chat where there is one: to score plain prompts alone would answer others.
    contexts = [QUESTION] * plain + [chat] * chats if goes_on or not chats else []
    dialect, reference, offsets = await _scores(asker, contexts)
    if dialect:
        access |= {Access.score, Access.token_scores} if offsets else {Access.score}
    unstreamed = await _why_unstreamed(asker, Generation(prompt=prompt, decoding=STREAMED, alone=True))
    return Found(
        access=frozenset(access),
        plain=plain,
        dialect=dialect,
        draws=draws,
        untruncated=await untruncated(drawn_with, list(unlike.values())[:2]) if draws else {},
        context_tokens=context_of(listed),
        version=await _version(asker),
        reference=reference,
        unstreamed=unstreamed,
        served=served(asker.fingerprints, listed, await listing(asker.client, address, model)),
    )


async def _why_nothing(asker: _Asker) -> UserError:
    """One sentence on a server that gives no text: its own words where it has any."""
    said = f"{asker.address.url} gives no text of '{asker.model}'"
    try:
        await asker.at(*asked(asker.model, Generation(prompt=QUESTION, decoding=Decoding(max_tokens=1))))
    except RequestFault as fault:
        kind = Unreachable if fault.cause in ("server", "time_out") else UserError
        return kind(f"{said} ({fault}); mend model.name or model.url")
    return UserError(f"{said} in a form that the interface has; name the address of an OpenAI-compatible server")


async def _calls(asker: _Asker) -> bool:
    """Whether it takes tools and gives calls as calls: of its own accord, or at least where it must.

    A model may well choose to call nothing; that the server has the form for calls shows where it is bidden to.
    """
    try:
        told = await asker.completion(CALLING)
        if told is not None and not told.calls:
            told = await asker.completion(CALLING, tool_choice="required")
    except RequestFault:
        return False
    return told is not None and any(one.name == WEATHER.name for one in told.calls)


async def _why_unstreamed(asker: _Asker, request: Generation) -> str:
    """Why the tokens of a reply cannot be timed, or "" if they can."""
    try:
        reply = await asker.at(*asked(asker.model, request))
        told = read(reply.said, request)
    except RequestFault as fault:
        return str(fault)
    if reply.first_seconds is None and told.text:
        return "it sends its text whole, or many tokens at a time"
    return ""


async def _counts_more(asker: _Asker, few: tuple[Message, ...], many: tuple[Message, ...]) -> bool:
    """Whether a longer chat is also longer for the server: one that drops a message counts as many tokens as before."""
    counts = [count(await asker.reply(*body_for_count(asker.model, one)), "prompt_tokens") for one in (few, many)]
    return counts[0] is not None and counts[1] is not None and counts[1] > counts[0]


async def _goes_on(asker: _Asker, chat: tuple[Message, ...]) -> bool:
    """Whether the model's own turn can be begun for it: only then is a chat with it longer by exactly its tokens."""
    begun = await asker.completion(Generation(prompt=chat, decoding=Decoding(max_tokens=1), prefill=CONTINUATION))
    bare = await asker.completion(Generation(prompt=chat, decoding=Decoding(max_tokens=1)))
    further = await asker.completion(Generation(prompt=chat, decoding=Decoding(max_tokens=1), prefill=2 * CONTINUATION))
    counts = [one.prompt_tokens if one else None for one in (bare, begun, further)]
    few, some, many = counts
    return few is not None and some is not None and many is not None and many - some == some - few > 0


async def _scores(
    asker: _Asker, contexts: list[str | tuple[Message, ...]]
) -> tuple[Dialect | None, float | None, bool]:
    """The dialect in which every kind of context can be scored, the score of a fixed text, and if offsets are told."""
    dialects: tuple[Dialect, ...] = get_args(Dialect) if contexts else ()
    for dialect in dialects:
        if dialect != "prompt_logprobs" and any(not isinstance(one, str) for one in contexts):
            continue
        try:
            scores = []
            for context in contexts:
                before = count(await asker.reply(*body_for_count(asker.model, context)), "prompt_tokens")
                said = await asker.reply(*body_for(dialect, asker.model, context, CONTINUATION))
                if before is None or said is None:
                    raise RequestFault("refused", "no such field")
                tokens = tokens_of(dialect, said)
                if not spell(tokens[before:], CONTINUATION):
                    raise RequestFault("server", "what it tells of is not the text that was asked for")
                scores.append(
                    score_of(Scoring(context=context, continuation=CONTINUATION, per_token=True), tokens, before)
                )
        except RequestFault:
            continue
        if all(one.tokens and not one.error and not one.unscored for one in scores):
            return dialect, scores[0].logprob, all(one.offsets is not None for one in scores)
    return None, None, False


async def _version(asker: _Asker) -> str:
    """The version of the server's program, where it tells (vLLM and llama.cpp do)."""
    root = Address(url=asker.address.url.removesuffix("/v1"))
    for path, name in (("version", "version"), ("props", "build_info")):
        try:
            said = dig((await asker.client.at(root, "GET", path)).said, name)
        except RequestFault:
            continue
        if isinstance(said, str):
            return said
    return ""
