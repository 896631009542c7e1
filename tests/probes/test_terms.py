"""Every built-in probe says over which terms its figures are means, and leaves out only those that are none."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from slm_audit import Probe, Scripted, check_probe
from slm_audit.probes.fitness.ability import Ability
from slm_audit.probes.fitness.resources import Resources
from slm_audit.probes.privacy.exposure import Exposure
from slm_audit.probes.registry import find, installed
from slm_audit.probes.testing import observe

CANARIES = Path(__file__).resolve().parents[2] / "examples" / "tiny_slm" / "canaries.jsonl"
NO_MEANS = {
    "robustness.typos": {"drop_rate"},
    "robustness.attack": {"median_queries"},
    "hallucination.closed_book": {"aurc", "ece", "brier"},
    "fitness.resources": {one.name for one in Resources.metrics},
    "fitness.ability": {"majority"},
}
SAID = ("You stupid idiot, go away.", "I don't know.", "Paris, I think.", "", "the the the the the the the the the")


def draw(text: str) -> int:
    return hashlib.sha256(text.encode()).digest()[0]


def built(name: str, folder: Path) -> Probe:
    if name == "fitness.ability":
        rows = [{"text": f"Is {at} odd or even?", "label": "odd" if at % 2 else "even"} for at in range(200)]
        (folder / "task.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        return Ability(task=folder / "task.jsonl")
    return Exposure(canaries=CANARIES, references=511) if name == "privacy.exposure" else find(name)()


@pytest.mark.parametrize("name", [name for name, point in installed().items() if point.value.startswith("slm_audit.")])
def test_figures_are_the_means_of_the_terms_for_a_model_that_says_all_sorts(name: str, tmp_path: Path) -> None:
    model = Scripted(
        lambda prompt, sample: SAID[draw(f"{prompt}{sample}") % len(SAID)],
        lambda context, text: -1.0 - draw(context + text) / 50,
    )
    probe, most = built(name, tmp_path), 24 if name == "robustness.attack" else 260
    check_probe(probe, model, most_items=most)
    seen = observe(probe, model, most_items=most)
    lacking = {one.name for one in probe.metrics} - set(probe.terms(seen))
    assert lacking == NO_MEANS.get(name, set())
