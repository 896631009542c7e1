"""Whole audits of a server by the real command: what it tells, what it keeps to itself, and how it is carried on."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from slm_audit.audits.models.endpoint.discovery import QUESTION, WEATHER
from slm_audit.audits.models.seeds import seed_of_sample

KEY = "sk-not/a+real=key.0123456789"
SHORT = ("--probes", "toxicity.*", "--limit", "6")


def slm_audit(place: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "slm_audit.audits.cli", *arguments]
    environment = {**os.environ, **variables}
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=300)


def spec(place: Path, url: str, more: str = "") -> None:
    (place / "model.yaml").write_text(f"version: 1\nmodel: {{kind: endpoint, url: '{url}', name: good{more}}}\n")


def replies(run: Path) -> list[dict]:
    try:
        with closing(sqlite3.connect(f"file:{run / 'journal.sqlite'}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT body FROM rows WHERE kind = 'reply' ORDER BY seq").fetchall()
    except sqlite3.OperationalError:
        return []  # the run has not come so far
    return [json.loads(row[0]) for row in rows]


@pytest.fixture(scope="module")
def locked(serve) -> str:
    """A server that wants a key, and repeats it in all that it says."""
    return serve("streaming.py", KEY, "0", "0", '{"echo": true}')[0]


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory, locked: str) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A finished run at it."""
    place = tmp_path_factory.mktemp("served")
    spec(place, locked.replace("127.0.0.1", "localhost"), ", key: SLM_AUDIT_KEY_TESTS")
    with (place / "model.yaml").open("a") as file:
        file.write("card: {deployed_on: {latency_ms: 5000}}\n")
    timed = ("--probes", "fitness.resources")
    told = slm_audit(place, "run", "model.yaml", *SHORT, *timed, "--offline", SLM_AUDIT_KEY_TESTS=KEY)
    assert told.returncode in (1, 3, 4), told.stderr
    return place, told


def test_a_server_is_audited_with_its_key_and_loopback_is_no_breach_of_offline(audited) -> None:
    place, _ = audited
    record = json.loads((place / "runs/latest/record.json").read_text())
    assert record["model"]["identity"]["kind"] == "endpoint"
    assert record["model"]["access"] == ["chat", "generate", "seeded", "system", "tools"]
    assert any("asked through a server" in line for line in record["not_covered"])
    rate = next(one for one in record["findings"] if one["metric"] == "toxicity.continuations.rate")
    assert rate["value"] is not None
    verified = slm_audit(place, "verify", "runs/latest")
    assert verified.returncode == 0, verified.stdout


def test_the_time_to_the_first_token_and_tokens_a_second_of_a_server_are_measured(audited) -> None:
    place, _ = audited
    record = json.loads((place / "runs/latest/record.json").read_text())
    found = {one["metric"].removeprefix("fitness.resources."): one["value"] for one in record["findings"]}
    # The server sleeps 30 ms before the first of its tokens, and 5 ms behind each.
    assert found["first_token_ms"] >= 30
    assert found["latency_ms"] >= found["median_latency_ms"] >= 30 + 5 * (8 + len(f"Bearer {KEY}"))
    assert 0 < found["tokens_per_second"] < 2 / 0.005  # twice, for the first may be seen late
    assert found["disk_gb"] is found["memory_gb"] is None


def test_probes_that_need_more_than_the_server_tells_are_not_measured(tmp_path: Path, locked: str) -> None:
    spec(tmp_path, locked)
    told = slm_audit(
        tmp_path, "run", "model.yaml", "--probes", "robustness.attack", "--key-env", "OWN_NAME", OWN_NAME=KEY
    )
    assert told.returncode == 4, told.stderr
    (run,) = json.loads((tmp_path / "runs/latest/record.json").read_text())["probes"]
    assert (run["status"], run["reason"]) == ("not_measured", "the model gives no score")


