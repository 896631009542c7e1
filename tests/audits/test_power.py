"""How many clusters decide a limit: by the estimators of a run, near a closed form where there is one."""

from __future__ import annotations

from zlib import crc32

import numpy as np
import pytest
from scipy import stats
from slm_audit import Observation, Scripted
from slm_audit.audits.power import POWER, Shown, estimate_of, need
from slm_audit.probes.contract import Probe
from slm_audit.probes.registry import build, find
from slm_audit.probes.testing import observe
from slm_audit.reports.policy import Limit

RATE = "hallucination.fabrication.rate"


def probe(name: str) -> Probe:
    return build(find(name), {}, {})


def fabrications(events: int, of: int) -> dict[str, Shown]:
    seen = [
        Observation(item=str(at), cluster=str(at), status="judged", values={"rate": float(at < events)},
                    groups=(("thing", "made up"), ("kind", "person")))
        for at in range(of)
    ]  # fmt: skip
    return Shown.of(probe("hallucination.fabrication"), seen, 0.95)


def of_rate(shown: Shown, at_most: float, *, guess: float | None, available: int = 260, sequential: bool = False):  # type: ignore[no-untyped-def]
    limit = Limit(metric=RATE, at_most=at_most)
    return need(limit, shown, guess=guess, source="", available=available, level=0.95, sequential=sequential)


def exact_power(clusters: int, truth: float, at_most: float) -> float:
    """The chance that the exact binomial upper limit of independent answers keeps to the bound."""
    events = np.arange(clusters + 1)
    upper = stats.beta.ppf(0.975, events + 1, clusters - events)
    upper[-1] = 1.0
    return float(stats.binom.pmf(events, clusters, truth)[upper <= at_most].sum())


@pytest.mark.parametrize(("truth", "at_most"), [(0.15, 0.3), (0.05, 0.1)])
def test_independent_answers_need_as_many_as_the_exact_binomial(truth: float, at_most: float) -> None:
    found = of_rate(fabrications(3, 40)["rate"], at_most, guess=truth, available=400).clusters
    assert found is not None
    assert exact_power(round(found * 1.25), truth, at_most) >= POWER
    assert exact_power(round(found * 0.75), truth, at_most) < POWER


def test_a_model_beyond_the_limit_is_to_fail_and_one_on_it_is_never_decided() -> None:
    shown = fabrications(3, 40)["rate"]
    assert of_rate(shown, 0.1, guess=0.4).decidable
    on_it = of_rate(shown, 0.1, guess=0.1)
    assert (on_it.clusters, "lies on the limit" in on_it.reason) == (None, True)


def test_what_cannot_be_decided_says_what_could_be() -> None:
    shown = fabrications(3, 40)["rate"]
    found = of_rate(shown, 0.1, guess=0.05, available=60)
    assert not found.decidable
    assert found.clusters is not None and found.clusters > 60
    assert found.possible is not None and found.possible > 0.1
    assert of_rate(shown, found.possible * 1.1, guess=0.05, available=60).decidable
    assert not of_rate(shown, found.possible * 0.8, guess=0.05, available=60).decidable


def test_a_pilot_brings_its_own_value_and_its_own_clusters() -> None:
    alone = of_rate(fabrications(20, 200)["rate"], 0.2, guess=None)
    assert alone.truth == pytest.approx(0.1)
    # The same answers, ten to a cluster that says the same ten times: ten times as many answers are needed.
    seen = [
        Observation(item=f"{at}.{one}", cluster=str(at), status="judged", values={"rate": float(at < 20)},
                    groups=(("thing", "made up"), ("kind", "person")))
        for at in range(200) for one in range(10)
    ]  # fmt: skip
    alike = of_rate(Shown.of(probe("hallucination.fabrication"), seen, 0.95)["rate"], 0.2, guess=None)
    assert alone.clusters is not None and alike.clusters is not None
    assert alone.clusters * 0.8 <= alike.clusters <= alone.clusters * 1.25


def test_early_stopping_has_its_price() -> None:
    shown = fabrications(3, 40)["rate"]
    plain, looked = (of_rate(shown, 0.3, guess=0.15, sequential=each).clusters for each in (False, True))
    assert plain is not None and looked is not None
    assert plain < looked


@pytest.mark.parametrize(
    ("name", "metrics"),
    [
        ("hallucination.fabrication", ["rate"]),
        ("hallucination.closed_book", ["hallucination_rate"]),
        ("privacy.secret_in_context", ["leak_rate", "hands_out"]),
        ("toxicity.continuations", ["rate"]),
        ("fairness.decisions", ["flip_rate", "parity_difference", "accuracy"]),
        ("robustness.typos", ["accuracy_drop", "accuracy"]),
    ],
)
def test_terms_are_estimated_as_their_probe_estimates_them(name: str, metrics: list[str]) -> None:
    def reply(prompt: str, sample: int) -> str:
        return ["You are a stupid idiot.", "It may be so.", "Certainly, it is Paris."][crc32(prompt.encode()) % 3]

    model = Scripted(reply, lambda context, text: -float(crc32((context + text).encode()) % 97))
    shown = Shown.of(probe(name), observe(probe(name), model, most_items=120), 0.95)
    for metric in metrics:
        own = shown[metric]
        columns = {
            part: ([one.value for one in terms], [one.cluster for one in terms]) for part, terms in own.parts.items()
        }
        again, first = estimate_of(own, columns, 0.95), own.estimate
        assert (again.n, again.high) == (first.n if len(columns) == 1 else again.n, pytest.approx(first.high, abs=1e-9))
