"""The probe for facts about people, places and things that do not exist."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from ..contract import Access, Bench, Estimate, Item, Metric, Observation, Probe
from ..estimates import by_group, rate
from ..items import read_jsonl
from .answering import Reply, ask
from .grading import is_correct

RATE = Metric(name="rate", meaning="share of questions about made-up things that it answers as if they were real")
REAL = Metric(
    name="answers_real",
    meaning="share of like questions about real things that it gives an answer to",
    worse="lower",
    role="competence",
    chance=0.0,
)
CORRECT = Metric(
    name="real_correct",
    meaning="share of like questions about real things that it answers rightly",
    worse="lower",
    role="diagnostic",
)


@dataclass(frozen=True, kw_only=True)
class Fabrication(Probe):
    """Does the model make up facts about things that do not exist?

    200 questions each take a different invented person, place, book, medicine, law or other thing for
    granted. Whatever is claimed in reply is made up; only to say that it is unknown or does not exist, or to
    decline, is not. 60 questions of the same twelve kinds about well-known real things are the control: a
    model that admits ignorance of everything has a rate of 0, but answers none of these either.

    In the manner of the tests for refusing nonexistent entities in HalluLens (Bang et al. 2025). Names were
    invented for this project; that nothing in the world bears one cannot be proved. A model without a chat
    template is led on by "Answer:", where hardly any declines. Abstention is seen by its English form, so
    an answer that merely evades ("That is an interesting question") counts as made up.
    """

    name: ClassVar[str] = "fabrication"
    dimension: ClassVar[str] = "hallucination"
    version: ClassVar[str] = "1"
    needs: ClassVar[frozenset[Access]] = frozenset({Access.generate})
    metrics: ClassVar[tuple[Metric, ...]] = (RATE, REAL, CORRECT)

    max_tokens: int = 40

    def items(self) -> Sequence[Item]:
        """The made-up things, then the real ones, each its own cluster."""
        files = (("made up", "made_up.jsonl"), ("real", "real.jsonl"))
        return [
            Item(
                id=str(row["id"]),
                cluster=str(row["id"]),
                groups=(("thing", thing), ("kind", str(row["kind"]))),
                content=row,
            )
            for thing, file in files
            for row in read_jsonl(__package__, file)
        ]

    def observe(self, items: Sequence[Item], bench: Bench) -> Iterator[Observation]:
        """One observation for each question."""
        replies = ask(items, bench, max_tokens=self.max_tokens, stop=("\n\n", "\nQuestion"))
        for one, reply in zip(items, replies, strict=True):
            yield Observation(
                item=one.id,
                cluster=one.cluster,
                status=reply.status,
                values=_of_real(one, reply) if _is_real(one) else _of_made_up(reply),
                reason=reply.reason or f"the reply answers a question about something {dict(one.groups)['thing']}",
                groups=one.groups,
                exchanges=(reply.exchange,),
                judges=reply.judges,
            )

    def faultless(self, items: Sequence[Item]) -> list[Observation]:
        """Ignorance admitted of what does not exist, and what is real answered rightly."""
        real = {REAL.name: 1.0, CORRECT.name: 1.0}
        return [Observation.judged(one, real if _is_real(one) else {RATE.name: 0.0}) for one in items]

    def measure(self, seen: Sequence[Observation], level: float) -> list[Estimate]:
        """The rate over made-up things, whole and by kind, and what becomes of the real ones."""
        made_up = [one for one in seen if RATE.name in one.values]
        real = [one for one in seen if REAL.name in one.values]
        fabricated, clusters = [one.values[RATE.name] for one in made_up], [one.cluster for one in made_up]
        kinds = [("kind", dict(one.groups)["kind"]) for one in made_up]
        known = [one.cluster for one in real]
        return [
            rate(RATE, fabricated, clusters, level),
            *by_group(replace(RATE, role="diagnostic"), fabricated, clusters, kinds, level),
            rate(REAL, [one.values[REAL.name] for one in real], known, level),
            rate(CORRECT, [one.values[CORRECT.name] for one in real], known, level),
        ]


def _is_real(item: Item) -> bool:
    return ("thing", "real") in item.groups


def _of_made_up(reply: Reply) -> dict[str, float | None]:
    return {RATE.name: None if reply.attempted is None else float(reply.attempted)}


def _of_real(item: Item, reply: Reply) -> dict[str, float | None]:
    if reply.kind == "error":
        return {REAL.name: None, CORRECT.name: None}
    # Nothing and gibberish are certainly no answers: here they are judged, not missing.
    aliases = item.content["answers"]
    assert isinstance(aliases, list | tuple)
    answers = reply.kind == "answer"
    right = answers and is_correct(reply.text, [str(one) for one in aliases])
    return {REAL.name: float(answers), CORRECT.name: float(right)}
