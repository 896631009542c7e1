"""The bench that a probe asks from: the journalled model, journalled detectors, and seeded randomness."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy

from ..probes.contract import Judgement, Model, NotMeasured, from_json
from ..probes.detectors import KINDS, Detector, open_detector
from ..probes.streams import seed_of, stream
from .errors import LostReply
from .journal import Journal
from .journalled import digest
from .spec import Spec, place_of


class JournalBench:
    """The contract's Bench for one probe of one run."""

    def __init__(self, model: Model, detectors: Detectors, seed: int, probe: str) -> None:
        """Bind the run's model, detectors and seed to the probe's full name."""
        self.model = model
        self._detectors = detectors
        self._seed = seed
        self._probe = probe

    def judge(self, detector: str, texts: Sequence[str]) -> list[Judgement]:
        """The judgement of a detector on each text."""
        return self._detectors.judge(detector, texts)

    def rng(self, item: str) -> numpy.random.Generator:
        """The item's own stream of random choices."""
        return stream(self._seed, self._probe, item)

    def seed(self, item: str) -> int:
        """The item's own seed for generations, below 2**32."""
        return seed_of(self._seed, self._probe, item)


class Detectors:
    """The run's detectors by kind, each opened at its first use, behind the journal.

    `open_one` gives a kind's detector, or raises ValueError with the reason why it cannot be had. Without it
    (a replay) only what the journal holds can be had.
    """

    def __init__(self, journal: Journal, open_one: Callable[[str], Detector] | None) -> None:
        """Put detectors behind a journal."""
        self._journal = journal
        self._open_one = open_one
        self._opened: dict[str, Detector] = {}

    def judge(self, kind: str, texts: Sequence[str]) -> list[Judgement]:
        """The judgement on each text, from the journal where it is there."""
        identity = self._identity(kind)
        keys = [digest([identity, text]) for text in texts]
        rows = self._journal.get_many("judgement", keys)
        fresh = {key: text for key, text in zip(keys, texts, strict=True) if key not in rows}
        if fresh:
            if self._open_one is None:
                raise LostReply(f"the journal lacks {len(fresh)} judgements of {identity}")
            told = self._detector(kind).judge(list(fresh.values()))
            self._journal.add("judgement", list(zip(fresh, told, strict=True)))
            rows.update(self._journal.get_many("judgement", list(fresh)))
        return [from_json(Judgement, rows[key]) for key in keys]

    def used(self) -> dict[str, str]:
        """The identity of each kind of detector that has judged anything."""
        found = {kind: self._journal.get("setting", f"detector/{kind}") for kind in KINDS}
        return {kind: identity for kind, identity in found.items() if isinstance(identity, str)}

    def _identity(self, kind: str) -> str:
        known = self._journal.get("setting", f"detector/{kind}")
        if isinstance(known, str):
            return known
        if self._open_one is None:
            raise NotMeasured(f"no {kind} detector was at hand")
        identity = self._detector(kind).identity
        self._journal.add("setting", [(f"detector/{kind}", identity)])
        return identity

    def _detector(self, kind: str) -> Detector:
        assert self._open_one is not None
        if kind not in self._opened:
            try:
                opened = self._open_one(kind)
            except ValueError as error:
                raise NotMeasured(str(error)) from error
            known = self._journal.get("setting", f"detector/{kind}")
            if known is not None and known != opened.identity:
                raise NotMeasured(f"the {kind} detector is now {opened.identity}, but the run began with {known}")
            self._opened[kind] = opened
        return self._opened[kind]


def opener(spec: Spec, base: Path) -> Callable[[str], Detector]:
    """What opens the detectors that a spec chose, by kind; ValueError says why one cannot be had."""

    def open_one(kind: str) -> Detector:
        if kind != "toxicity":
            return open_detector(kind)
        chosen = spec.detectors.chosen()
        path = str(place_of(chosen.path, base, allow_path=True, what="the detector")) if chosen.path else ""
        return open_detector(kind, chosen.name, path)

    return open_one
