"""Requests are shared out whole contexts at a time, and none is lost or asked twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from slm_audit.audits.models.cluster.shares import MOST_REQUESTS, shares
from slm_audit.probes.contract import Decoding, Generation, Scoring

contexts = st.sampled_from(["a", "a longer one", "the longest of them all", ""])
scorings = st.lists(st.builds(Scoring, context=contexts, continuation=st.text(max_size=9)), max_size=300)
decodings = st.builds(Decoding, max_tokens=st.integers(1, 64))
generations = st.lists(
    st.builds(Generation, prompt=contexts, decoding=decodings, samples=st.integers(1, 3), alone=st.booleans()),
    max_size=300,
)


@given(st.one_of(scorings, generations), st.integers(1, 9))
def test_each_request_is_in_one_share_and_no_context_is_parted(requests, replicas: int) -> None:
    plan = shares(requests, replicas)
    assert sorted(place for share in plan for place in share) == list(range(len(requests)))
    assert all(plan)
    holders: dict[str, set[int]] = {}
    for at, share in enumerate(plan):
        for place in share:
            one = requests[place]
            if getattr(one, "alone", False):
                assert len(share) == 1  # what is timed shares nothing
            else:
                holders.setdefault(getattr(one, "prompt", getattr(one, "context", "")), set()).add(at)
    assert all(len(shares_of_it) == 1 for shares_of_it in holders.values())


@given(st.integers(1, 12), st.integers(20, 600))
def test_every_replica_has_something_to_do_and_none_has_much_more(replicas: int, count: int) -> None:
    requests = [Scoring(context=f"{at:03}", continuation=" yes") for at in range(count)]
    sizes = [len(share) for share in shares(requests, replicas)]
    assert len(sizes) >= min(replicas, count)
    assert max(sizes) <= min(MOST_REQUESTS, -(-count // replicas))
