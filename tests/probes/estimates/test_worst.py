"""The difference of two worst parts: exactly the paired difference of one part, and bounds by hand for more."""

import pytest
from slm_audit.probes.contract import Metric, Term
from slm_audit.probes.estimates import difference_of_worst, paired_difference

DELTA = Metric(name="delta", meaning="", range=(-1.0, 1.0))


def part(events: int, n: int = 100, prefix: str = "i") -> list[Term]:
    return [Term(item=f"{prefix}{at}", cluster=f"{prefix}{at}", value=float(at < events)) for at in range(n)]


def test_one_part_is_exactly_the_paired_difference() -> None:
    for variant in (part(30), part(30)[5:]):
        alone = paired_difference(DELTA, part(20), variant, 0.95)
        assert difference_of_worst(DELTA, {"": part(20)}, {"": variant}, 0.95) == alone
        assert difference_of_worst(DELTA, {"a": part(20), "b": []}, {"a": variant, "b": []}, 0.95) == alone


def test_the_largest_may_be_another_part_on_each_side() -> None:
    base, variant = {"a": part(40), "b": part(10)}, {"a": part(15), "b": part(35)}
    found = difference_of_worst(DELTA, base, variant, 0.95)
    # Parts that are far apart: the worst are surely a before and b after, and their difference alone decides.
    decisive = paired_difference(DELTA, base["a"], variant["b"], 0.975)
    assert found.value == pytest.approx(0.35 - 0.40)
    assert (found.low, found.high) == (decisive.low, decisive.high)
    assert "a before, b after" in found.reason
    assert (found.n, found.clusters, found.missing) == (200, 100, 0)


def test_parts_that_may_each_be_the_worst_widen() -> None:
    base = {name: part(20, prefix=name) for name in "abc"}
    variant = {name: part(40, prefix=name) for name in "abc"}
    found = difference_of_worst(DELTA, base, variant, 0.95)
    one = paired_difference(DELTA, base["a"], variant["a"], 0.95)
    assert found.value == pytest.approx(0.2)
    assert found.low < one.low < one.high < found.high


def test_an_unjudged_part_may_have_been_the_worst() -> None:
    blank = [Term(item=one.item, cluster=one.cluster, value=None) for one in part(0, 40, "x")]
    found = difference_of_worst(DELTA, {"a": part(10), "b": blank}, {"a": part(10), "b": blank}, 0.95)
    assert (found.value, found.missing) == (0.0, 40)
    assert found.low < -0.9 and found.high > 0.9


def test_edges() -> None:
    assert difference_of_worst(DELTA, {}, {"a": []}, 0.95).reason == "nothing was observed"
    found = difference_of_worst(DELTA, {"a": part(1), "b": part(2)}, {"a": part(1)}, 0.95)
    assert found.value is None and found.reason == "only one side holds terms of 'b'"
    with pytest.raises(ValueError, match="level"):
        difference_of_worst(DELTA, {}, {}, 0.0)
