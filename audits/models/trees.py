"""Token sequences to trees: what several sequences begin with is computed once, and what follows it branches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

Ids = tuple[int, ...]
SHORTEST_PREFIX = 16
LONGEST_TAIL = 32
LARGEST_BUSH = 256


class Text(NamedTuple):
    """Ids to be computed; what the model says behind each is wanted from place `free` on."""

    ids: Ids
    free: int


class Wanted(NamedTuple):
    """Where in its tree the wanted places of one text are; `text` is its place in the list."""

    text: int
    places: tuple[int, ...]


@dataclass(slots=True)
class Tree:
    """A trunk that all of its texts begin with, and a bush of branches.

    `parents[i]` is the place in the bush of the token before bush token i, or -1 for the trunk's end.
    """

    trunk: Ids
    bush: list[int] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    wanted: list[Wanted] = field(default_factory=list)

    @property
    def tokens(self) -> int:
        """How many tokens are computed."""
        return len(self.trunk) + len(self.bush)


def common_prefix(texts: Sequence[Text]) -> int:
    """How many ids all texts begin with and none is wanted at: few-shot examples or a system prompt, say."""
    if len(texts) < 2:
        return 0
    alike = min(shared(min(texts).ids, max(texts).ids), min(one.free for one in texts))
    return alike if alike >= SHORTEST_PREFIX else 0


def shared(first: Ids, second: Ids) -> int:
    """How many ids two sequences begin with alike."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if first[low:middle] == second[low:middle] else (low, middle - 1)
    return low


def trees(texts: Sequence[Text], prefix: int, budget: int) -> list[Tree]:
    """The trees that hold every text's ids from place `prefix` on, the longest trunk first; no bush over `budget`."""
    found: list[Tree] = []
    group: list[int] = []
    stem = length = 0
    for at in sorted(range(len(texts)), key=lambda at: texts[at].ids):
        ids = texts[at].ids
        alike = min(stem, shared(texts[group[0]].ids, ids)) if group else 0
        own, bush = alike - prefix, length + len(ids) - alike * (len(group) + 1)
        longest = max([len(ids), *(len(texts[one].ids) for one in group)]) - alike
        if group and own > 0 and longest <= max(own, LONGEST_TAIL) and bush <= min(budget, max(own, LARGEST_BUSH)):
            group, stem, length = [*group, at], alike, length + len(ids)
            continue
        if group:
            found.append(_tree(texts, group, prefix, stem))
        group, stem, length = [at], len(ids), len(ids)
    if group:
        found.append(_tree(texts, group, prefix, stem))
    return sorted(found, key=lambda tree: (-len(tree.trunk), -len(tree.bush)))


def passes(some: Sequence[Tree], budget: int) -> list[list[Tree]]:
    """Trees in order, as many to a forward pass as keep within `budget` tokens, but at least one."""
    plan: list[list[Tree]] = []
    tokens = 0
    for tree in some:
        if plan and tokens + tree.tokens <= budget:
            plan[-1].append(tree)
            tokens += tree.tokens
        else:
            plan.append([tree])
            tokens = tree.tokens
    return plan


def _tree(texts: Sequence[Text], group: Sequence[int], prefix: int, stem: int) -> Tree:
    tree = Tree(texts[group[0]].ids[prefix:stem])
    known: dict[tuple[int, int], int] = {}
    for one in group:
        text, at = texts[one], -1
        places = list(range(len(tree.trunk)))
        for token in text.ids[stem:]:
            step = (at, token)
            if step not in known:
                known[step] = len(tree.bush)
                tree.bush.append(token)
                tree.parents.append(at)
                tree.depths.append(tree.depths[at] + 1 if at >= 0 else 0)
            at = known[step]
            places.append(len(tree.trunk) + at)
        tree.wanted.append(Wanted(one, tuple(places[text.free - prefix :])))
    return tree
