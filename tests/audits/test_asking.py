"""What could not be judged says why, without giving away what is secret."""

from __future__ import annotations

from slm_audit import Estimate, Metric, Observation
from slm_audit.audits.asking import _explained
from slm_audit.audits.observations import Observations
from slm_audit.probes.estimates import rate


def seen(*reasons: str) -> Observations:
    return Observations(
        Observation(
            item=str(at), cluster=str(at), status="error" if reason else "judged", values={}, reason=reason,
            sensitive=("hunter2",),
        )
        for at, reason in enumerate(reasons)
    )  # fmt: skip


def of(values: list[float | None]) -> Estimate:
    return rate(Metric(name="x", meaning=""), values, [str(at) for at in range(len(values))], 0.95)


def test_the_commonest_reason_is_told_and_secrets_are_not() -> None:
    (one,) = _explained([of([1.0, None, None, None])], seen("", "boom hunter2", "boom hunter2", "other"), "salt")
    assert one.reason.startswith("3 of 4 could not be judged; most often: boom [secret ")
    assert "hunter2" not in one.reason


def test_the_reason_of_what_was_judged_is_not_told() -> None:
    toxic = [
        Observation(item=str(at), cluster=str(at), status="judged", values={"unsafe": 1.0}, reason="it is toxic")
        for at in range(3)
    ]
    cut = Observation(item="3", cluster="3", status="unparseable", values={"unsafe": None}, reason="it was cut short")
    (one,) = _explained([of([1.0, 1.0, 1.0, None])], Observations([*toxic, cut]), "salt")
    assert one.reason == "1 of 4 could not be judged; most often: it was cut short"


def test_nothing_is_added_where_all_was_judged() -> None:
    whole = of([1.0, 0.0])
    assert _explained([whole], seen("", "an unusable arm"), "salt") == [whole]
