"""An audit of the tiny model through a server that others wrote: `transformers serve` of transformers 5.

It needs an environment of its own, since textattack's flair keeps the default one below 5. The variable
SLM_AUDIT_TEST_TRANSFORMERS names that environment's `transformers` program; .ci/run makes it and sets it.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from slm_audit.audits.model_file import EndpointFile
from slm_audit.audits.models import Leave
from slm_audit.audits.models.endpoint.model import EndpointModel
from slm_audit.audits.models.transformers import TransformersModel
from slm_audit.probes.contract import Access, Decoding, Generation

TINY = Path(__file__).resolve().parents[4] / "examples" / "tiny_slm"
VARIABLE = "SLM_AUDIT_TEST_TRANSFORMERS"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = os.environ.get(VARIABLE)
    if not program:
        pytest.skip(f"{VARIABLE} names no 'transformers' program of transformers 5")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("serve") / "log"
    command = [program, "serve", str(TINY), "--device", "cpu", "--dtype", "float32", "--port", str(port)]
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": ""}
    with log.open("w") as stream, subprocess.Popen(command, stdout=stream, stderr=stream, env=offline) as process:
        try:
            until = time.monotonic() + 120
            while time.monotonic() < until and process.poll() is None:
                try:
                    httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False).raise_for_status()
                    break
                except httpx.HTTPError:
                    time.sleep(0.2)
            else:
                pytest.fail(f"the server did not start: {log.read_text()[-2000:]}")
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.kill()


@pytest.mark.slow
def test_its_greedy_texts_are_the_local_ones_and_what_it_cannot_do_is_found_out(url: str) -> None:
    served = EndpointModel(EndpointFile(kind="endpoint", url=(url,), name=str(TINY)), Leave())
    assert served.access == {Access.generate, Access.prefill}
    assert any("the same text for every seed" in note for note in served.notes)
    local = TransformersModel(str(TINY))
    asked = [
        Generation(prompt=one, decoding=Decoding(max_tokens=12, stop=(".",)))
        for one in ("The review says", "Question: what is the capital of France? Answer:", "Once upon a time")
    ]
    for (there,), (here,) in zip(served.generate(asked), local.generate(asked), strict=True):
        assert (there.text, there.prompt_tokens, there.error) == (here.text, here.prompt_tokens, "")


@pytest.mark.slow
def test_its_first_token_is_timed_although_its_streams_do_not_say_when_they_are_done(url: str) -> None:
    served = EndpointModel(EndpointFile(kind="endpoint", url=(url,), name=str(TINY)), Leave())
    decoding = Decoding(max_tokens=12)
    timed, plain = (Generation(prompt="Once upon a time", decoding=decoding, alone=alone) for alone in (True, False))
    ((streamed,), (whole,)) = served.generate([timed, plain])
    assert (streamed.text, streamed.finish, streamed.tokens) == (whole.text, whole.finish, whole.tokens)
    assert streamed.first_token_seconds is not None and streamed.seconds is not None
    assert 0 < streamed.first_token_seconds < streamed.seconds


@pytest.mark.slow
def test_an_audit_through_it_measures_what_text_alone_can_show(url: str, tmp_path: Path, slm_audit) -> None:
    probes = ("--probes", "toxicity.*", "--probes", "hallucination.fabrication", "--probes", "privacy.exposure")
    told = slm_audit("run", url, "--name", str(TINY), "--offline", "--limit", "8", *probes, cwd=tmp_path)
    assert told.returncode in (1, 3, 4), told.stderr
    record = json.loads((tmp_path / "runs/latest/record.json").read_text())
    status = {one["name"]: (one["status"], one["reason"]) for one in record["probes"]}
    assert status["privacy.exposure"] == ("not_measured", "the model gives no score")
    assert status["toxicity.continuations"][0] == status["hallucination.fabrication"][0] == "measured"
    for finding in record["findings"]:
        if finding["metric"] in ("toxicity.continuations.rate", "hallucination.fabrication.rate"):
            assert finding["value"] is not None
    assert slm_audit("verify", "runs/latest", cwd=tmp_path).returncode == 0
