"""The time that a share may take, and the addresses at which workers are looked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from slm_audit.audits.execution import Execution
from slm_audit.audits.models.cluster.dispatch import Patience

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
