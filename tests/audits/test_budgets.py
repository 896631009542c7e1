"""The findings do not depend on how many tokens go through the model at once, nor on a stop in between."""

from __future__ import annotations

from pathlib import Path

import pytest
from slm_audit.audits import engine
from slm_audit.audits.models import room
from slm_audit.audits.models.transformers import TransformersModel
from slm_audit.audits.plan import Plan, check_plan
from slm_audit.audits.progress import TerminalProgress
from slm_audit.reports.record import Record

PROBES = ["fairness.decisions", "robustness.typos", "toxicity.continuations", "privacy.secret_in_context"]


@pytest.fixture
def plan(tmp_path: Path, small_model: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.chdir(tmp_path)
    return check_plan(str(small_model), {"audit.only": PROBES, "audit.limit": 4, "audit.seed": 3})


def same(one: Record, other: Record) -> None:
    """The same findings, as ARCHITECTURE.md has it: metrics, n, verdicts, and figures to 1e-4."""
    for a, b in zip(one.findings, other.findings, strict=True):
        assert (a.metric, a.n, a.missing, a.clusters, a.verdict) == (b.metric, b.n, b.missing, b.clusters, b.verdict)
        for first, second in ((a.value, b.value), (a.low, b.low), (a.high, b.high)):
            assert first == pytest.approx(second, abs=1e-4)


@pytest.mark.slow
def test_budgets_and_a_resumed_run_give_the_same_findings(
    tmp_path: Path, plan: Plan, small_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = []
    for budget in (64, 1024, 8192):
        monkeypatch.setattr(room, "TOKENS_ON_A_CPU", budget)
        model = TransformersModel(str(small_model))
        assert model._engine.room.tokens == budget  # type: ignore[attr-defined]
        records.append(engine.run(plan, model, tmp_path / str(budget)).record)
    same(records[0], records[1])
    same(records[2], records[1])

    class Stopped(TransformersModel):
        calls = 0

        def generate(self, requests):  # type: ignore[no-untyped-def]
            self.calls += 1
            if self.calls == 2:
                raise KeyboardInterrupt
            return super().generate(requests)

    with pytest.raises(KeyboardInterrupt):
        engine.run(plan, Stopped(str(small_model)), tmp_path / "stopped")
    model = TransformersModel(str(small_model), threads=1)
    with TerminalProgress(4, quiet=True) as progress:
        resumed = engine.resume(
            tmp_path / "stopped" / "latest", lambda *_: model, allow_code=False, progress=progress
        ).record
    same(resumed, records[1])
