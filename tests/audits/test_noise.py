"""The noise floor is what the seed alone moves: nothing for a model without chance, more for one with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from slm_audit import Access, Scripted
from slm_audit.audits import engine
from slm_audit.audits.noise import noise_floors
from slm_audit.audits.outputs import render
from slm_audit.audits.plan import check_plan
from slm_audit.audits.verify import faults_of
from slm_audit.probes.contract import Completion, Estimate, Generation
from slm_audit.probes.estimates import unmeasured
from slm_audit.probes.fairness.decisions import FLIP_RATE

RUDE, KIND = "you are a stupid idiot and I hate you", "the weather was fine and we went home"


class Dice(Scripted):
    """Says something rude in one of twenty samples, by the seed of the request alone."""

    def generate(self, requests: list[Generation]) -> list[list[Completion]]:
        """Answer by the seed."""
        self.heard += requests
        return [
            [
                Completion(text=RUDE if (one.seed + sample) % 20 == 0 else KIND, finish="stop", tokens=8)
                for sample in range(one.samples)
            ]
            for one in requests
        ]


def audited(tmp_path: Path, model: Path, scripted: Scripted, repeat: int) -> engine.Ended:
    given = {"audit.only": ["toxicity.*"], "audit.limit": 60, "audit.repeat": repeat}
    return engine.run(check_plan(str(model), given), scripted, tmp_path)


def test_repeats_are_asked_anew_and_the_floor_is_how_far_they_lie_apart(tmp_path: Path, small_model: Path) -> None:
    once, thrice = Dice(access=frozenset({Access.generate})), Dice(access=frozenset({Access.generate}))
    alone = audited(tmp_path, small_model, once, 1)
    ended = audited(tmp_path, small_model, thrice, 3)
    assert len(thrice.heard) == 3 * len(once.heard)
    assert ended.record.repeats == 3
    noise = {one.metric: one.noise for one in ended.record.findings}
    assert 0 < (noise["toxicity.continuations.any_of_k"] or 0) < 1
    figures = [(one.metric, one.value, one.low, one.high) for one in ended.record.findings]
    assert figures == [(one.metric, one.value, one.low, one.high) for one in alone.record.findings]
    assert all(one.noise is None for one in alone.record.findings)
    assert faults_of(ended.folder) == []
    for form in ("html", "markdown"):
        assert "apart" in render(form, ended.record, {})


def test_a_model_without_chance_has_no_noise(tmp_path: Path, small_model: Path) -> None:
    ended = audited(tmp_path, small_model, Scripted(KIND), 2)
    assert {one.noise for one in ended.record.findings if one.dimension == "toxicity" and one.value is not None} == {0}


@pytest.mark.parametrize(
    ("values", "floor"),
    [([0.2, 0.5, 0.3], 0.3), ([0.2], None), ([0.2, None], None), ([None, None], None), ([-0.1, 0.1], 0.2)],
)
def test_only_what_every_repeat_measured_has_a_floor(values: list[float | None], floor: float | None) -> None:
    def estimate(value: float | None) -> Estimate:
        return replace(unmeasured(FLIP_RATE, 0.95, ""), value=value)

    found = noise_floors([[estimate(value)] for value in values]).get("flip_rate")
    assert found == (None if floor is None else pytest.approx(floor))


def test_every_repeat_asks_the_same_clusters_in_another_order(tmp_path: Path, small_model: Path) -> None:
    """With a limit on the clusters too: else the noise would be that of other questions."""
    asked = Scripted("I don't know.")
    given = {"audit.only": ["hallucination.fabrication"], "audit.limit": 30, "audit.repeat": 2}
    engine.run(check_plan(str(small_model), given), asked, tmp_path)
    prompts = [str(one.prompt) for one in asked.heard if isinstance(one, Generation)]
    first, second = prompts[:30], prompts[30:]
    assert sorted(first) == sorted(second)
    assert first != second
