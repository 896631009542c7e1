"""Two models that are deployed as one: the small one answers first, the large one where the small one is unsure.

The evidence of who answers goes with the answer: `responder` names the model, and `drafts` hold what the small one said
first, with what it drew for comparison, whether or not its word stood.

A text that is only to be scored has no author, so the pair scores it by the model that would have answered: what the
small one says after the context decides, and all continuations of a context are scored by the same model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ...probes.contract import (
    Access,
    Completion,
    Decoding,
    Footprint,
    Generation,
    Load,
    Model,
    ModelIdentity,
    Score,
    Scoring,
    to_json,
)
from ..errors import UserError
from ..journalled import BATCH, Answer, Asked, Each, Noted, batches_of, generating, scoring
from ..memory import Reloadable
from .confidence import Confidence
from .seeds import seed_of_sample

SMALL, LARGE = "small", "large"
FIRST_WORDS = Decoding(max_tokens=12)
"""What the small model says after a context that is to be scored: as much as an answer to a choice takes."""
DRAWN_FOR_COMPARISON = -1
"""Such texts have a seed of their own, or they would be the samples that were asked for."""
Drafts = tuple[Completion, ...]


class CascadeModel:
    """The contract's Model over two others. What either lacks, the pair lacks."""

    def __init__(self, small: Model, large: Model, confidence: Confidence) -> None:
        """Put `small` before `large`; UserError if the confidence cannot be had of the small one."""
        if confidence.by == "likelihood" and Access.token_logprobs not in small.access:
            raise UserError(
                f"the small model {small.identity.name} gives no token log-probabilities, so confidence: likelihood "
                "cannot be had of it; write confidence: agreement or confidence: refusal"
            )
        self._small, self._large, self._confidence = small, large, confidence
        self.access: frozenset[Access] = small.access & large.access
        self.footprint: Footprint | None = _both(small.footprint, large.footprint)
        self.context_tokens: int | None = min(
            (one.context_tokens for one in (small, large) if one.context_tokens is not None), default=None
        )
        weights = [one.identity.weights for one in (small, large)]
        self.identity = ModelIdentity(
            kind="cascade",
            name=f"{small.identity.name} then {large.identity.name}",
            weights=hashlib.sha256(" ".join(weights).encode()).hexdigest() if all(weights) else "",
            settings={
                SMALL: to_json(small.identity),
                LARGE: to_json(large.identity),
                **confidence.facts(),
            },
            versions={**small.identity.versions, **large.identity.versions},
        )
        self.notes: Sequence[str] = tuple(self._notes())

    def batches(self, requests: Sequence[Generation] | Sequence[Scoring]) -> list[list[int]]:
        """The small model's batches of texts; scores by context, so that one decision holds for all of a context."""
        scored = [one for one in requests if isinstance(one, Scoring)]
        if not scored:
            return self._drawn_batches([one for one in requests if isinstance(one, Generation)])
        places: dict[object, list[int]] = {}
        for place, one in enumerate(scored):
            places.setdefault(one.context, []).append(place)
        plan: list[list[int]] = []
        for some in places.values():
            if plan and len(plan[-1]) + len(some) <= BATCH:
                plan[-1].extend(some)
            else:
                plan.append(some)
        return plan

    def generate(self, requests: Sequence[Generation]) -> list[list[Completion]]:
        """`samples` completions for each request, each by the model that is sure enough of it, or by the large one."""
        drafts = self._drafts(requests)
        unsure = [[not self._confidence.enough(one[0], one[1:]) for one in some] for some in drafts]
        # A model is asked for its first so many samples: of those only the ones that the small one was unsure of count.
        deferred = {
            place: replace(requests[place], samples=max(at for at, open_ in enumerate(some) if open_) + 1)
            for place, some in enumerate(unsure)
            if any(some)
        }
        said = _in_batches(self._large, list(deferred.values()), generating(self._large))
        larger = dict(zip(deferred, said, strict=True))
        return [
            [
                _deferred(larger[place][at], one, _in_vain(larger[place], unsure[place], at))
                if unsure[place][at]
                else _kept(requests[place], one)
                for at, one in enumerate(some)
            ]
            for place, some in enumerate(drafts)
        ]

    def score(self, requests: Sequence[Scoring]) -> list[Score]:
        """The log-probability of each continuation, by the model that would have answered its context."""
        contexts = list(dict.fromkeys(one.context for one in requests))
        asked = [Generation(prompt=one, decoding=FIRST_WORDS) for one in contexts]
        drafts = dict(zip(contexts, (some[0] for some in self._drafts(asked)), strict=True))
        sure = {context: self._confidence.enough(one[0], one[1:]) for context, one in drafts.items()}
        scores: dict[int, Score] = {}
        for model, responder in ((self._small, SMALL), (self._large, LARGE)):
            own = [place for place, one in enumerate(requests) if sure[one.context] == (responder == SMALL)]
            said = _in_batches(model, [requests[place] for place in own], scoring(model))
            for place, score in zip(own, said, strict=True):
                scores[place] = replace(score, responder=responder, drafts=drafts[requests[place].context])
        return [scores[place] for place in range(len(requests))]

    def loads(self) -> Sequence[Load]:
        """What loading both again takes, one after the other; the small one alone where the large one is served."""
        small, large = (one.loads() if isinstance(one, Reloadable) else () for one in (self._small, self._large))
        if self._large.footprint is None:
            return small
        return [
            Load(
                seconds=one.seconds + other.seconds,
                loaded_bytes=one.loaded_bytes + other.loaded_bytes,
                peak_bytes=one.peak_bytes + other.peak_bytes,
            )
            for one, other in zip(small, large, strict=False)
        ]

    def _drawn_batches(self, requests: Sequence[Generation]) -> list[list[int]]:
        """The small model's batches; those of one request, as a server has them, together: many are decided at once."""
        plan: list[list[int]] = []
        for batch in batches_of(self._small, requests):
            single = len(batch) == 1 and not requests[batch[0]].alone
            if single and plan and not requests[plan[-1][0]].alone and len(plan[-1]) < BATCH:
                plan[-1].extend(batch)
            else:
                plan.append(list(batch))
        return plan

    def _drafts(self, requests: Sequence[Generation]) -> list[list[Drafts]]:
        """What the small model says to each request, sample by sample, and behind it what it drew for comparison."""
        rule = self._confidence
        asked = [replace(one, token_logprobs=one.token_logprobs or rule.by == "likelihood") for one in requests]
        said = _in_batches(self._small, asked, generating(self._small))
        if rule.by != "agreement":
            return [[(one,) for one in some] for some in said]
        compared = [
            replace(
                one,
                decoding=replace(one.decoding, temperature=one.decoding.temperature or 1.0),
                samples=rule.samples,
                seed=seed_of_sample(one.seed, DRAWN_FOR_COMPARISON),
            )
            for one in requests
        ]
        drawn = _in_batches(self._small, compared, generating(self._small))
        return [[(one, *others) for one in some] for some, others in zip(said, drawn, strict=True)]

    def _notes(self) -> Iterator[str]:
        for name, model in ((SMALL, self._small), (LARGE, self._large)):
            yield from (f"{name} model: {note}" for note in (model.notes if isinstance(model, Noted) else ()))
        rule = self._confidence
        yield (
            f"two models were audited as one: {self._large.identity.name} answers where the {rule.by} of "
            f"{self._small.identity.name} is under {rule.threshold:g}; each of them gets questions of another kind, so "
            "their figures by responder do not compare the two"
        )
        if (Access.chat in self._small.access) != (Access.chat in self._large.access):
            yield "one of the two models takes chats and the other does not, so both were asked plainly"


