"""Weights that lie mapped from their files: what was read of them is let go of, and is in memory no more.

What was written into such memory, as an adapter is, is not in the file: a file that was written into is kept whole.
"""

from __future__ import annotations

import ctypes
import mmap
import re
from collections.abc import Iterator
from pathlib import Path

import torch

SUFFIX = ".safetensors"
DONT_NEED = 4  # MADV_DONTNEED of Linux
LOOKED_UP = 64  # tokens: each may bring in 64 KiB around it, or megabytes where the system keeps files in large pages


def forget_weights() -> None:
    """Let go of what was read of weight files; what is read again comes from the file again."""
    for start, end in _mappings():
        _forget(start, end)


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
    mappings = list(_mappings())
    for parent in network.modules():
        for name, child in parent.named_children():
            if type(child) is torch.nn.Embedding and child.max_norm is None:
                place = child.weight.data_ptr()
                if any(start <= place < end for start, end in mappings):
                    setattr(parent, name, MappedEmbedding(child))


def _mappings() -> Iterator[tuple[int, int]]:
    """Where weight files are mapped that nothing was written into; none where the system does not say."""
    try:
        told = Path("/proc/self/smaps").read_text("utf-8", "replace")
    except OSError:
        return
    for said in re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", told, flags=re.MULTILINE):
        first, *more = said.splitlines() or [""]
        if first.endswith(SUFFIX) and any(line.split() == ["Anonymous:", "0", "kB"] for line in more):
            start, end = first.split(" ", 1)[0].split("-")
            yield int(start, 16), int(end, 16)


def _forget(start: int, end: int) -> None:
    if end > start:
        ctypes.CDLL(None).madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), DONT_NEED)
