"""Means corrected by labels: closed forms of a useless and of a perfect detector, published replies, and edges."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest
from slm_audit.probes.contract import Estimate, Metric
from slm_audit.probes.detectors.refusal import refuses
from slm_audit.probes.estimates import mean, ppi, rate

SHARE = Metric(name="refused", meaning="")


def corrected(judged: list[float | None], labelled: list[tuple[float, float]], metric: Metric = SHARE) -> Estimate:
    return ppi(metric, judged, [str(at) for at in range(len(judged))], labelled, 0.95)


def test_a_detector_that_says_nothing_has_no_say() -> None:
    labelled = [(1.0, float(at < 30)) for at in range(100)]
    found = corrected([1.0] * 400, labelled)
    exact = binomtest(30, 100).proportion_ci(0.95, method="exact")
    assert (found.value, found.low, found.high) == (0.3, pytest.approx(exact.low), pytest.approx(exact.high))
    assert found.correction == "ppi++"


def test_a_perfect_detector_makes_one_sample_of_both() -> None:
    # k = 1 / (1 + n/N): the labels' and the detector's means weighed by their numbers, with the error of n + N.
    labelled = [(float(at < 55), float(at < 55)) for at in range(100)]
    found = corrected([float(at < 150) for at in range(300)], labelled)
    assert found.value == pytest.approx((55 + 150) / 400, abs=1e-3)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * math.sqrt(0.25 / 400), rel=0.06)


def test_a_biased_detector_is_corrected_by_its_errors_on_the_labels() -> None:
    # It flags all that have the trait and 20 % of the others; 40 % have it, so it flags 52 %.
    kinds = [(1.0, 1.0)] * 40 + [(1.0, 0.0)] * 12 + [(0.0, 0.0)] * 48
    found = corrected([1.0] * 520 + [0.0] * 480, kinds * 2)
    assert found.value == pytest.approx(0.4)
    alone = rate(SHARE, [human for _, human in kinds * 2], [str(at) for at in range(200)], 0.95)
    assert found.low < 0.4 < found.high < 0.52
    assert found.high - found.low < 0.8 * (alone.high - alone.low)


def test_another_range_is_a_change_of_units() -> None:
    rng = np.random.default_rng(4)
    truth = rng.random(260)
    machine = np.clip(truth + 0.1 * rng.normal(size=260), 0, 1)
    labelled = list(zip(machine[:60], truth[:60], strict=True))
    bits = Metric(name="bits", meaning="", range=(-2.0, 6.0))
    plain = corrected(list(machine[60:]), labelled)
    scaled = corrected(list(8 * machine[60:] - 2), [(8 * a - 2, 8 * b - 2) for a, b in labelled], bits)
    for name in ("value", "low", "high"):
        assert getattr(scaled, name) == pytest.approx(8 * getattr(plain, name) - 2)
    human = mean(SHARE, list(truth[:60]), [str(at) for at in range(60)], 0.95)
    assert plain.high - plain.low < human.high - human.low


def test_unjudged_texts_are_held_at_both_ends() -> None:
    labelled = [(float(at % 10 < 5), float(at % 10 < 6)) for at in range(100)]
    judged: list[float | None] = [float(at % 2) for at in range(300)]
    part = corrected([None] * 6 + judged[6:], labelled)
    assert part.missing == 6
    for end in (0.0, 1.0):
        filled = corrected([end] * 6 + judged[6:], labelled)
        assert part.low <= filled.low + 1e-3 and part.high >= filled.high - 1e-3
    nothing = corrected([None] * 20, labelled)
    assert nothing.value is None and nothing.low < 0.55 and nothing.high > 0.65


def test_edges() -> None:
    assert corrected([], [(1.0, 1.0)]).reason == "nothing was observed"
    assert corrected([1.0], []).reason == "no text was labelled"
    one = corrected([0.0, 1.0], [(1.0, 1.0)])
    assert one.value == 1.0 and one.low == pytest.approx(0.025)
    none, every = (corrected([end] * 50, [(end, end)] * 40) for end in (0.0, 1.0))
    assert (none.value, none.low, none.high) == (0.0, 0.0, pytest.approx(1 - 0.025 ** (1 / 40)))
    assert (every.value, every.low, every.high) == (1.0, pytest.approx(0.025 ** (1 / 40)), 1.0)
    for bad in ((math.nan, 1.0), (1.0, math.nan), (1.0, 2.0)):
        with pytest.raises(ValueError, match="refused"):
            corrected([0.0, 1.0], [bad])
    with pytest.raises(ValueError, match="level"):
        ppi(SHARE, [1.0], ["a"], [(1.0, 1.0)], 1.0)
    with pytest.raises(ValueError, match="1 values"):
        ppi(SHARE, [1.0], ["a", "b"], [(1.0, 1.0)], 0.95)


@pytest.mark.replay
@pytest.mark.parametrize(("model", "truth", "gain"), [("llama2orig", 0.776, 0.75), ("mistralinstruct", 0.169, 1.05)])
def test_replies_to_xstest_with_a_hundred_labels(shared: Path, model: str, truth: float, gain: float) -> None:
    # Refusals, full or partial, of 450 prompts as people labelled them; 100 labels are drawn again and again. The
    # detector sees most of one model's and a quarter of the other's. Corrected it rarely misses the truth, with
    # shorter limits than those of the labels alone where it sees much, and hardly longer ones where it sees little.
    path = shared / "benchmarks" / "xstest" / "model_completions" / f"xstest_v2_completions_{model}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        replies = list(csv.DictReader(file))
    human = np.array([float(not one["final_label"].startswith("1")) for one in replies])
    machine = np.array([float(refuses(one["completion"])) for one in replies])
    assert human.mean() == pytest.approx(truth, abs=5e-4)
    rng = np.random.default_rng(5)
    missed, widths, widths_of_labels = 0, [], []
    for _ in range(200):
        order = rng.permutation(len(replies))
        drawn, rest = order[:100], order[100:]
        found = corrected(list(machine[rest]), list(zip(machine[drawn], human[drawn], strict=True)))
        alone = rate(SHARE, list(human[drawn]), [str(at) for at in range(100)], 0.95)
        missed += not found.low <= human.mean() <= found.high
        widths.append(found.high - found.low)
        widths_of_labels.append(alone.high - alone.low)
    assert missed <= 0.05 * 200
    assert np.mean(widths) < gain * np.mean(widths_of_labels)
