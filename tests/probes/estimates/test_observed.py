"""From observations to one estimate for each metric; and the public face."""

import pytest
from slm_audit.probes import estimates
from slm_audit.probes.contract import Metric, Observation
from slm_audit.probes.estimates import mean, of_values, rate, unmeasured

FLIP = Metric(name="flip", meaning="")
SCORE = Metric(name="score", meaning="", role="diagnostic")
DROP = Metric(name="drop", meaning="", range=(-1.0, 1.0))


def seen(at: int, probability: float = 1.0, **values: float | None) -> Observation:
    return Observation(item=f"i{at}", cluster=f"c{at % 7}", status="judged", values=values, probability=probability)


def test_binary_values_are_a_rate_and_others_a_mean() -> None:
    rows = [seen(at, flip=float(at % 3 == 0), score=at / 30, drop=float(at % 3 - 1)) for at in range(30)]
    clusters = [row.cluster for row in rows]
    assert of_values((FLIP, SCORE, DROP), rows, 0.9) == [
        rate(FLIP, [row.values["flip"] for row in rows], clusters, 0.9),
        mean(SCORE, [row.values["score"] for row in rows], clusters, 0.9),
        mean(DROP, [row.values["drop"] for row in rows], clusters, 0.9),
    ]


def test_none_is_missing_and_an_absent_name_was_not_asked() -> None:
    rows = [seen(0, flip=1.0), seen(1, flip=None), seen(2, other=1.0), seen(3, flip=0.0)]
    (found,) = of_values((FLIP,), rows, 0.95)
    assert (found.n, found.missing, found.value) == (3, 1, 0.5)


def test_a_metric_that_nobody_named_is_unmeasured() -> None:
    found = of_values((FLIP, SCORE), [seen(0, flip=1.0)], 0.95)
    assert found[1] == unmeasured(SCORE, 0.95, "nothing was observed")
    assert of_values((FLIP,), [], 0.95) == [unmeasured(FLIP, 0.95, "nothing was observed")]


def test_unequal_drawing_is_not_weighed_in_silence() -> None:
    (found,) = of_values((FLIP,), [seen(0, 0.5, flip=1.0), seen(1, 1.0, flip=0.0)], 0.95)
    assert found.value is None and "unequal probability" in found.reason
    (even,) = of_values((FLIP,), [seen(0, 0.5, flip=1.0), seen(1, 0.5, flip=0.0)], 0.95)
    assert even.value == 0.5


def test_unmeasured_says_what_and_why() -> None:
    found = unmeasured(DROP, 0.9, "no access")
    assert (found.metric, found.value, found.low, found.high, found.n) == ("drop", None, None, None, 0)
    assert (found.reason, found.range, found.level) == ("no access", (-1.0, 1.0), 0.9)
    with pytest.raises(ValueError, match="level"):
        unmeasured(DROP, 2.0, "")


def test_the_public_face_is_sorted_and_whole() -> None:
    assert estimates.__all__ == sorted(estimates.__all__)
    assert all(hasattr(estimates, name) for name in estimates.__all__)
