"""A model that answers several batches at a time, in any order, is journalled as one that answers in turn."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from slm_audit import Scripted
from slm_audit.audits.journal import Journal
from slm_audit.audits.journalled import BATCH, JournalledModel
from slm_audit.probes.contract import Decoding, Generation, Scoring

DRAWN = [
    Generation(prompt=f"text {at}", decoding=Decoding(max_tokens=4), samples=1 + at % 3) for at in range(4 * BATCH + 5)
]
SCORED = [Scoring(context=f"text {at}", continuation=" more") for at in range(3 * BATCH + 5)]


class Shuffling(Scripted):
    """Takes up to three batches at a time and answers them in a random order; `most` is how many before it fails."""

    most = 10**9
    asked = 0

    def _each(self, batches: Iterable[Sequence], ask) -> Iterator[tuple[int, Sequence]]:
        order, new = random.Random(1), enumerate(batches)
        taken: list[tuple[int, Sequence]] = []
        while True:
            while len(taken) < 3 and (one := next(new, None)) is not None:
                taken.append(one)
            if not taken:
                return
            at, batch = taken.pop(order.randrange(len(taken)))
            if self.asked >= self.most:
                raise ConnectionError("gone")
            self.asked += 1
            yield at, ask(batch)

    def generate_each(self, batches: Iterable[Sequence[Generation]]) -> Iterator[tuple[int, Sequence]]:
        return self._each(batches, self.generate)

    def score_each(self, batches: Iterable[Sequence[Scoring]]) -> Iterator[tuple[int, Sequence]]:
        return self._each(batches, self.score)


def shuffling() -> Shuffling:
    return Shuffling(lambda prompt, sample: f"{prompt}, sample {sample}", lambda context, _: -float(context.split()[1]))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal.sqlite", write=True)
    yield opened
    opened.close()


def test_replies_stand_with_their_requests_in_whatever_order_they_come(journal: Journal) -> None:
    counted: list[int] = []
    one = JournalledModel(shuffling(), journal, lambda requests, _: counted.append(requests))
    drawn = one.generate(DRAWN)
    assert [[reply.text for reply in some] for some in drawn] == [
        [f"{request.prompt}, sample {at}" for at in range(request.samples)] for request in DRAWN
    ]
    assert [score.logprob for score in one.score(SCORED)] == [-float(at) for at in range(len(SCORED))]
    samples = sum(request.samples for request in DRAWN)
    assert sum(counted) == journal.count == samples + len(SCORED)  # a row for each reply
    asked = [body["asked"]["prompt"] for body in journal.bodies("reply") if "prompt" in body["asked"]]
    assert asked != sorted(asked, key=lambda prompt: int(prompt.split()[1]))  # it did answer out of order
    assert all(
        body["reply"]["text"].startswith(body["asked"]["prompt"] + ",")
        for body in journal.bodies("reply")
        if "prompt" in body["asked"]
    )


def test_what_came_back_before_a_failure_is_kept_and_not_asked_again(journal: Journal) -> None:
    first = shuffling()
    first.most = 3
    with pytest.raises(ConnectionError):
        JournalledModel(first, journal).score(SCORED)
    assert journal.count >= 2 * BATCH
    kept = {body["asked"]["context"] for body in journal.bodies("reply")}
    second = shuffling()
    assert len(JournalledModel(second, journal).score(SCORED)) == len(SCORED)
    assert sorted([*kept, *(one.context for one in second.heard)]) == sorted(one.context for one in SCORED)