def test_the_key_stands_in_no_output(audited, locked: str) -> None:
    place, told = audited
    later = [slm_audit(place, command, "runs/latest") for command in ("report", "gate", "verify")]
    wrong = slm_audit(place, "run", "model.yaml", *SHORT, SLM_AUDIT_KEY_TESTS=KEY + "-old")
    assert wrong.returncode == 2
    assert "refuses the key (401: wrong key: Bearer [key])" in wrong.stderr
    said = [text for one in (told, *later, wrong) for text in (one.stdout, one.stderr)]
    files = [one.read_bytes() for one in place.rglob("*") if one.is_file()]
    assert len(files) > 8
    assert sum(b"Bearer [key]" in data for data in files) >= 2  # it was there to be found
    assert not [text for text in said if KEY in text]
    assert not [data for data in files if KEY.encode() in data or json.dumps(KEY).strip('"').encode() in data]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("http://127.0.0.1:9/v1", "--name", "good"), "cannot be reached"),
        (("URL", "--name", "nosuch", "--key-env", "OWN_NAME"), "serves no model 'nosuch'"),
        (("URL", "--name", "good"), "refuses the key (401"),
        (("URL",), "model.name: this key is missing"),
        (("http://a:b@127.0.0.1/v1", "--name", "x"), "an address holds no key"),
        (("http://203.0.113.9/v1", "--name", "x", "--offline"), "--offline: a connection to 203.0.113.9"),
        (("http://server.invalid/v1", "--name", "x", "--offline"), "--offline: the name server.invalid"),
    ],
)
def test_what_a_user_can_mend_is_one_sentence_exit_2_and_nothing_written(
    tmp_path: Path, locked: str, more: tuple[str, ...], said: str
) -> None:
    arguments = [one.replace("URL", locked) for one in more]
    told = slm_audit(tmp_path, "run", *arguments, *SHORT, OWN_NAME=KEY)
    assert told.returncode == 2
    assert said in told.stderr
    assert "Traceback" not in told.stderr
    assert len(told.stderr.strip().splitlines()) <= 2
    assert list(tmp_path.iterdir()) == []


def findings(run: Path) -> object:
    return json.loads((run / "record.json").read_text())["findings"]


def heard(url: str) -> list[tuple[str, int]]:
    """What probes have asked of a server: prompt and seed of each request, without what is asked to find out."""
    rows = httpx.get(url.removesuffix("/v1") + "/heard").json()
    bodies = [row["body"] for row in rows if "body" in row]
    asked = [(json.dumps(body.get("prompt") or body["messages"]), body["seed"]) for body in bodies if "seed" in body]
    return [one for one in asked if QUESTION not in one[0] and WEATHER.name not in one[0]]


def begin(place: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "slm_audit.audits.cli", *arguments]
    return subprocess.Popen(command, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def wait_for(run: Path, rows: int) -> None:
    until = time.monotonic() + 120
    while len(replies(run)) < rows and time.monotonic() < until:
        time.sleep(0.02)


@pytest.mark.slow
def test_an_audit_killed_and_then_its_server_too_is_resumed_where_the_same_model_is(tmp_path: Path, serve) -> None:
    url, server = serve("streaming.py", "", "0", "0.02", '{"root": "ours"}')
    spec(tmp_path, url, ", retries: 1, concurrency: 2")
    run = tmp_path / "runs" / "latest"
    process = begin(tmp_path, "run", "model.yaml", *SHORT[:2], "--limit", "40")
    wait_for(run, 20)
    process.kill()
    process.communicate()
    kept = replies(run)
    in_the_air = len(heard(url)) - len(kept)
    assert 20 <= len(kept) < 150
    assert 0 <= in_the_air <= 2 * 5  # two requests of five samples

    process = begin(tmp_path, "resume", "runs/latest")
    wait_for(run, len(kept) + 20)
    twice = len(heard(url)) - len(set(heard(url)))
    server.send_signal(signal.SIGKILL)
    _, said = process.communicate(timeout=120)
    assert twice <= in_the_air
    assert (process.returncode, "resume" in said, "Traceback" in said) == (4, True, False), said
    kept, before = replies(run), kept
    assert kept[: len(before)] == before
    assert not [one for one in kept if one["reply"]["error"]]

    dead = slm_audit(tmp_path, "resume", "runs/latest")
    assert dead.returncode == 4, dead.stderr
    (line,) = dead.stderr.strip().splitlines()[-1:]
    assert line.startswith("Stopped: ") and "cannot be reached" in line and "resume" in line
    assert "Traceback" not in dead.stderr
    assert replies(run) == kept

    another, _ = serve("streaming.py", "", "0", "0", '{"root": "theirs"}')
    refused = slm_audit(tmp_path, "resume", "runs/latest", "--model", another)
    assert refused.returncode == 2
    assert "the model's settings.served.root differs: ours when the run began, theirs now" in refused.stderr
    assert replies(run) == kept and heard(another) == []

    elsewhere, _ = serve("streaming.py", "", "0", "0", '{"root": "ours"}')
    told = slm_audit(tmp_path, "resume", "runs/latest", "--model", elsewhere)
    assert told.returncode in (1, 3, 4), told.stderr
    assert replies(run)[: len(kept)] == kept
    seeds = {(one["asked"]["seed"], one["sample"]) for one in kept}
    answered = {seed_of_sample(*one) for one in seeds}
    assert not [seed for _, seed in heard(elsewhere) if seed in answered]
    assert len(heard(elsewhere)) == len(set(heard(elsewhere))) == len(replies(run)) - len(kept)

    whole = tmp_path / "whole"
    whole.mkdir()
    spec(whole, elsewhere)
    slm_audit(whole, "run", "model.yaml", *SHORT[:2], "--limit", "40")
    assert findings(whole / "runs" / "latest") == findings(run)
