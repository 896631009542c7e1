"""Workers give results in order, without gradients; an error ends those that are still at work."""

from __future__ import annotations

import platform
import subprocess
import sys
import threading

import pytest
import torch
from slm_audit.audits.models.workers import Workers


@pytest.mark.parametrize("count", [1, 3])
def test_results_come_in_order_and_without_gradients(count: int) -> None:
    def work(job: int) -> tuple[int, bool, int]:
        return job * job, torch.is_inference_mode_enabled(), torch.get_num_threads()

    assert Workers(count).each(work, range(20)) == [(job * job, True, 1) for job in range(20)]


@pytest.mark.skipif("glibc" not in platform.libc_ver(), reason="the system's malloc is not glibc's")
def test_what_a_job_frees_is_at_hand_for_the_next_one() -> None:
    code = """if True:
        import resource, torch
        from slm_audit.audits.models.workers import Workers

        def work(_):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            blocks = [torch.ones(1_000_000) for _ in range(20)]
            return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

        print(*Workers(1).each(work, range(4)))
    """
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    first, *_, last = map(int, told.split())
    assert last < first / 10


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
