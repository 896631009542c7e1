"""Effective sizes and degrees of freedom against their definitions, computed the long way."""

import numpy as np
import pytest
from slm_audit.probes.estimates.effective import (
    effective_clusters,
    effective_size,
    kurtosis_df,
    satterthwaite_df,
    skewness_of_sum,
)
from slm_audit.probes.estimates.influences import influences, variance

UNEQUAL = np.array([1.0, 2.0, 3.0, 5.0, 8.0, 13.0])


def test_equal_clusters_count_whole_and_unequal_ones_less() -> None:
    assert effective_clusters(np.full(7, 3.0)) == pytest.approx(7)
    assert effective_clusters(np.array([10.0, 0.0, 0.0])) == pytest.approx(1)
    assert effective_clusters(UNEQUAL) == pytest.approx(32**2 / 272)
    assert effective_clusters(np.zeros(4)) == 0


def bell_mccaffrey(sizes: np.ndarray, alike: bool) -> tuple[np.ndarray, float]:
    """The CR2 weights' matrix and the degrees of freedom of an intercept, from whole matrices."""
    n, codes = int(sizes.sum()), np.repeat(np.arange(len(sizes)), sizes.astype(int))
    residual = np.eye(n) - np.ones((n, n)) / n
    columns = []
    for at in range(len(sizes)):
        own = codes == at
        block = np.eye(own.sum()) - np.ones((own.sum(), own.sum())) / n
        values, vectors = np.linalg.eigh(block)
        adjust = vectors @ np.diag(values**-0.5) @ vectors.T
        columns.append(residual[:, own] @ adjust @ np.ones(own.sum()) / n)
    p = np.array(columns).T
    working = (codes[:, None] == codes[None, :]).astype(float) if alike else np.eye(n)
    middle = p.T @ working @ p
    return p, float(np.trace(middle) ** 2 / (middle**2).sum())


def test_cr2_variance_is_that_of_the_matrices() -> None:
    rng = np.random.default_rng(1)
    y = rng.normal(size=int(UNEQUAL.sum()))
    codes = np.repeat(np.arange(len(UNEQUAL)), UNEQUAL.astype(int))
    totals = np.bincount(codes, weights=y)
    p, _ = bell_mccaffrey(UNEQUAL, alike=False)
    assert variance(influences(UNEQUAL, totals), (UNEQUAL,)) == pytest.approx(((p.T @ y) ** 2).sum())


def test_satterthwaite_df_is_that_of_the_matrices() -> None:
    expected = min(bell_mccaffrey(UNEQUAL, alike=alike)[1] for alike in (False, True))
    assert satterthwaite_df(UNEQUAL) == pytest.approx(expected)


@pytest.mark.parametrize("clusters", [2, 5, 40])
def test_equal_clusters_have_one_degree_less_than_there_are(clusters: int) -> None:
    assert satterthwaite_df(np.full(clusters, 4.0)) == pytest.approx(clusters - 1)


def test_heavy_tails_cost_degrees_of_freedom_and_light_ones_give_none() -> None:
    sizes = np.full(100, 10.0)
    assert kurtosis_df(influences(sizes, np.tile([0.0, 10.0], 50))) == 99
    spike = np.zeros(100)
    spike[0] = 10
    # The kurtosis of one spike among G is G - 2 + 1/(G - 1), so 99 / (1 + 95.01) is about 1.
    assert kurtosis_df(influences(sizes, spike)) == pytest.approx(99 / (98 + 1 / 99 - 2))
    assert kurtosis_df(influences(sizes, np.full(100, 3.0))) == 99


def test_skewness_of_a_sum_of_spikes() -> None:
    sizes, totals = np.ones(400), np.zeros(400)
    totals[:4] = 1.0
    p = 0.01
    # That of a binomial's share: (1 - 2p) / sqrt(n p (1 - p)).
    assert skewness_of_sum(influences(sizes, totals)) == pytest.approx((1 - 2 * p) / np.sqrt(400 * p * (1 - p)))
    assert skewness_of_sum(influences(sizes, 1 - totals)) == pytest.approx(-(1 - 2 * p) / np.sqrt(400 * p * (1 - p)))


def test_the_effective_size_falls_to_the_clusters_where_clusters_decide() -> None:
    sizes = np.full(40, 25.0)
    all_or_none = np.where(np.arange(40) < 16, 25.0, 0.0)
    size, rule = effective_size(sizes, all_or_none, 0.95)
    assert rule == "Korn-Graubard"
    # n/deff = 40 x (999/1000 x 39/40 ...) and (t_999 / t_39)^2 = 0.941.
    assert 35 < size < 40
    even = np.where(np.arange(40) < 20, 10.0, 9.0)
    # Clusters that differ less than chance: n x (t_999 / t_39)^2, never more.
    assert effective_size(sizes, even, 0.95)[0] == pytest.approx(1000 * (1.962341 / 2.022691) ** 2, rel=1e-5)


def test_a_dominant_cluster_leaves_few() -> None:
    sizes = np.array([500.0, *[1.0] * 49])
    size, rule = effective_size(sizes, np.where(np.arange(50) < 5, sizes, 0.0), 0.95)
    assert rule == "clusters"
    assert size == pytest.approx(549**2 / (500**2 + 49))


def test_a_background_of_errors_does_not_pass_for_events() -> None:
    # Every cluster shows 5 of 25, and four show 25: as noise of 20 % it is four clusters with an event.
    sizes, totals = np.full(40, 25.0), np.where(np.arange(40) < 4, 25.0, 5.0)
    assert effective_size(sizes, totals, 0.95)[1] == "Korn-Graubard"
    assert effective_size(sizes, totals, 0.95, noise=(0.2, 0.0)) == (pytest.approx(40), "clusters")
    assert effective_size(sizes, 25 - totals, 0.95, noise=(0.0, 0.2)) == (pytest.approx(40), "clusters")
