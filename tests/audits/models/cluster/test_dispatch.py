"""The time that a share may take, and the addresses at which workers are looked for."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from slm_audit.audits.execution import Execution
from slm_audit.audits.models.cluster.connection import gist
from slm_audit.audits.models.cluster.dispatch import Dispatch, Patience, Share
from slm_audit.audits.models.cluster.worker import Worker
from slm_audit.probes.contract import Scoring

taken = st.lists(st.tuples(st.integers(1, 10**6), st.floats(0, 1e4)), max_size=20)


@given(taken, st.floats(1, 1e4))
def test_no_share_that_is_as_slow_as_an_earlier_one_is_given_up(shares, least: float) -> None:
    patience = Patience(least)
    for work, seconds in shares:
        patience.learn(work, seconds)
    assert patience.seconds(0) == least  # it never falls below what was set
    for work, seconds in shares:
        assert patience.seconds(work) >= seconds
        assert patience.seconds(10 * work) >= 10 * seconds


def test_before_any_share_is_answered_the_time_is_what_was_set() -> None:
    assert Patience(7.0).seconds(10**9) == 7.0


@pytest.mark.parametrize(("suspects", "given"), [(0, [2, 2]), (1, [1, 2]), (2, [1, 1])])
def test_a_share_that_was_with_a_lost_worker_has_the_next_one_to_itself(suspects: int, given: list[int]) -> None:
    workers, sent = [Worker("a"), Worker("b")], Counter()
    replicas = SimpleNamespace(ready=workers)
    dispatch = Dispatch(None, replicas, Patience(1.0), lambda name, _: sent.update(name), None)  # type: ignore
    asked = [Scoring(context="", continuation="x")]
    dispatch._waiting.extend(Share(at, asked, suspect=at < suspects) for at in range(5))
    dispatch._hand_out(iter(()))
    assert sorted(sent.values()) == given


@pytest.mark.parametrize(
    "address", ["auto", "local", "127.0.0.1:6379", "head-node:6379", "ray://head:10001", "[::1]:1"]
)
def test_an_address_of_each_kind(address: str) -> None:
    assert Execution(engine="ray", address=address).address == address


@pytest.mark.parametrize(
    "address",
    ["", "head", "head:", ":6379", "ray://", "ray://head", "http://head:8265", "head:x", "a:1/b", "ray:// a:1"],
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(ValidationError, match="head-node:6379 on a machine of the cluster"):
        Execution(engine="ray", address=address)


def test_of_an_error_with_a_traceback_in_it_the_end_is_told() -> None:
    said = (
        "Initialization failure from server:\nTraceback (most recent call last):\n  File x\nTimeoutError: no channel.\n"
    )
    assert gist(ConnectionAbortedError(said)) == "Initialization failure from server: TimeoutError: no channel"
    assert gist(ValueError("one.\nanother")) == "one"
    assert gist(ValueError()) == "ValueError"
