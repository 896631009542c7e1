"""What was seen in asking one probe, with flat memory however many items it has."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import overload

from ..probes.contract import Groups, Observation, Status
from .spool import Spool

Reading = tuple[str, str, Status, dict[str, float | None], str, Groups, str, tuple[str, ...], float]


class Observations(Sequence[Observation]):
    """The observations of one probe in the order they came.

    As a sequence they come without what was said (`exchanges`, `sensitive`): that is all that a figure is made from,
    and takes at most 200 bytes an item where ids are of common length. `whole` gives them with it. All words that no
    output may show, and the names of all who answered, are at hand.
    """

    def __init__(self, some: Iterable[Observation] = (), *, beside: Path | None = None) -> None:
        """Begin with some, and keep what is more than a little in a nameless file in the folder `beside`."""
        self._readings: Spool[Reading] = Spool(beside)
        self._whole: Spool[Observation] = Spool(beside)
        self.sensitive: set[str] = set()
        self.responders: set[str] = set()
        for one in some:
            self.add(one)

    @property
    def bytes(self) -> int:
        """The bytes that reading them once takes from disk, without what was said."""
        return self._readings.bytes

    def add(self, one: Observation) -> None:
        """Keep one more; EvidenceError when the disk is full."""
        self._readings.append(
            (
                one.item, one.cluster, one.status, dict(one.values), one.reason,
                one.groups, one.arm, one.judges, one.probability,
            )
        )  # fmt: skip
        self._whole.append(one)
        self.sensitive.update(one.sensitive)
        self.responders.update(said.reply.responder for said in one.exchanges if said.reply.responder)

    def whole(self) -> Iterator[Observation]:
        """Each with all that was said."""
        return iter(self._whole)

    def __len__(self) -> int:
        """How many there are: an item asked in several arms counts for each."""
        return len(self._readings)

    @overload
    def __getitem__(self, at: int) -> Observation: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Observation]: ...
    def __getitem__(self, at: int | slice) -> Observation | Sequence[Observation]:
        """One or some, without what was said."""
        if isinstance(at, slice):
            return [_observation(one) for one in self._readings[at]]
        return _observation(self._readings[at])

    def __iter__(self) -> Iterator[Observation]:
        """Each without what was said."""
        return map(_observation, self._readings)


def _observation(reading: Reading) -> Observation:
    item, cluster, status, values, reason, groups, arm, judges, probability = reading
    # One string for each name, however many lists of terms it comes to stand in.
    return Observation(
        item=sys.intern(item),
        cluster=sys.intern(cluster),
        status=status,
        values=values,
        reason=reason,
        groups=groups,
        arm=sys.intern(arm),
        judges=judges,
        probability=probability,
    )
