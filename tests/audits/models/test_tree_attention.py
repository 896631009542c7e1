"""Attention over trees that lie in one row is, token by token, attention to the prefix and a token's own ancestors."""

from __future__ import annotations

import random

import pytest
import torch
from slm_audit.audits.models.attention import Keys
from slm_audit.audits.models.tree_attention import TreeAttention
from slm_audit.audits.models.trees import Tree

HEADS, KEY_HEADS, SIZE = 4, 2, 8


def tree(trunk: int, bush: int, chance: random.Random) -> Tree:
    """Branches that begin at the trunk's end or behind any token of the bush before."""
    parents = [chance.randrange(-1, at) if at else -1 for at in range(bush)]
    depths: list[int] = []
    for parent in parents:
        depths.append(depths[parent] + 1 if parent >= 0 else 0)
    return Tree((0,) * trunk, [0] * bush, parents, depths)


def ancestors(one: Tree, at: int) -> list[int]:
    """The places in the tree that its token at `at` sees, itself among them."""
    trunk = len(one.trunk)
    if at < trunk:
        return list(range(at + 1))
    return [*(ancestors(one, trunk + up) if (up := one.parents[at - trunk]) >= 0 else range(trunk)), at]


SOME = [[(300, 0), (128, 40), (127, 3), (5, 9)], [(64, 0)], [(130, 0), (130, 0)]]


@pytest.mark.parametrize(("sizes", "prefix"), [*((one, 0) for one in SOME), *((one, 21) for one in [*SOME, [(0, 12)]])])
def test_each_token_sees_the_prefix_and_its_ancestors(sizes: list[tuple[int, int]], prefix: int) -> None:
    torch.manual_seed(3)
    some = [tree(trunk, bush, random.Random(trunk)) for trunk, bush in sizes]
    before = Keys(torch.randn(prefix, KEY_HEADS, SIZE), torch.randn(prefix, KEY_HEADS, SIZE))
    attention = TreeAttention(some, [before] if prefix else [], device="cpu", dtype=torch.float32)
    tokens = attention.ids.shape[1]
    query, key, value = (torch.randn(tokens, heads, SIZE) for heads in (HEADS, KEY_HEADS, KEY_HEADS))
    told = attention.attend(0, query, key, value, 0.3)
    group = HEADS // KEY_HEADS
    for start, one in zip(attention.starts, some, strict=False):
        for at in range(one.tokens):
            seen = [start + place for place in ancestors(one, at)]
            keys = torch.cat([before.keys, key[seen]]).repeat_interleave(group, 1)
            values = torch.cat([before.values, value[seen]]).repeat_interleave(group, 1)
            heights = torch.einsum("hd,khd->hk", query[start + at], keys) * 0.3
            wanted = torch.einsum("hk,khd->hd", heights.softmax(-1), values)
            assert torch.allclose(told[start + at], wanted, atol=1e-5)
