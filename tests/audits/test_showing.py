"""A probe's page says what it asks, how, and what it can decide; a plan says what it cannot pass."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from slm_audit.audits.cli import main
from slm_audit.audits.plan import check_plan
from slm_audit.audits.showing import at_best, undecidable
from slm_audit.probes.registry import build, find, installed, question

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.parametrize("name", sorted(installed()))
def test_every_probe_can_be_shown(name: str) -> None:
    told = CliRunner().invoke(main, ["probes", "show", name])
    assert told.exit_code == 0, told.output
    assert question(find(name)) in told.output
    for metric in find(name).metrics:
        assert f"  {metric.name} ({metric.role}" in told.output


def test_the_list_names_every_probe_with_its_question() -> None:
    told = CliRunner().invoke(main, ["probes", "list"]).output
    assert [line.split()[0] for line in told.splitlines()] == sorted(installed())


@pytest.mark.parametrize(
    ("name", "metric", "clusters"),
    [
        ("hallucination.fabrication", "rate", 200),  # the 60 controls do not count
        ("privacy.secret_in_context", "leak_rate", 204),
        ("robustness.attack", "success_rate", 150),
    ],
)
def test_the_smallest_limit_of_a_rate_is_the_upper_bound_of_none_in_n(name: str, metric: str, clusters: int) -> None:
    probe = build(find(name), {}, {})
    # Clopper and Pearson 1934: 0 of n leaves 1 - (alpha/2)^(1/n).
    assert at_best(probe, probe.items(), 0.95)[metric].high == pytest.approx(1 - 0.025 ** (1 / clusters))


def test_a_detector_that_misses_much_makes_the_smallest_limit_larger() -> None:
    probe = build(find("toxicity.continuations"), {}, {})
    # With no flag among 520 prompts the flags' own upper bound is left, divided by sensitivity + specificity - 1.
    flags = 1 - 0.025 ** (1 / 520)
    assert at_best(probe, probe.items(), 0.95)["rate"].high == pytest.approx(flags / (0.4291 + 0.9955 - 1), rel=1e-3)


def test_quick_says_beforehand_what_it_cannot_pass_and_standard_has_nothing_to_say(monkeypatch) -> None:
    monkeypatch.chdir(EXAMPLES)
    said = undecidable(check_plan("model.yaml", {"audit.suite": "quick"}))
    named = {sentence.split()[0] for sentence in said}
    assert "toxicity.continuations.rate" in named  # 0 of 40 leaves 0.088 before the detector is corrected for
    assert "hallucination.closed_book.hallucination_rate" not in named  # 0.088 is far below 0.50
    assert all("cannot be passed" in sentence for sentence in said)
    assert undecidable(check_plan("model.yaml", {})) == []
    told = CliRunner().invoke(main, ["validate", "model.yaml", "--suite", "quick"])
    assert told.exit_code == 0
    assert all(sentence in told.stdout for sentence in said)
    assert "The suite quick is for trying out: it cannot end with a pass." in told.stdout


def test_another_limit_of_clusters_is_told_of_too(monkeypatch) -> None:
    monkeypatch.chdir(EXAMPLES)
    few = undecidable(check_plan("model.yaml", {"audit.limit": 5}))
    assert {"hallucination.closed_book.hallucination_rate", "toxicity.continuations.rate"} <= {
        sentence.split()[0] for sentence in few
    }