def _kept(asked: Generation, drafts: Drafts) -> Completion:
    """The small model's own answer. It waited for the decision, which takes its time."""
    answer, spent = drafts[0], _seconds(drafts)
    logprobs = answer.token_logprobs if asked.token_logprobs else None
    return replace(
        answer,
        token_logprobs=logprobs,
        responder=SMALL,
        drafts=drafts,
        seconds=spent,
        first_token_seconds=spent,
        joules=_added(*(one.joules for one in drafts)),
    )


def _deferred(answer: Completion, drafts: Drafts, in_vain: Drafts) -> Completion:
    """The large model's answer, for which one waited while the small one spoke."""
    before = _seconds(drafts)
    times = [None if one is None else one + (before or 0.0) for one in (answer.seconds, answer.first_token_seconds)]
    return replace(
        answer,
        responder=LARGE,
        drafts=(*drafts, *in_vain),
        seconds=times[0],
        first_token_seconds=times[1],
        joules=_added(answer.joules, *(one.joules for one in (*drafts, *in_vain))),
    )


def _in_vain(said: Sequence[Completion], unsure: Sequence[bool], at: int) -> Drafts:
    """What the large model said before its sample `at`, since the last that counts, where the small one was sure."""
    first = max((before + 1 for before in range(at) if unsure[before]), default=0)
    return tuple(replace(one, responder=LARGE) for one in said[first:at])


def _seconds(drafts: Drafts) -> float | None:
    """The answer and what was drawn beside it, at once, for comparison: two requests, one after the other."""
    answer, *drawn = drafts
    if answer.seconds is None:
        return None
    return answer.seconds + max((one.seconds or 0.0 for one in drawn), default=0.0)


def _in_batches(model: Model, requests: Sequence[Asked], each: Each[Asked, Answer]) -> list[Answer]:
    """The answers to requests, in batches that the model itself has planned."""
    plan = batches_of(model, requests)
    found: dict[int, Answer] = {}
    for at, said in each([requests[place] for place in batch] for batch in plan):
        found.update(zip(plan[at], said, strict=True))
    return [found[place] for place in range(len(requests))]


def _both(small: Footprint | None, large: Footprint | None) -> Footprint | None:
    """What the two take on this machine: the small one's alone where the other tells nothing, as servers do."""
    if small is None:
        return None
    if large is None:
        elsewhere = "the large model is served, and what its machine spends is not known here"
        return replace(small, energy_of=(), no_energy=elsewhere)
    parameters, size = _added(small.parameters, large.parameters), _added(small.bytes_on_disk, large.bytes_on_disk)
    return Footprint(
        parameters=None if parameters is None else int(parameters),
        bytes_on_disk=None if size is None else int(size),
        load_seconds=_added(small.load_seconds, large.load_seconds),
        energy_of=tuple(dict.fromkeys((*small.energy_of, *large.energy_of))),
        no_energy=small.no_energy or large.no_energy,
    )


def _added(*some: float | None) -> float | None:
    """The sum; None where one is not known."""
    known = [one for one in some if one is not None]
    return sum(known) if len(known) == len(some) else None
