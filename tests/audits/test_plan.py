"""What a run is to do: the command line beats the file, the file beats the environment, that beats the default."""

from __future__ import annotations

from pathlib import Path

import pytest
from slm_audit.audits.plan import check_plan

SPEC = "version: 1\nmodel: {path: model}\n"


@pytest.fixture
def file(tmp_path: Path, small_model: Path) -> Path:
    (tmp_path / "model").symlink_to(small_model)
    return tmp_path / "model.yaml"


@pytest.mark.parametrize(
    ("flag", "said", "variable", "seed"),
    [(None, None, None, 0), (None, None, "5", 5), (None, 4, "5", 4), (3, 4, "5", 3), (3, None, None, 3)],
)
def test_who_beats_whom(file: Path, monkeypatch: pytest.MonkeyPatch, flag, said, variable, seed: int) -> None:
    file.write_text(SPEC + (f"audit: {{seed: {said}}}\n" if said is not None else ""))
    if variable:
        monkeypatch.setenv("SLM_AUDIT_SEED", variable)
    plan = check_plan(str(file), {"audit.seed": flag}, allow_path=True)
    assert plan.spec.audit.seed == seed
    assert (f"seed: {seed}" in plan.document.text) == (seed != 0)  # the run's own spec.yaml says what was used


def test_a_folder_alone_is_a_spec(small_model: Path) -> None:
    plan = check_plan(str(small_model), {})
    assert plan.model_path == str(small_model.resolve())
    assert plan.policy.name == "pre-deployment"
    assert len(plan.selected) == 8


def test_paths_are_taken_from_the_files_own_folder(
    file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory
) -> None:
    file.write_text(SPEC + "policy: own.yaml\n")
    limit = "{metric: toxicity.continuations.rate, at_most: 0.5}"
    (file.parent / "own.yaml").write_text(f"version: 1\nname: own\nlimits: [{limit}]\n")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert check_plan(str(file), {}, allow_path=True).policy.name == "own"
