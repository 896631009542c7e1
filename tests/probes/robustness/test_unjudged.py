"""What could not be judged widens an interval to both sides and leaves the figure alone."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from slm_audit.probes.contract import Estimate, Metric
from slm_audit.probes.estimates import bootstrapped, unmeasured
from slm_audit.probes.robustness.attack import Attack
from slm_audit.probes.robustness.typos import Typos
from slm_audit.probes.robustness.unjudged import bracketed
from slm_audit.probes.testing import Scripted, observe

METRIC = Metric(name="mean", meaning="the mean of some shares")


def estimate(rows: list[float], places: list[int]) -> Estimate:
    """The mean, its limits at a distance of 0.1."""
    if not rows:
        return unmeasured(METRIC, 0.95, "nothing was observed")
    assert len(rows) == len(places)
    value = sum(rows) / len(rows)
    whole = bootstrapped(METRIC, lambda _: value, [str(place) for place in places], 0.95)
    return replace(whole, low=value - 0.1, high=value + 0.1)


def test_the_limits_come_from_the_worst_and_the_best_case() -> None:
    found = bracketed([0.5, None, 0.7, None], 0.0, 1.0, estimate)
    assert found.value == pytest.approx(0.6)
    assert (found.low, found.high) == (pytest.approx(0.3 - 0.1), pytest.approx(0.8 + 0.1))
    assert (found.n, found.missing) == (4, 2)


def test_nothing_missing_changes_nothing() -> None:
    assert bracketed([0.5, 0.7], 0.0, 1.0, estimate) == estimate([0.5, 0.7], [0, 1])


def test_nothing_judged_has_no_value() -> None:
    found = bracketed([None, None], 0.0, 1.0, estimate)
    assert (found.value, found.n, found.missing) == (None, 2, 2)


@pytest.mark.parametrize(
    ("probe", "metric"), [(Typos(), "drop_rate"), (Attack(reviews=30, queries=40), "median_queries")]
)
def test_missing_evidence_never_narrows_an_interval(
    probe: Typos | Attack, metric: str, reader: Callable[[Callable[[str], float]], Scripted], labels: dict[str, int]
) -> None:
    known = {tuple(word[0] for word in text.split()): label for text, label in labels.items()}

    def lead(text: str) -> float:
        label = known.get(tuple(word[0] for word in text.split()))
        return 0.0 if label is None else (1.0 - 2.0 * label) * (1.0 if text in labels or len(text) % 3 else -1.0)

    seen = observe(probe, reader(lead), most_items=30)
    lost = {one.item for one in seen[::7]}
    gone = [replace(one, values=dict.fromkeys(one.values)) if one.item in lost else one for one in seen]
    whole = {one.metric: one for one in probe.measure(seen, 0.95) if not one.groups}[metric]
    part = {one.metric: one for one in probe.measure(gone, 0.95) if not one.groups}[metric]
    assert part.n == whole.n and part.missing > whole.missing == 0
    assert part.low <= whole.low and part.high >= whole.high
