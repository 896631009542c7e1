"""A run that starts from an earlier one asks only what is new, and is a further look at a stricter level."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from slm_audit import Scripted, UserError
from slm_audit.audits import engine
from slm_audit.audits.gate import level_of_look
from slm_audit.audits.plan import Plan, check_plan
from slm_audit.audits.run_folder import read_record
from slm_audit.audits.verify import faults_of


def plan(model: Path, limit: int) -> Plan:
    return check_plan(str(model), {"audit.only": ["fairness.*"], "audit.limit": limit})


def scripted(weights: str = "0" * 64) -> Scripted:
    model = Scripted("Approved.", lambda _, text: -float(sum(text.encode()) % 7) - 1)
    model.identity = dataclasses.replace(model.identity, weights=weights)
    return model


def test_what_was_answered_is_not_asked_again_and_the_level_is_that_of_the_second_look(
    tmp_path: Path, small_model: Path
) -> None:
    first = engine.run(plan(small_model, 8), scripted(), tmp_path)
    anew, added = scripted(), scripted()
    alone = engine.run(plan(small_model, 20), anew, tmp_path)
    grown = engine.run(plan(small_model, 20), added, tmp_path, reusing=first.folder)
    asked_first = sum(one.requests for one in first.record.probes)
    assert len(anew.heard) - asked_first <= len(added.heard) < len(anew.heard)
    assert [one.level for one in grown.record.looks] == [0.95, 0.975]
    assert {one.level for one in grown.record.findings} == {0.975}
    for wide, narrow in zip(grown.record.findings, alone.record.findings, strict=True):
        assert wide.value == narrow.value
        if wide.low is not None and narrow.low is not None:
            assert wide.low <= narrow.low
            assert (wide.high or 0) >= (narrow.high or 0)
    assert faults_of(grown.folder) == []
    third = engine.run(plan(small_model, 30), scripted(), tmp_path, reusing=grown.folder)
    assert [one.level for one in third.record.looks] == [0.95, 0.975, 0.9875]


def test_all_looks_together_err_no_more_than_one_of_them_was_allowed_twice() -> None:
    assert sum((1 - level_of_look(0.95, look)) / 2 for look in range(1, 60)) == pytest.approx(0.05)


def test_another_model_or_one_without_a_hash_is_refused(tmp_path: Path, small_model: Path) -> None:
    first = engine.run(plan(small_model, 4), scripted(), tmp_path)
    with pytest.raises(UserError, match="weights"):
        engine.run(plan(small_model, 8), scripted("1" * 64), tmp_path, reusing=first.folder)
    with pytest.raises(UserError, match="hashed"):
        engine.run(plan(small_model, 8), scripted(""), tmp_path, reusing=first.folder)
    assert read_record(first.folder).verdict == first.record.verdict
