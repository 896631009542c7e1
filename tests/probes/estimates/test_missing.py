"""Properties of every estimate: the value lies within, order does not matter, missing evidence never helps."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slm_audit.probes.contract import Estimate, Metric
from slm_audit.probes.estimates import mean, rate

SHARE = Metric(name="share", meaning="")
DROP = Metric(name="drop", meaning="", range=(-1.0, 1.0))
EXAMPLES = settings(max_examples=150, deadline=None)

binary = st.sampled_from([0.0, 1.0])
names = st.integers(0, 24).map(str)
rates = st.lists(st.tuples(binary, names), min_size=1, max_size=120)
drops = st.lists(st.tuples(st.sampled_from([-1.0, -0.5, 0.0, 0.0, 0.25, 1.0]), names), min_size=1, max_size=60)
wide = st.lists(st.tuples(st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0]), st.integers(0, 79).map(str)), min_size=60)


def estimate(metric: Metric, rows: list[tuple[float | None, str]]) -> Estimate:
    return (rate if metric is SHARE else mean)(metric, [one for one, _ in rows], [name for _, name in rows], 0.95)


def contains(outer: Estimate, inner: Estimate) -> bool:
    assert outer.low is not None and outer.high is not None and inner.low is not None and inner.high is not None
    return outer.low <= inner.low + 1e-9 and outer.high >= inner.high - 1e-9


def check(metric: Metric, rows: list[tuple[float, str]], data: st.DataObject) -> None:
    whole = estimate(metric, rows)
    assert whole.value is not None and whole.low is not None and whole.high is not None
    assert metric.range[0] <= whole.low <= whole.value <= whole.high <= metric.range[1]

    shuffled = estimate(metric, data.draw(st.permutations(rows)))
    for name in ("value", "low", "high"):
        assert getattr(shuffled, name) == pytest.approx(getattr(whole, name), abs=1e-9)

    at = data.draw(st.integers(0, len(rows) - 1))
    lost = estimate(metric, [(None if place == at else one, name) for place, (one, name) in enumerate(rows)])
    assert lost.missing == 1 and lost.n == whole.n and lost.clusters == whole.clusters
    assert contains(lost, whole)

    gone = data.draw(st.sets(st.integers(0, len(rows) - 1)))
    partly = estimate(metric, [(None if place in gone else one, name) for place, (one, name) in enumerate(rows)])
    assert partly.missing == len(gone)
    assert partly.value is None or (partly.low is not None and partly.low <= partly.value <= (partly.high or 0.0))
    for end in metric.range:
        filled = [(end if place in gone else one, name) for place, (one, name) in enumerate(rows)]
        assert contains(partly, estimate(metric, filled))


@EXAMPLES
@given(rates, st.data())
def test_rates(rows: list[tuple[float, str]], data: st.DataObject) -> None:
    check(SHARE, rows, data)


@EXAMPLES
@given(drops, st.data())
def test_means_of_few_clusters(rows: list[tuple[float, str]], data: st.DataObject) -> None:
    check(DROP, rows, data)


@settings(max_examples=60, deadline=None)
@given(wide, st.data())
def test_means_of_many_clusters(rows: list[tuple[float, str]], data: st.DataObject) -> None:
    check(DROP, rows, data)


def test_an_item_that_would_break_the_count_of_clusters_cannot_be_hidden() -> None:
    # Nine clusters with an event: the clusters are counted. A tenth made up by leaving an item unjudged must not
    # bring the estimate among those whose items are counted, with a far lower upper limit.
    clusters = [str(at // 25) for at in range(500)]
    values: list[float | None] = [float(at % 25 == 0 and at < 225) for at in range(500)]
    whole = rate(SHARE, values, clusters, 0.95)
    values[475] = None
    assert contains(rate(SHARE, values, clusters, 0.95), whole)
    ten = rate(SHARE, [1.0 if value is None else value for value in values], clusters, 0.95)
    assert ten.high is not None and whole.high is not None and ten.high < whole.high / 2


def test_nothing_judged_is_all_missing_and_the_whole_range() -> None:
    for metric in (SHARE, DROP):
        found = estimate(metric, [(None, "a"), (None, "b")])
        assert (found.value, found.low, found.high) == (None, *metric.range)
        assert (found.n, found.missing, found.clusters) == (2, 2, 2)
        assert found.reason == "2 of 2 could not be judged"


def test_missing_values_by_hand() -> None:
    # Single items: low is that of 10 of 100 events, high that of 30 of 100.
    values = [1.0] * 10 + [None] * 20 + [0.0] * 70
    clusters = [str(at) for at in range(100)]
    found = rate(SHARE, values, clusters, 0.95)
    assert found.value == pytest.approx(10 / 80)
    assert found.low == rate(SHARE, [value or 0.0 for value in values], clusters, 0.95).low
    assert found.high == rate(SHARE, [1.0 if value is None else value for value in values], clusters, 0.95).high
