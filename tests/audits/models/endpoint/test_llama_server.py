"""An audit through a real server of llama.cpp. It is not run in CI, where there is none.

SLM_AUDIT_TEST_LLAMA_SERVER names the program, or `llama-server` is on the PATH; the model's file is made by the package
`gguf`, which nothing else here needs.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from slm_audit import UserError
from slm_audit.audits.model_file import EndpointFile
from slm_audit.audits.models import Leave
from slm_audit.audits.models.endpoint.model import EndpointModel
from slm_audit.audits.models.transformers import TransformersModel
from slm_audit.probes.contract import Access, Decoding, Generation, Message

ROOT = Path(__file__).resolve().parents[4]
MODEL = ROOT.parent / "shared" / "models" / "stories260k"
VARIABLE = "SLM_AUDIT_TEST_LLAMA_SERVER"
KEY = "SLM_AUDIT_KEY_TESTS"
pytestmark = pytest.mark.slow
Start = Callable[[int], "subprocess.Popen[bytes]"]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start the server at a port: four slots of 256 tokens, two names, and a key."""
    program = os.environ.get(VARIABLE) or shutil.which("llama-server")
    if not program:
        pytest.skip(f"{VARIABLE} is not set, and no llama-server is on the PATH")
    pytest.importorskip("gguf")
    if not MODEL.exists():
        pytest.skip("the published files of ../shared are not here")
    file = tmp_path_factory.mktemp("llama") / "model.gguf"
    subprocess.run([sys.executable, ROOT / "tests/performance/as_gguf.py", MODEL, file], check=True)
    log = (file.parent / "log").open("w")
    started = []

    def begin(port: int) -> subprocess.Popen[bytes]:
        place = ["--model", file, "--port", str(port), "--alias", "stories,tales", "--api-key", "sk-right"]
        size = ["--threads", "1", "--parallel", "4", "--ctx-size", "1024", "--no-kv-unified"]
        process = subprocess.Popen([program, *place, *size], stdout=log, stderr=log)
        started.append(process)
        until = time.monotonic() + 60
        while time.monotonic() < until and process.poll() is None:
            try:
                httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False).raise_for_status()
                return process
            except httpx.HTTPError:
                time.sleep(0.1)
        pytest.fail(f"the server did not start: {Path(log.name).read_text()[-2000:]}")

    with log:
        yield begin
        for process in started:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def url(start: Start) -> str:
    port = free_port()
    start(port)
    return f"http://127.0.0.1:{port}/v1"


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, "sk-right")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def replies(run: Path) -> list[str]:
    try:
        with closing(sqlite3.connect(f"file:{run / 'journal.sqlite'}?mode=ro", uri=True)) as database:
            return [row[0] for row in database.execute("SELECT body FROM rows WHERE kind = 'reply' ORDER BY seq")]
    except sqlite3.OperationalError:
        return []  # the run has not come so far


def served(url: str, name: str = "stories", template: str = "never") -> EndpointModel:
    spec = {"kind": "endpoint", "url": url, "name": name, "template": template, "key": KEY}
    return EndpointModel(EndpointFile.model_validate(spec), Leave())


@pytest.mark.usefixtures("key")
def test_what_it_can_do_is_found_out_and_its_greedy_texts_are_the_local_ones(url: str) -> None:
    model, local = served(url), TransformersModel(str(MODEL))
    assert model.access == {Access.generate, Access.prefill, Access.seeded, Access.token_logprobs}
    assert (model.context_tokens, bool(model.identity.versions)) == (256, True)
    prompts = ("Once upon a time", "The little dog", "Question: what is the capital of France? Answer:", "naïve ☃")
    asked = [Generation(prompt=one, decoding=Decoding(max_tokens=24, stop=(".",))) for one in prompts]
    # Asked for with a stop, it keeps the log-probabilities of some tokens before the stop to itself.
    asked += [Generation(prompt=one, decoding=Decoding(max_tokens=6), token_logprobs=True) for one in prompts[:3]]
    for one, (there,), (here,) in zip(asked, model.generate(asked), local.generate(asked), strict=True):
        assert (there.text, there.prompt_tokens, there.error) == (here.text, here.prompt_tokens, "")
        if one.token_logprobs:
            assert len(here.token_logprobs or ()) == 6
            assert there.token_logprobs == pytest.approx(here.token_logprobs, abs=0.01)


