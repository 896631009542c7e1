"""Weights that lie mapped from their files: what was read of them is let go of, and is in memory no more.

What was written into such memory, as an adapter is, is not in the file: a file that was written into is kept whole.
"""

from __future__ import annotations

import ctypes
import mmap
import re
from pathlib import Path

import torch

WEIGHTS = re.compile(r"(\.safetensors|/blobs/[0-9a-f]{40,64})$")  # the hub's cache names files by their content
MAPPING = re.compile(r"[0-9a-f]+-[0-9a-f]+ ")
DONT_NEED = 4  # MADV_DONTNEED of Linux
LOOKED_UP = 64  # tokens: each may bring in 64 KiB around it, or megabytes where the system keeps files in large pages


def unwritten() -> frozenset[str]:
    """The mappings of weight files that nothing was written into, as the system lists them; none if it does not.

    To see that takes milliseconds, and more the more memory is held: it is asked once, when nobody will write any more.
    """
    found: set[str] = set()
    mapping = ""
    for line in _lines("smaps"):
        if MAPPING.match(line):
            mapping = line
        elif WEIGHTS.search(mapping) and line.split() == ["Anonymous:", "0", "kB"]:
            found.add(mapping)
    return frozenset(found)


def forget(mappings: frozenset[str]) -> None:
    """Let go of what was read of those that are still there; what is read again comes from the file again."""
    for line in mappings.intersection(_lines("maps")):
        _forget(*_range(line))


class MappedEmbedding(torch.nn.Module):
    """An embedding of which only what was looked up of late is in memory: the system brings in what lies around it."""

    def __init__(self, plain: torch.nn.Embedding) -> None:
        """Look up what a plain one would; its weight must be mapped from a file, and never be written to."""
        super().__init__()
        self._weight = plain.weight.detach()
        start = self._weight.data_ptr()
        end = start + self._weight.numel() * self._weight.element_size()
        self._pages = (-(-start // mmap.PAGESIZE) * mmap.PAGESIZE, end // mmap.PAGESIZE * mmap.PAGESIZE)
        self._looked_up = 0

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """The vectors of ids [...], as [..., size]."""
        found = torch.nn.functional.embedding(ids, self._weight)
        self._looked_up += ids.numel()  # threads may miss one another's: it need not be exact
        if self._looked_up >= LOOKED_UP:
            self._looked_up = 0
            _forget(*self._pages)
        return found


def keep_mapped(network: torch.nn.Module) -> None:
    """Put forgetful embeddings in the place of the plain ones that are as they lie in a file that is mapped."""
    mappings = [_range(one) for one in unwritten()]
    for parent in network.modules():
        for name, child in parent.named_children():
            if type(child) is torch.nn.Embedding and child.max_norm is None:
                place = child.weight.data_ptr()
                if any(start <= place < end for start, end in mappings):
                    setattr(parent, name, MappedEmbedding(child))


def _lines(name: str) -> list[str]:
    """What the system tells of this process's memory; nothing where it does not."""
    try:
        return Path("/proc/self", name).read_text("utf-8", "replace").splitlines()
    except OSError:
        return []


def _range(mapping: str) -> tuple[int, int]:
    start, end = mapping.split(" ", 1)[0].split("-")
    return int(start, 16), int(end, 16)


def _forget(start: int, end: int) -> None:
    if end > start:
        ctypes.CDLL(None).madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), DONT_NEED)
