"""Values in the order they were added, on disk once they are many, and read as often as wanted."""

from __future__ import annotations

import os
import pickle
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Generic, TypeVar, overload

from .errors import EvidenceError

T = TypeVar("T")

IN_MEMORY = 256 * 1024
"""Bytes that are held before a file is made: most probes are small and never need one."""

AT_ONCE = 256
"""Values that a reader takes from the file in one go."""


class Spool(Sequence[T], Generic[T]):
    """A sequence that only grows, in a file without a name: it is gone with the process, however that ends.

    The file lies in the folder `beside`, where that can be written, for the system's own folder for such files is
    often memory. Eight bytes are held for each value. As nobody else can open the file, pickle is safe here.
    """

    def __init__(self, beside: Path | None = None) -> None:
        """Begin empty."""
        where = str(beside) if beside is not None and os.access(beside, os.W_OK) else None
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, dir=where)  # noqa: SIM115 - open as long as the spool is
        self._ends = array("Q", [0])

    @property
    def bytes(self) -> int:
        """The bytes that the values take on disk."""
        return self._ends[-1]

    def append(self, value: T) -> None:
        """Add a value at the end; EvidenceError when the disk is full."""
        data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
        try:
            self._file.seek(self._ends[-1])
            self._file.write(data)
        except OSError as error:
            raise EvidenceError(f"what was seen cannot be kept ({error.strerror}); make room and resume") from error
        self._ends.append(self._ends[-1] + len(data))

    def __len__(self) -> int:
        """How many values there are."""
        return len(self._ends) - 1

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[T]: ...
    def __getitem__(self, at: int | slice) -> T | Sequence[T]:
        """One value, or a list of some."""
        places = range(len(self))[at]
        if isinstance(places, int):
            return next(self._between(places, places + 1))
        if places.step == 1:
            return list(self._between(places.start, max(places.start, places.stop)))
        return [self[place] for place in places]

    def __iter__(self) -> Iterator[T]:
        """Every value; several readers may be under way, and values may be added meanwhile."""
        at = 0
        while at < len(self):
            end = min(at + AT_ONCE, len(self))
            yield from self._between(at, end)
            at = end

    def _between(self, start: int, end: int) -> Iterator[T]:
        first = self._ends[start]
        self._file.seek(first)
        data = memoryview(self._file.read(self._ends[end] - first))
        for at in range(start, end):
            yield pickle.loads(data[self._ends[at] - first : self._ends[at + 1] - first])
