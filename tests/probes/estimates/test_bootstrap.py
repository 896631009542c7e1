"""The cluster bootstrap: against the normal interval of a mean, and where it must decline."""

import math

import numpy as np
import pytest
from scipy.stats import bootstrap
from slm_audit.probes.contract import Estimate, Metric
from slm_audit.probes.estimates import bootstrapped

FIGURE = Metric(name="figure", meaning="a figure", range=(-math.inf, math.inf))


def singles(n: int) -> list[str]:
    return [f"{at:04}" for at in range(n)]


def test_it_agrees_with_scipy_on_rows_that_stand_alone() -> None:
    values = np.random.default_rng(1).exponential(size=80)
    found = bootstrapped(FIGURE, lambda rows: float(values[rows].std()), singles(80), 0.9, draws=4000)
    other = bootstrap((values,), np.std, confidence_level=0.9, n_resamples=4000, method="BCa", rng=2)
    assert found.value == pytest.approx(values.std())
    assert found.low == pytest.approx(other.confidence_interval.low, rel=0.03)
    assert found.high == pytest.approx(other.confidence_interval.high, rel=0.03)


def test_whole_clusters_are_drawn() -> None:
    # Ten copies of each row as one cluster must give the width of the rows alone.
    values = np.random.default_rng(2).normal(size=60)
    alone = bootstrapped(FIGURE, lambda rows: float(values[rows].mean()), singles(60), 0.95)
    copies = np.tile(values, 10)
    tenfold = bootstrapped(FIGURE, lambda rows: float(copies[rows].mean()), singles(60) * 10, 0.95)
    assert tenfold.high - tenfold.low == pytest.approx(alone.high - alone.low, rel=1e-9)
    assert (tenfold.n, tenfold.clusters) == (600, 60)


def test_the_same_arguments_give_the_same_interval_and_another_seed_another() -> None:
    values = np.random.default_rng(3).normal(size=40)

    def drawn(seed: int) -> Estimate:
        return bootstrapped(FIGURE, lambda rows: float(values[rows].mean()), singles(40), 0.95, seed=seed)

    assert drawn(0) == drawn(0) != drawn(1)


def test_limits_keep_to_the_range_and_to_the_value() -> None:
    share = Metric(name="share", meaning="")
    values = np.array([0.0] * 38 + [1.0] * 2)
    found = bootstrapped(share, lambda rows: float(values[rows].max()), singles(40), 0.95)
    assert found.value == 1.0
    assert found.low is None or (0 <= found.low <= 1 and found.high == 1)


@pytest.mark.parametrize(
    ("n", "statistic", "reason"),
    [
        (9, lambda rows: float(rows.mean()), "9 clusters are too few"),
        (30, lambda rows: 0.5, "same on every resample"),
        (30, lambda rows: math.nan, "not defined on these rows"),
        (30, lambda rows: 0.5 if len(np.unique(rows)) == 30 else math.nan, "not defined on too many"),
    ],
)
def test_where_it_declines_it_says_why(n: int, statistic: object, reason: str) -> None:
    found = bootstrapped(FIGURE, statistic, singles(n), 0.95, draws=100)  # type: ignore[arg-type]
    assert found.low is None and found.high is None
    assert reason in found.reason


def test_missing_rows_withhold_the_limits() -> None:
    found = bootstrapped(FIGURE, lambda rows: float(rows.mean()), singles(30), 0.95, missing=3)
    assert (found.n, found.missing, found.low, found.high) == (33, 3, None, None)
    assert "3 of 33 could not be judged" in found.reason


def test_edges() -> None:
    assert bootstrapped(FIGURE, lambda rows: 0.0, [], 0.95).reason == "nothing was observed"
    with pytest.raises(ValueError, match="level"):
        bootstrapped(FIGURE, lambda rows: 0.0, singles(3), 0.0)
    with pytest.raises(ValueError, match="draws"):
        bootstrapped(FIGURE, lambda rows: 0.0, singles(3), 0.95, draws=0)
