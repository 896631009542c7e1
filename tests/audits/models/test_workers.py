"""Workers give results in order, without gradients; an error ends those that are still at work."""

from __future__ import annotations

import threading

import pytest
import torch
from slm_audit.audits.models.workers import Workers


@pytest.mark.parametrize("count", [1, 3])
def test_results_come_in_order_and_without_gradients(count: int) -> None:
    def work(job: int) -> tuple[int, bool, int]:
        return job * job, torch.is_inference_mode_enabled(), torch.get_num_threads()

    assert Workers(count).each(work, range(20)) == [(job * job, True, 1) for job in range(20)]


def test_an_error_stops_a_job_that_would_go_on_for_ever() -> None:
    workers = Workers(2)
    begun, ended = threading.Event(), []

    def work(job: int) -> None:
        if job == 0:
            begun.wait(60)
            raise ValueError("no")
        begun.set()
        while not workers.stop.wait(0.01):
            pass
        ended.append(job)

    with pytest.raises(ValueError, match="no"):
        workers.each(work, [0, 1])
    assert ended == [1]
    assert workers.each(str, [7]) == ["7"]
