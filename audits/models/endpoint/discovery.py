"""Find out by asking what a server can do: nothing is taken from its documentation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, get_args

from ....probes.contract import Access, Completion, Decoding, Generation, Message, Scoring
from ...errors import UserError
from ...yaml_file import nearest
from .client import Address, Client
from .faults import RequestFault
from .scoring import Dialect, body_for, body_for_count, score_of, spell, tokens_of
from .truncation import untruncated
from .wire import asked, count, dig, read

QUESTION = "Once upon a time there was a"
CONTINUATION = " little girl named Lily"
SYSTEM = "Answer in the manner of a sailor who has seen all the seven seas."
DRAWN = Decoding(max_tokens=24, temperature=1.0)
SEEDS = (11, 11, 12, 13, 14)
"""The first twice: a server that honours seeds says the same; the others tell whether it draws at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one address can do. `reference` is how likely it finds a fixed text, in nats, where it tells.

    `untruncated` are the fields that make it draw from all tokens.
    """

    access: frozenset[Access]
    plain: bool
    dialect: Dialect | None
    draws: bool
    untruncated: Mapping[str, object]
    context_tokens: int | None
    version: str
    reference: float | None


class _Asker(NamedTuple):
    """Asks one address about one model."""

    client: Client
    address: Address
    model: str

    async def reply(self, path: str, body: Mapping[str, object]) -> object | None:
        """What it says, or None if it refuses; a server that says nothing at all is not asked on."""
        try:
            return await self.client.at(self.address, "POST", path, body)
        except RequestFault as fault:
            if fault.cause == "time_out":
                raise
            return None

    async def completion(self, request: Generation, **more: object) -> Completion | None:
        """The text that it gives, or None if it refuses or gives another shape; `more` fields go along."""
        path, body = asked(
            self.model,
            request.prompt,
            request.decoding,
            seed=request.seed,
            prefill=request.prefill,
            logprobs=request.token_logprobs,
        )
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
    context_tokens = await _listed(asker)
    chat: tuple[Message, ...] = (Message(role="user", content=QUESTION),)
    one = Decoding(max_tokens=1)
    plain = await asker.completion(Generation(prompt=QUESTION, decoding=one)) is not None
    chats = template and await asker.completion(Generation(prompt=chat, decoding=one)) is not None
    if not plain and not chats:
        raise UserError(await _why_nothing(asker, template))
    client.knows(*asked(model, chat if chats else QUESTION, one, seed=0))
    prompt: str | tuple[Message, ...] = chat if chats else QUESTION
    access = {Access.generate}
    if chats:
        access.add(Access.chat)
        if await _counts_more(asker, chat, (Message(role="system", content=SYSTEM), *chat)):
            access.add(Access.system)
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
    return Found(
        access=frozenset(access),
        plain=plain,
        dialect=dialect,
        draws=draws,
        untruncated=await untruncated(drawn_with, list(unlike.values())[:2]) if draws else {},
        context_tokens=context_tokens,
        version=await _version(asker),
        reference=reference,
    )


async def _listed(asker: _Asker) -> int | None:
    """How many tokens the list of models gives the model; UserError if the list is there and lacks the model."""
    try:
        said = await asker.client.at(asker.address, "GET", "models")
    except RequestFault as fault:
        if fault.cause in ("redirect", "time_out"):
            raise
        return None  # not every server has a list
    listed = dig(said, "data")
    if not isinstance(listed, list) or not listed:
        return None
    models = {str(dig(one, "id")): one for one in listed}
    for one in listed:  # llama.cpp gives a model more names than one
        aliases = dig(one, "aliases")
        models |= {str(name): one for name in aliases} if isinstance(aliases, list) else {}
    if asker.model not in models:
        raise UserError(f"{asker.address.url} serves no model '{asker.model}'{nearest(asker.model, models)}")
    tokens = dig(models[asker.model], "max_model_len") or dig(models[asker.model], "meta", "n_ctx")
    return tokens if isinstance(tokens, int) and tokens > 0 else None


async def _why_nothing(asker: _Asker, template: bool) -> str:
    """One sentence on a server that gives no text: its own words where it has any."""
    said = f"{asker.address.url} gives no text of '{asker.model}'"
    path, body = asked(asker.model, QUESTION, Decoding(max_tokens=1), seed=0)
    try:
        await asker.client.at(asker.address, "POST", path, body)
    except RequestFault as fault:
        return f"{said} ({fault}); mend model.name or model.url"
    return f"{said} in a form that the interface has; name the address of an OpenAI-compatible server"


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
            said = dig(await asker.client.at(root, "GET", path), name)
        except RequestFault:
            continue
        if isinstance(said, str):
            return said
    return ""
