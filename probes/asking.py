"""Put a question to any kind of model, and read which of a few options it takes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .contract import (
    Access,
    Bench,
    Completion,
    Decoding,
    Exchange,
    Generation,
    Message,
    Model,
    Score,
    Scoring,
    Status,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which option a model took: its place, or None with a status that says why not.

    `logprobs` holds the options' log-probabilities in nats where the model gives them, in the options' order.
    """

    option: int | None
    status: Status
    reason: str = ""
    logprobs: tuple[float, ...] | None = None
    exchanges: tuple[Exchange, ...] = ()


def prompt_for(model: Model, text: str, *, cue: str = "", system: str = "") -> str | tuple[Message, ...]:
    """The prompt for a text: through the chat template where there is one, else raw with the cue behind it.

    A raw model is to go on writing, so the `cue` leads it to the answer; a chat model is asked without it.
    A chat template without a system role gets the system text before the user's.
    """
    if Access.chat not in model.access:
        return f"{system}\n\n{text}{cue}" if system else f"{text}{cue}"
    if system and Access.system in model.access:
        return (Message(role="system", content=system), Message(role="user", content=text))
    return (Message(role="user", content=f"{system}\n\n{text}" if system else text),)


def choose(
    bench: Bench,
    questions: Sequence[tuple[str, str]],
    options: Sequence[Sequence[str]],
    *,
    cue: str,
    per_token: bool = False,
) -> list[Choice]:
    """The option that the model takes for each question (an id for the tie-break, and a text).

    Where the model can be scored, it is the likeliest option (`per_token`: by the mean over its tokens, for
    options of unlike length), exact ties broken by the bench's stream for the id. Else a short greedy reply
    is read for the one option that it names.
    """
    if Access.score in bench.model.access:
        return _by_likelihood(bench, questions, options, cue, per_token)
    return _by_reply(bench, questions, options, cue)


def _by_likelihood(
    bench: Bench,
    questions: Sequence[tuple[str, str]],
    options: Sequence[Sequence[str]],
    cue: str,
    per_token: bool,
) -> list[Choice]:
    chat = Access.chat in bench.model.access
    asked: list[Scoring] = []
    for (_, text), some in zip(questions, options, strict=True):
        context = prompt_for(bench.model, _with_options(text, some) if chat else text, cue=cue)
        asked += [Scoring(context=context, continuation=one if chat else f" {one}") for one in some]
    scores = bench.model.score(asked)
    choices, at = [], 0
    for (name, _), some in zip(questions, options, strict=True):
        own = range(at, at + len(some))
        at += len(some)
        choices.append(_likeliest(bench, name, [asked[i] for i in own], [scores[i] for i in own], per_token))
    return choices


def _likeliest(bench: Bench, name: str, asked: Sequence[Scoring], scores: Sequence[Score], per_token: bool) -> Choice:
    exchanges = tuple(Exchange(asked=one, reply=score) for one, score in zip(asked, scores, strict=True))
    broken = [one.error for one in scores if one.error]
    if broken:
        return Choice(option=None, status="error", reason=broken[0], exchanges=exchanges)
    heights = [one.logprob / max(one.tokens, 1) if per_token else one.logprob for one in scores]
    best = [place for place, height in enumerate(heights) if height == max(heights)]
    option = best[0] if len(best) == 1 else int(bench.rng(f"{name}/tie").choice(best))
    logprobs = tuple(one.logprob for one in scores)
    return Choice(option=option, status="judged", logprobs=logprobs, exchanges=exchanges)


def _by_reply(
    bench: Bench, questions: Sequence[tuple[str, str]], options: Sequence[Sequence[str]], cue: str
) -> list[Choice]:
    asked = [
        Generation(
            prompt=prompt_for(bench.model, _with_options(text, some), cue=cue),
            decoding=Decoding(max_tokens=12),
        )
        for (_, text), some in zip(questions, options, strict=True)
    ]
    replies = [texts[0] for texts in bench.model.generate(asked)]
    refusals = bench.judge("refusal", [one.text for one in replies])
    choices = []
    for one, reply, refusal, some in zip(asked, replies, refusals, options, strict=True):
        exchange = (Exchange(asked=one, reply=reply),)
        option, status, reason = read_option(reply, some)
        if option is None and refusal.label:
            status, reason = "refused", "the reply is a refusal"
        choices.append(Choice(option=option, status=status, reason=reason, exchanges=exchange))
    return choices


def read_option(reply: Completion, options: Sequence[str]) -> tuple[int | None, Status, str]:
    """Which one of the options a reply names as whole words; naming none or several is unparseable."""
    if reply.error:
        return None, "error", reply.error
    if not reply.text.strip():
        return None, "empty", "the reply is empty"
    named = [
        place
        for place, one in enumerate(options)
        if re.search(rf"(?<!\w){re.escape(one)}(?!\w)", reply.text, re.IGNORECASE)
    ]
    if len(named) == 1:
        return named[0], "judged", ""
    return None, "unparseable", f"the reply names {len(named) or 'none'} of the options"


def _with_options(text: str, options: Sequence[str]) -> str:
    return f"{text}\nAnswer with one of these and nothing else: {', '.join(options)}."
