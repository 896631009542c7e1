"""Rates against the exact binomial, and at the edges."""

import math
import time

import pytest
from scipy.stats import beta, binomtest
from slm_audit.probes.contract import Metric
from slm_audit.probes.estimates import rate

METRIC = Metric(name="share", meaning="how often it happens", chance=0.25)


def own_clusters(n: int) -> list[str]:
    return [str(at) for at in range(n)]


@pytest.mark.parametrize(("events", "n"), [(0, 7), (1, 1), (3, 40), (13, 50), (50, 100), (499, 500), (20, 20)])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_items_that_stand_alone_get_the_exact_binomial_interval(events: int, n: int, level: float) -> None:
    found = rate(METRIC, [1.0] * events + [0.0] * (n - events), own_clusters(n), level)
    exact = binomtest(events, n).proportion_ci(level, method="exact")
    assert (found.low, found.high) == (pytest.approx(exact.low, rel=1e-9), pytest.approx(exact.high, rel=1e-9))
    assert (found.value, found.n, found.clusters, found.missing) == (events / n, n, n, 0)


def test_none_of_a_hundred() -> None:
    found = rate(METRIC, [0.0] * 100, own_clusters(100), 0.95)
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 100))


def test_all_of_a_hundred() -> None:
    found = rate(METRIC, [1.0] * 100, own_clusters(100), 0.95)
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.025 ** (1 / 100))


def test_none_of_many_items_in_twenty_clusters_says_no_more_than_none_of_twenty() -> None:
    found = rate(METRIC, [0.0] * 500, [str(at % 20) for at in range(500)], 0.95)
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 20))
    assert found.clusters == 20


def test_copies_of_an_item_add_nothing() -> None:
    values = [float(at % 3 == 0) for at in range(90)]
    once = rate(METRIC, values, own_clusters(90), 0.95)
    thrice = rate(METRIC, values * 3, own_clusters(90) * 3, 0.95)
    # n_eff = 90 but for the quantiles (t_{269}/t_{89})^2 and the G/(G-1) of the variance.
    assert thrice.high - thrice.low == pytest.approx(once.high - once.low, rel=0.02)
    assert thrice.high - thrice.low >= once.high - once.low


def test_korn_and_graubard_by_hand() -> None:
    # 30 clusters of 4; 10 hold 3 events, 10 hold 1, 10 none: p = 1/3.
    totals = [3] * 10 + [1] * 10 + [0] * 10
    values = [float(at < total) for total in totals for at in range(4)]
    clusters = [str(at) for at in range(30) for _ in range(4)]
    p, n, groups = 1 / 3, 120, 30
    between = groups / (groups - 1) * sum((total - 4 * p) ** 2 for total in totals) / n**2
    design_effect = between * (n - 1) / (p * (1 - p))
    assert design_effect > 1
    from scipy.stats import t

    size = n / design_effect * (t.ppf(0.975, n - 1) / t.ppf(0.975, groups - 1)) ** 2
    found = rate(METRIC, values, clusters, 0.95)
    assert found.low == pytest.approx(beta.ppf(0.025, p * size, size - p * size + 1))
    assert found.high == pytest.approx(beta.ppf(0.975, p * size + 1, size - p * size))
    assert f"n_eff {size:.1f} (Korn-Graubard)" in found.method


def test_clusters_that_are_more_alike_than_chance_never_help() -> None:
    # 40 clusters of 5 with exactly one event each: the variance between them is 0, the effective size still n.
    values = [float(at % 5 == 0) for at in range(200)]
    found = rate(METRIC, values, [str(at // 5) for at in range(200)], 0.95)
    exact = binomtest(40, 200).proportion_ci(0.95, method="exact")
    assert found.low <= exact.low + 1e-12 and found.high >= exact.high - 1e-12


def test_few_clusters_with_an_event_count_as_clusters_with_a_share() -> None:
    values = [1.0, 1.0, 0.0] + [0.0] * 27
    found = rate(METRIC, values, [str(at // 3) for at in range(30)], 0.95)
    p, size = 2 / 30, 10.0
    assert found.high == pytest.approx(beta.ppf(0.975, p * size + 1, size - p * size))
    assert "clusters" in found.method


def test_one_cluster() -> None:
    found = rate(METRIC, [1.0, 0.0, 0.0, 0.0], ["a"] * 4, 0.95)
    assert found.value == 0.25
    assert found.low < 0.01 and found.high > 0.98


def test_what_the_metric_says_stands_in_the_estimate() -> None:
    found = rate(METRIC, [1, 0, True], ["a", "b", "c"], 0.9, groups=(("kind", "x"),))
    assert (found.metric, found.level, found.range, found.unit) == ("share", 0.9, (0.0, 1.0), "share")
    assert (found.worse, found.role, found.chance) == ("higher", "primary", 0.25)
    assert (found.groups, found.correction, found.reason) == ((("kind", "x"),), "none needed", "")


def test_empty_is_unmeasured() -> None:
    found = rate(METRIC, [], [], 0.95)
    assert (found.value, found.low, found.high, found.n) == (None, None, None, 0)
    assert found.reason == "nothing was observed"


@pytest.mark.parametrize("bad", [math.nan, 0.5, 2.0, -1.0, math.inf])
def test_what_is_neither_0_nor_1_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="share"):
        rate(METRIC, [0.0, bad], ["a", "b"], 0.95)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 95.0, math.nan])
def test_a_level_that_is_none_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="level"):
        rate(METRIC, [0.0], ["a"], level)


def test_lengths_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="2 values"):
        rate(METRIC, [0.0, 1.0], ["a"], 0.95)


def test_a_metric_of_another_range_is_no_rate() -> None:
    with pytest.raises(ValueError, match="range"):
        rate(Metric(name="drop", meaning="", range=(-1.0, 1.0)), [0.0], ["a"], 0.95)


def test_five_thousand_values_take_milliseconds() -> None:
    values, clusters = [float(at % 7 == 0) for at in range(5000)], [str(at % 300) for at in range(5000)]
    best = math.inf
    for _ in range(20):
        began = time.process_time()
        rate(METRIC, values, clusters, 0.95)
        best = min(best, time.process_time() - began)
    assert best < 0.005
