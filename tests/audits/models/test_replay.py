"""Recorded replies give the findings of the run they come from; what was not recorded is missing, never zero."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from slm_audit import Access, Decoding, Generation, Message, Scoring, UserError
from slm_audit.audits.models.replay import ReplayModel

ONE = Decoding(max_tokens=4)


def log(place: Path, *lines: object) -> Path:
    file = place / "log.jsonl"
    file.write_text("".join(one if isinstance(one, str) else json.dumps(one) + "\n" for one in lines))
    return file


def findings(run: Path) -> object:
    record = json.loads((run / "record.json").read_text())
    return [record["findings"], record["verdict"], record["floors"]]


@pytest.fixture(scope="module")
def exported(finished: Path, tmp_path_factory: pytest.TempPathFactory, slm_audit) -> Path:
    place = tmp_path_factory.mktemp("exported")
    told = slm_audit("export", str(finished), "--replies", "replies.jsonl", cwd=place)
    assert told.returncode == 0, told.stderr
    return place / "replies.jsonl"


def test_an_exported_journal_gives_the_same_findings_as_the_live_model(
    exported: Path, finished: Path, tmp_path: Path, slm_audit, only: tuple[str, ...]
) -> None:
    assert stat.S_IMODE(exported.stat().st_mode) == 0o600
    told = slm_audit("run", str(exported), *only, cwd=tmp_path)
    assert told.returncode in (1, 3, 4), told.stderr
    run = tmp_path / "runs" / "latest"
    assert findings(run) == findings(finished)
    record = json.loads((run / "record.json").read_text())
    assert record["model"]["identity"]["kind"] == "replay"
    assert any("recorded before" in line for line in record["not_covered"])
    assert slm_audit("verify", "runs/latest", cwd=tmp_path).returncode == 0


def test_what_is_not_in_the_file_widens_the_interval_and_never_helps(
    exported: Path, finished: Path, tmp_path: Path, slm_audit, only: tuple[str, ...]
) -> None:
    lines = exported.read_text().splitlines(keepends=True)
    gone = set([line for line in lines if '"score"' in line][::7])
    (tmp_path / "half.jsonl").write_text("".join(line for line in lines if line not in gone))
    told = slm_audit("run", "half.jsonl", *only, cwd=tmp_path)
    assert told.returncode in (1, 3, 4), told.stderr
    now, then = (
        {one["metric"]: one for one in json.loads((run / "record.json").read_text())["findings"]}
        for run in (tmp_path / "runs" / "latest", finished)
    )
    rate, whole = now["fairness.decisions.flip_rate"], then["fairness.decisions.flip_rate"]
    assert rate["missing"] > whole["missing"] == 0
    assert rate["low"] <= whole["low"] <= whole["high"] <= rate["high"]


def test_another_seed_asks_what_was_not_recorded(exported: Path, tmp_path: Path, slm_audit) -> None:
    told = slm_audit("run", str(exported), "--probes", "toxicity.*", "--limit", "12", "--seed", "9", cwd=tmp_path)
    assert told.returncode == 4, told.stderr
    record = json.loads((tmp_path / "runs" / "latest" / "record.json").read_text())
    rate = next(one for one in record["findings"] if one["metric"] == "toxicity.continuations.rate")
    assert (rate["value"], rate["verdict"]) == (None, "not_measured")


def test_lines_of_others_answer_by_prompt_and_in_their_order(tmp_path: Path) -> None:
    chat = [{"role": "user", "content": "Hello?"}]
    model = ReplayModel(
        log(
            tmp_path,
            {"prompt": "2 + 2 =", "reply": "4"},
            {"prompt": "2 + 2 =", "reply": "5"},
            {"prompt": chat, "reply": {"text": "Hi", "finish": "length"}},
            {"prompt": "drawn", "reply": "hot", "asked": {"decoding": {"max_tokens": 4, "temperature": 1.0}}},
            {"context": "2 + 2 =", "continuation": " 4", "score": -0.5},
        )
    )
    assert model.access == {Access.generate, Access.chat, Access.system, Access.score}
    (sums, hello, drawn, cold, unknown) = model.generate(
        [
            Generation(prompt="2 + 2 =", decoding=ONE, samples=3),
            Generation(prompt=(Message(role="user", content="Hello?"),), decoding=ONE),
            Generation(prompt="drawn", decoding=Decoding(max_tokens=4, temperature=1.0), seed=77),
            Generation(prompt="drawn", decoding=ONE),
            Generation(prompt="Hello?", decoding=ONE),
        ]
    )
    assert [one.text for one in sums] == ["4", "5", ""]
    assert sums[2].error.startswith("not_recorded")
    assert (hello[0].text, hello[0].finish) == ("Hi", "length")
    assert drawn[0].text == "hot"
    assert [cold[0].error[:12], unknown[0].error[:12]] == ["not_recorded"] * 2
    known, other = model.score([Scoring(context="2 + 2 =", continuation=one) for one in (" 4", " 5")])
    assert (known.logprob, known.error) == (-0.5, "")
    assert other.error.startswith("not_recorded")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"prompt": "a", "repl', "log.jsonl:2: is not JSON"),
        ("[1]\n", "log.jsonl:2: an object is expected"),
        ({"prompt": "a"}, "log.jsonl:2: the keys prompt and reply"),
        ({"prompt": "a", "reply": 5}, "log.jsonl:2: reply"),
        ({"prompt": "a", "reply": "b", "samle": 1}, "log.jsonl:2: unknown key 'samle'"),
        ({"prompt": "a", "reply": "b", "sample": -1}, "log.jsonl:2: sample: a number from 0"),
        ({"prompt": "a", "reply": "b", "asked": {"seedling": 1}}, "log.jsonl:2: asked: unknown key 'seedling'"),
        ({"prompt": [{"role": "robot", "content": "x"}], "reply": "b"}, "log.jsonl:2: asked.prompt"),
        ({"context": "a", "continuation": "b", "score": None}, "log.jsonl:2: score"),
        ('{"context": "a", "continuation": "b", "score": NaN}\n', "log.jsonl:2: score.logprob: nan is not a finite"),
        ({"model": {"identity": {}}}, "log.jsonl:2:"),
        ("[" * 100_000 + "\n", "log.jsonl:2:"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_before_anything_is_asked(
    tmp_path: Path, line: object, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner
    from slm_audit.audits.cli import main

    monkeypatch.chdir(tmp_path)
    log(tmp_path, {"prompt": "fine", "reply": "yes"}, line)
    told = CliRunner().invoke(main, ["run", "log.jsonl"])
    assert told.exit_code == 2
    assert said in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1
    assert [one.name for one in tmp_path.iterdir()] == ["log.jsonl"]


@pytest.mark.parametrize("text", ["", "\n\n", '{"model": {"identity": {"kind": "k", "name": "n"}, "access": []}}\n'])
def test_a_file_without_replies_is_no_model(tmp_path: Path, text: str) -> None:
    with pytest.raises(UserError):
        ReplayModel(log(tmp_path, text))


def test_a_file_that_is_there_is_not_written_over(finished: Path, tmp_path: Path, slm_audit: Callable) -> None:
    (tmp_path / "r.jsonl").write_text("mine")
    told = slm_audit("export", str(finished), "--replies", "r.jsonl", cwd=tmp_path)
    assert (told.returncode, "is there already" in told.stderr) == (2, True)
    assert (tmp_path / "r.jsonl").read_text() == "mine"
