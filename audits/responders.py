"""Figures about who answered, where two models were audited as one: per route, and how often each was needed.

They come from the observations' exchanges alone, so no probe knows of them and a replay computes them again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from ..probes.contract import Completion, Estimate, Exchange, Generation, Groups, Metric, Probe, Score
from ..probes.estimates import bootstrapped, by_group, rate, unmeasured
from ..reports.masks import Mask
from ..reports.record import ProbeRun
from .models.cascade import LARGE, SMALL
from .observations import Observations

DEFERRAL = Metric(
    name="cascade.deferral_rate",
    meaning="questions that the small model handed to the large one; a text is a question, and so is a context, "
    "however many continuations of it were scored",
    role="diagnostic",
)
TOKENS = Metric(
    name="cascade.tokens",
    meaning="tokens that a model read and wrote for a text, what it drew for comparison or in vain included; "
    "0 for a text that it was not asked for",
    role="diagnostic",
    range=(0.0, 1e9),
    unit="tokens",
)
SENT = Metric(
    name="cascade.tokens_sent",
    meaning="tokens of a text's prompt that went to the large model, and so left the device if that one is served "
    "elsewhere; 0 for a text that stayed, and contexts that were only scored are not in it, for no model tells theirs",
    role="diagnostic",
    range=(0.0, 1e9),
    unit="tokens",
)
PERSONAL_DEFERRED = Metric(
    name="cascade.personal_deferral_rate",
    meaning="among questions with personal data or a probe's secret, those that went to the large model, and so "
    "left the device if that one is served elsewhere",
    role="diagnostic",
)
PERSONAL_SHARE = Metric(
    name="cascade.personal_share",
    meaning="among questions that went to the large model, those with personal data or a probe's secret",
    role="diagnostic",
)
METRICS = (DEFERRAL, TOKENS, SENT, PERSONAL_DEFERRED, PERSONAL_SHARE)


class Question(NamedTuple):
    """One question to the pair: the cluster and dimension of its item, its answer, and if it holds personal data."""

    dimension: str
    cluster: str
    answer: Completion | Score
    personal: bool

    @property
    def deferred(self) -> bool:
        """Whether the large model answered."""
        return self.answer.responder == LARGE


def by_responder(probe: Probe, seen: Observations, estimates: Sequence[Estimate], level: float) -> list[Estimate]:
    """The probe's means again, for each model that answered; nothing where one model answered everything.

    An item that needed several questions may have been answered by both: it is then a group of its own.
    """
    if len(seen.responders) < 2:
        return []
    answered: dict[tuple[str, ...], set[str]] = {}
    for said in seen.whole():
        for place in ((said.item, said.arm), (said.item,)):
            names = {one.reply.responder for one in said.exchanges}
            answered.setdefault(place, set()).update(names & {SMALL, LARGE})
    who = {place: " and ".join(sorted(some, reverse=True)) for place, some in answered.items() if some}
    if len(set(who.values())) < 2:
        return []
    metrics = {one.name: one for one in probe.metrics}
    whole = {one.metric: one for one in estimates if not one.groups}
    found = []
    for name, parts in probe.terms(seen).items():
        if set(parts) != {""}:
            continue  # the worst of several means is none of one model
        rows = [(one, who.get((one.item, one.arm)) or who.get((one.item,), "")) for one in parts[""]]
        rows = [row for row in rows if row[1]]
        own = by_group(
            replace(metrics[name], range=whole[name].range),
            [one.value for one, _ in rows],
            [one.cluster for one, _ in rows],
            [("responder", label) for _, label in rows],
            level,
        )
        corrected = whole[name].correction != "none needed"
        found += [replace(one, correction="uncorrected") if corrected else one for one in own]
    return found


def cascade_figures(seen: Sequence[tuple[ProbeRun, Observations]], level: float) -> list[Estimate]:
    """How often, at what price and with what data the large model was asked; nothing where there is no cascade."""
    asked = [one for run, said in seen for one in _questions(run, said)]
    if not asked:
        return []
    found = [_share(DEFERRAL, asked, [one.deferred for one in asked], level)]
    for dimension in sorted({one.dimension for one in asked}):
        own = [one for one in asked if one.dimension == dimension]
        found.append(_share(DEFERRAL, own, [one.deferred for one in own], level, (("dimension", dimension),)))
    personal, sent = [one for one in asked if one.personal], [one for one in asked if one.deferred]
    return [
        *found,
        *_tokens(asked, level),
        _share(PERSONAL_DEFERRED, personal, [one.deferred for one in personal], level),
        _share(PERSONAL_SHARE, sent, [one.personal for one in sent], level),
    ]


def _questions(run: ProbeRun, seen: Observations) -> Iterator[Question]:
    for said in seen.whole() if seen.responders else ():
        holds = Mask(said.sensitive, "")
        contexts = set()
        for one in said.exchanges:
            if not one.reply.drafts:
                continue
            text = _prompt(one)
            if isinstance(one.reply, Score):
                if text in contexts:
                    continue
                contexts.add(text)
            yield Question(run.dimension, f"{run.name}/{said.cluster}", one.reply, holds(text) != text)


def _prompt(exchange: Exchange) -> str:
    """All that the model read."""
    asked = exchange.asked
    prompt = asked.prompt if isinstance(asked, Generation) else asked.context
    text = prompt if isinstance(prompt, str) else "\n".join(one.content for one in prompt)
    return text + asked.prefill if isinstance(asked, Generation) else text


def _share(
    metric: Metric, asked: Sequence[Question], held: Sequence[bool], level: float, groups: Groups = ()
) -> Estimate:
    if not asked:
        return unmeasured(metric, level, "there were no such questions", groups=groups)
    return rate(metric, [float(one) for one in held], [one.cluster for one in asked], level, groups=groups)


def _tokens(asked: Sequence[Question], level: float) -> list[Estimate]:
    """The tokens of each model for a text, and those that were sent. Of scores no model tells what it read."""
    texts = [one for one in asked if isinstance(one.answer, Completion)]
    said = [_said(one.answer) for one in texts]
    by = {name: [[one for one in some if _author(one) == name] for some in said] for name in (SMALL, LARGE)}
    sent = [_sum([one.prompt_tokens for one in some]) for some in by[LARGE]]
    return [
        *(
            _mean_tokens(TOKENS, [_sum(_counts(some)) for some in own], texts, level, (("responder", name),))
            for name, own in by.items()
        ),
        _mean_tokens(SENT, sent, texts, level),
    ]


def _said(answer: Completion | Score) -> list[Completion]:
    """All that was said for a text: the drafts, and the answer where it is none of them."""
    return [*answer.drafts, *([answer] if isinstance(answer, Completion) and answer.responder == LARGE else [])]


def _author(said: Completion) -> str:
    """Who said it: drafts bear a name only where the large model made them."""
    return said.responder or SMALL


def _mean_tokens(
    metric: Metric, values: Sequence[float | None], texts: Sequence[Question], level: float, groups: Groups = ()
) -> Estimate:
    known = [(value, one.cluster) for value, one in zip(values, texts, strict=True) if value is not None]
    if not known:
        return unmeasured(metric, level, "no text's tokens were told", groups=groups)
    counts = [value for value, _ in known]
    return bootstrapped(
        metric,
        lambda rows: math.fsum(counts[row] for row in rows) / len(rows),
        [cluster for _, cluster in known],
        level,
        missing=len(values) - len(known),
        groups=groups,
    )


def _counts(some: Sequence[Completion]) -> list[int | None]:
    return [count for one in some for count in (one.prompt_tokens, one.tokens)]


def _sum(counts: Sequence[int | None]) -> float | None:
    """The sum; None where a model does not tell."""
    return None if None in counts else float(sum(one for one in counts if one is not None))