@pytest.mark.usefixtures("key")
def test_it_draws_from_all_tokens_although_by_itself_it_cuts_off_the_unlikely_ones(url: str) -> None:
    model, local = served(url), TransformersModel(str(MODEL))
    assert not any("does not heed" in note for note in model.notes)
    prompt, one = "The little dog and", Decoding(max_tokens=1, temperature=1.0)
    ((told,),) = local.generate([Generation(prompt=prompt, decoding=Decoding(max_tokens=1), token_logprobs=True)])
    unlikely = told.token_logprobs[0] + math.log(0.05)
    replies = model.generate([Generation(prompt=prompt, decoding=one, samples=300, token_logprobs=True, seed=3)])[0]
    assert len(Counter(reply.text for reply in replies)) > 1
    # By itself the server never draws what has less than a twentieth of the likeliest token's probability.
    assert sum(reply.token_logprobs[0] < unlikely for reply in replies) > 0


@pytest.mark.usefixtures("key")
def test_a_chat_may_be_begun_and_a_prompt_beyond_its_slot_is_too_long(url: str) -> None:
    model = served(url, name="tales", template="auto")
    assert {Access.chat, Access.system, Access.prefill} <= model.access
    chat = (Message(role="user", content="Hello"),)
    four = Decoding(max_tokens=4)
    asked = [
        Generation(prompt=chat, decoding=four, prefill="Once upon"),
        Generation(prompt="Once upon a time " * 100, decoding=four),
        Generation(prompt="Once upon a time", decoding=four),
    ]
    (begun,), (long,), (fine,) = model.generate(asked)
    assert (begun.error, fine.error, long.error.split(":")[0]) == ("", "", "too_long")


def test_a_wrong_key_and_another_name_are_told_in_one_sentence(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, "sk-wrong")
    with pytest.raises(UserError, match="refuses the key"):
        served(url)
    monkeypatch.setenv(KEY, "sk-right")
    with pytest.raises(UserError, match="serves no model 'storeis'; did you mean 'stories'"):
        served(url, name="storeis")


@pytest.mark.usefixtures("key")
def test_killed_in_mid_run_it_costs_nothing_that_was_answered(start: Start, tmp_path: Path, slm_audit) -> None:
    port = free_port()
    server = start(port)
    (tmp_path / "model.yaml").write_text(
        f"version: 1\nmodel: {{kind: endpoint, url: 'http://127.0.0.1:{port}/v1', name: stories, template: never, "
        f"retries: 1, key: {KEY}}}\n"
    )
    probes = ("--probes", "toxicity.*", "--probes", "hallucination.fabrication", "--limit", "40")
    command = [sys.executable, "-m", "slm_audit.audits.cli", "run", "model.yaml", *probes]
    run = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 120
    while len(replies(tmp_path / "runs" / "latest")) < 20 and time.monotonic() < until:
        time.sleep(0.02)
    server.kill()
    server.wait()
    _, said = run.communicate(timeout=120)
    assert (run.returncode, "what was answered is kept" in said) == (4, True), said
    kept = replies(tmp_path / "runs" / "latest")
    start(port)
    told = slm_audit("resume", "runs/latest", cwd=tmp_path)
    assert told.returncode in (1, 3, 4), told.stderr
    assert replies(tmp_path / "runs" / "latest")[: len(kept)] == kept
    record = json.loads((tmp_path / "runs/latest/record.json").read_text())
    assert {one["name"]: one["status"] for one in record["probes"]} == {
        "toxicity.continuations": "measured",
        "hallucination.fabrication": "measured",
    }
    assert slm_audit("verify", "runs/latest", cwd=tmp_path).returncode == 0
