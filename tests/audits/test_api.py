"""The same from Python as from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
import slm_audit


def test_a_finished_run_reads_back_as_its_record_and_a_table(finished: Path) -> None:
    record = slm_audit.load_record(finished)
    assert slm_audit.load_record(finished / "record.json") == record
    frame = record.to_frame()
    assert len(frame) == len(record.findings)
    assert set(frame["metric"]) == {one.metric for one in record.findings}
    row = frame.set_index("metric").loc["toxicity.continuations.rate"]
    (finding,) = [one for one in record.findings if one.metric == "toxicity.continuations.rate"]
    assert (row["n"], row["verdict"], row["high"]) == (finding.n, finding.verdict, finding.high)


def test_a_spec_may_be_a_mapping(tmp_path: Path, small_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spec = {
        "version": 1,
        "model": {"kind": "transformers", "path": str(small_model)},
        "audit": {"only": ["toxicity.*"], "limit": 3, "seed": 5},
    }
    record = slm_audit.audit(spec, allow_path=True)
    assert record.seed == 5
    assert slm_audit.load_record(tmp_path / "runs" / "latest") == record
    with pytest.raises(slm_audit.UserError, match="did you mean 'audit'"):
        slm_audit.audit({**spec, "audti": 1})


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(slm_audit.UserError, match="does not exist"):
        slm_audit.load_record(tmp_path / "record.json")
