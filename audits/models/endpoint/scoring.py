"""How likely a given text is, by a server that tells the log-probabilities of a prompt, in either of two dialects."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from ....probes.contract import Message, Score, Scoring
from .faults import RequestFault
from .wire import CHAT, PLAIN, count, dig, finite, turns

Dialect = Literal["prompt_logprobs", "echo", "echo_unstarted"]
"""vLLM's own field; or OpenAI's `echo` with `logprobs`, for plain prompts alone.

Some servers (llama-cpp-python's) count the token that they put before a prompt, but leave it out of what they echo.
"""


_BLANKS = str.maketrans("", "", " \u2581\u0120")


class Token(NamedTuple):
    """A token of a prompt; `logprob` is None where nothing stands before it. `first` says that it was likeliest."""

    text: str
    logprob: float | None
    first: bool


def body_for(
    dialect: Dialect, model: str, context: str | Sequence[Message], continuation: str
) -> tuple[str, dict[str, object]]:
    """The path and the body that ask for the log-probabilities of context and continuation."""
    body: dict[str, object] = {"model": model, "max_tokens": 1, "temperature": 0.0}
    if dialect == "prompt_logprobs":
        body["prompt_logprobs"] = 0
        if not isinstance(context, str):
            return CHAT, {**body, **turns(context, continuation)}
    else:
        body |= {"echo": True, "logprobs": 1}
    assert isinstance(context, str)
    return PLAIN, {**body, "prompt": context + continuation}


def body_for_count(model: str, context: str | Sequence[Message]) -> tuple[str, dict[str, object]]:
    """The path and the body of a reply whose usage tells how many tokens a context has."""
    body: dict[str, object] = {"model": model, "max_tokens": 1, "temperature": 0.0}
    return (PLAIN, {**body, "prompt": context}) if isinstance(context, str) else (CHAT, {**body, **turns(context)})


def tokens_of(dialect: Dialect, said: object) -> list[Token]:
    """The prompt's tokens in a reply; RequestFault if they are not there."""
    tokens = _of_prompt_logprobs(said) if dialect == "prompt_logprobs" else _of_echo(said, dialect == "echo_unstarted")
    if not tokens or any(one is None for one in tokens):
        raise RequestFault("server", f"the reply holds no log-probabilities of the prompt ({dialect})")
    return [one for one in tokens if one is not None]


def spell(tokens: Sequence[Token], text: str) -> bool:
    """Whether tokens are those of a text, as far as they tell their own; how blanks are written differs."""
    told = "".join(one.text for one in tokens)
    return not told or told.translate(_BLANKS) == text.translate(_BLANKS)


def score_of(asked: Scoring, tokens: Sequence[Token], before: int) -> Score:
    """The score of the tokens behind the first `before`, which are the context's."""
    own = tokens[before:]
    if not own:
        return Score(logprob=0.0, tokens=0, error="empty: nothing to score")
    told = [one for one in own if one.logprob is not None]
    logprobs = tuple(one.logprob for one in told if one.logprob is not None)
    offsets = _offsets(own, asked.continuation)
    return Score(
        logprob=math.fsum(logprobs),
        tokens=len(told),
        unscored=len(own) - len(told),
        greedy=len(told) == len(own) and all(one.first for one in own),
        token_logprobs=logprobs if asked.per_token else None,
        offsets=offsets[len(own) - len(told) :] if asked.per_token and offsets else None,
    )


def _offsets(own: Sequence[Token], continuation: str) -> tuple[int, ...] | None:
    """The character at which each token starts, where the tokens' texts make up the continuation."""
    if "".join(one.text for one in own) != continuation:
        return None
    return tuple(itertools.accumulate((len(one.text) for one in own[:-1]), initial=0))


def _of_prompt_logprobs(said: object) -> list[Token | None]:
    told = dig(said, "choices", 0, "prompt_logprobs") or dig(said, "prompt_logprobs")
    return [_of_one(one) for one in told] if isinstance(told, list) else []


def _of_one(one: object) -> Token | None:
    """One place of vLLM's list: null at the first token, else its id with its log-probability and rank."""
    if one is None:
        return Token("", None, False)
    if not isinstance(one, dict) or len(one) != 1:
        return None
    (told,) = one.values()
    logprob, rank, text = finite(dig(told, "logprob")), dig(told, "rank"), dig(told, "decoded_token")
    return None if logprob is None else Token(text if isinstance(text, str) else "", logprob, rank == 1)


def _of_echo(said: object, unstarted: bool) -> list[Token | None]:
    told = dig(said, "choices", 0, "logprobs")
    texts, logprobs, tops = (dig(told, name) for name in ("tokens", "token_logprobs", "top_logprobs"))
    length = count(said, "prompt_tokens")
    if not isinstance(texts, list) or not isinstance(logprobs, list) or length is None or len(logprobs) < length:
        return []
    length -= unstarted
    start = [Token("", None, False)] * unstarted
    return start + [
        _of_echoed(text, logprob, dig(tops, at))
        for at, (text, logprob) in enumerate(zip(texts[:length], logprobs[:length], strict=True))
    ]


def _of_echoed(text: object, logprob: object, top: object) -> Token | None:
    if logprob is None:
        return Token(str(text), None, False)
    number = finite(logprob)
    best = max((finite(one) or 0.0 for one in top.values()), default=0.0) if isinstance(top, dict) else 0.0
    return None if number is None else Token(str(text), number, number >= best)
