"""Trees hold every text once, however texts share their beginnings."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from slm_audit.audits.models.trees import Text, Tree, common_prefix, passes, trees

IDS = st.lists(st.integers(0, 2), min_size=1, max_size=12).map(tuple)


@st.composite
def texts(draw: st.DrawFn) -> list[Text]:
    before = tuple(draw(st.sampled_from([[], list(range(20))])))
    some = draw(st.lists(IDS, min_size=1, max_size=12))
    return [Text(before + ids, len(before) + draw(st.integers(0, len(ids) - 1))) for ids in some]


def path(tree: Tree, place: int) -> list[int]:
    """The tokens that a place of a tree sees, by way of its parents."""
    seen: list[int] = []
    at = place - len(tree.trunk)
    while at >= 0:
        seen.append(tree.bush[at])
        at = tree.parents[at]
    return [*tree.trunk[: place + 1], *reversed(seen)]


@given(texts())
def test_every_wanted_place_sees_its_text_up_to_there_and_nothing_else(some: list[Text]) -> None:
    before = common_prefix(some)
    found = {one.text: (tree, one.places) for tree in trees(some, before, 1000) for one in tree.wanted}
    assert sorted(found) == list(range(len(some)))
    for at, text in enumerate(some):
        tree, places = found[at]
        assert len(places) == len(text.ids) - text.free
        for place, end in zip(places, range(text.free, len(text.ids)), strict=True):
            assert (*text.ids[:before], *path(tree, place)) == text.ids[: end + 1]
            if place >= len(tree.trunk):
                assert before + len(tree.trunk) + tree.depths[place - len(tree.trunk)] == end


@given(texts(), st.integers(1, 60))
def test_passes_hold_each_tree_once_within_the_budget(some: list[Text], budget: int) -> None:
    found = trees(some, 0, 1000)
    plan = passes(found, budget)
    assert [tree for part in plan for tree in part] == found
    assert all(len(part) == 1 or sum(tree.tokens for tree in part) <= budget for part in plan)


@given(texts(), st.integers(1, 60))
def test_no_bush_is_over_the_budget(some: list[Text], budget: int) -> None:
    assert all(len(tree.bush) <= budget for tree in trees(some, common_prefix(some), budget))


def test_the_choices_behind_one_context_cost_the_context_once() -> None:
    context = tuple(range(100, 190))
    some = [Text((*context, choice, 7, 8), len(context) - 1) for choice in range(4)]
    assert [tree.tokens for tree in trees(some, 0, 1000)] == [90 + 4 * 3]
    assert common_prefix(some) == 89
