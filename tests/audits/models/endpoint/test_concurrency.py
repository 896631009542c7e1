"""Requests are in the air together, so many and no more, and each reply is kept when it is there.

The server answers the prompt `[until last]` when it has been asked the prompt `last`, which is the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest
from slm_audit.audits.journal import Journal
from slm_audit.audits.journalled import JournalledModel
from slm_audit.audits.model_file import EndpointFile
from slm_audit.audits.models import Leave
from slm_audit.audits.models.cascade import CascadeModel
from slm_audit.audits.models.confidence import Confidence
from slm_audit.audits.models.endpoint.model import EndpointModel
from slm_audit.audits.models.system import SystemPrompted
from slm_audit.audits.sampling import Weighed
from slm_audit.probes.contract import Completion, Decoding, Generation, Message, Model

ONE = Decoding(max_tokens=4)
PROMPTS = ["[until last]", *(f"p {at}" for at in range(20)), "last"]


def ask(url: str, **more: object) -> EndpointModel:
    spec = {"kind": "endpoint", "url": url, "name": "good", "concurrency": 2, "time_out": 5, "retries": 0, **more}
    return EndpointModel(EndpointFile.model_validate(spec), Leave(), pause=0.01)


def kept(model: Model, place: Path, asked: Sequence[Generation]) -> tuple[list[list[Completion]], list[str]]:
    """The replies, and the prompts in the order in which theirs were kept."""
    journal = Journal(place / "journal.sqlite", write=True)
    try:
        replies = JournalledModel(model, journal).generate(asked)
        prompts = [body["asked"]["prompt"] for body in journal.bodies("reply")]  # type: ignore[index, call-overload]
    finally:
        journal.close()
    return replies, [one if isinstance(one, str) else one[-1]["content"] for one in prompts]


def test_each_reply_is_kept_as_it_comes_however_long_another_takes(tmp_path: Path, serve) -> None:
    model = ask(serve("streaming.py")[0])
    asked = [Generation(prompt=one, decoding=ONE, samples=2 if one == "p 3" else 1) for one in PROMPTS]
    replies, order = kept(model, tmp_path, asked)
    assert [len(some) for some in replies] == [one.samples for one in asked]
    assert not [one.error for some in replies for one in some if one.error]
    assert len(order) == len(PROMPTS) + 1  # a row for each reply
    assert order.index("[until last]") >= len(order) - 2  # the first that was asked was among the last that came


def test_a_system_prompt_and_a_forecast_leave_it_so(tmp_path: Path, serve) -> None:
    model = Weighed(SystemPrompted(ask(serve("streaming.py")[0]), "Be brief."))
    asked = [Generation(prompt=(Message(role="user", content=one),), decoding=ONE) for one in PROMPTS]
    replies, order = kept(model, tmp_path, asked)
    assert not [one.error for (one,) in replies if one.error]
    assert order.index("[until last]") >= len(order) - 2
    assert model.calls[-1].requests == len(PROMPTS)


def test_the_small_model_of_a_cascade_is_asked_many_at_a_time(tmp_path: Path, serve) -> None:
    small, large = (ask(serve("streaming.py")[0]) for _ in range(2))
    pair = CascadeModel(small, large, Confidence(by="refusal", threshold=1.0, samples=1))
    replies, order = kept(pair, tmp_path, [Generation(prompt=one, decoding=ONE) for one in PROMPTS])
    assert not [one.error for (one,) in replies if one.error]
    assert len(order) == len(PROMPTS)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_what_is_timed_has_the_server_to_itself_and_all_else_is_bounded(serve, concurrency: int) -> None:
    url, _ = serve("streaming.py", "", "0", "0.02")
    drawn = Decoding(max_tokens=8, temperature=1.0)
    asked = [Generation(prompt=f"p {at}", decoding=drawn, samples=1 + at % 3, alone=at % 5 == 0) for at in range(16)]
    ask(url, concurrency=concurrency).generate([one for one in asked if not one.alone or one.samples == 1])
    seen = httpx.get(url.removesuffix("/v1") + "/crowds").json()
    assert set(seen["beside_streams"]) == {0}
    assert min(2, concurrency) <= seen["most"] <= concurrency
