"""Ask open questions and sort the replies into answers, admissions, refusals and what is no reply."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..asking import prompt_for
from ..contract import Access, Bench, Completion, Decoding, Exchange, Generation, Item, Status

CUE = "\nAnswer:"
"""What leads a model without a chat template to the answer."""

Kind = Literal["answer", "abstained", "refused", "empty", "degenerate", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A reply to one question, and of what kind it is; `reason` says why it is no answer.

    `confidence` is the geometric mean of the probabilities that the model gave to the tokens it drew, in
    [0, 1]; None where the model does not tell them.
    """

    kind: Kind
    text: str
    reason: str
    confidence: float | None
    exchange: Exchange
    judges: tuple[str, ...]

    @property
    def status(self) -> Status:
        """Answers and admissions are usable; for the others, what is the matter."""
        if self.kind == "answer" or self.kind == "abstained":
            return "judged"
        return self.kind

    @property
    def attempted(self) -> bool | None:
        """Whether something is claimed; None where that cannot be said."""
        return None if self.kind in ("empty", "degenerate", "error") else self.kind == "answer"


def framed(question: str, bench: Bench) -> str:
    """The question as it is put: plain to a chat model, announced as one to a model that only goes on writing."""
    return question if Access.chat in bench.model.access else f"Question: {question}"


def ask(
    items: Sequence[Item], bench: Bench, *, max_tokens: int, stop: tuple[str, ...], request: str = ""
) -> list[Reply]:
    """Greedy replies to the items' questions, sorted by the detectors.

    A chat model gets the `request` behind the question and ends its reply itself; a raw one is cut at `stop`.
    """
    model, chat = bench.model, Access.chat in bench.model.access
    stop = () if chat else stop
    behind = f"\n{request}" if chat and request else ""
    asked = [
        Generation(
            prompt=prompt_for(model, framed(str(one.content["question"]), bench) + behind, cue=CUE),
            decoding=Decoding(max_tokens=max_tokens, stop=stop),
            seed=bench.seed(one.id),
            token_logprobs=Access.token_logprobs in model.access,
        )
        for one in items
    ]
    replies = [some[0] for some in model.generate(asked)]
    texts = [_cut(one.text, stop) for one in replies]
    judged = [bench.judge(kind, texts) for kind in ("degenerate", "abstention", "refusal")]
    found = []
    for at, (one, reply, text) in enumerate(zip(asked, replies, texts, strict=True)):
        kind, reason = _kind(reply, text, *(labels[at].label for labels in judged))
        found.append(
            Reply(
                kind=kind,
                text=text,
                reason=reason,
                confidence=confidence_of(reply),
                exchange=Exchange(asked=one, reply=reply),
                judges=tuple(labels[at].detector for labels in judged),
            )
        )
    return found


def confidence_of(reply: Completion) -> float | None:
    """The geometric mean probability of a reply's tokens; None without any."""
    if not reply.token_logprobs:
        return None
    return min(1.0, math.exp(math.fsum(reply.token_logprobs) / len(reply.token_logprobs)))


def _cut(text: str, stop: tuple[str, ...]) -> str:
    for one in stop:
        text = text.split(one, 1)[0]
    return text.strip()


def _kind(
    reply: Completion, text: str, degenerate: bool | None, abstains: bool | None, refuses: bool | None
) -> tuple[Kind, str]:
    if reply.error:
        return "error", reply.error
    if not text:
        return "empty", "the reply is empty"
    if degenerate:
        return "degenerate", "the reply repeats itself or is no text"
    # An apology that admits ignorance ("I'm sorry, but I don't know") has the form of a refusal too.
    if abstains:
        return "abstained", "the reply admits not to know"
    if refuses:
        return "refused", "the reply is a refusal"
    return "answer", ""
