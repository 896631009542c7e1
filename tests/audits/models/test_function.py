"""A function as a model: asked with leave alone, and what it raises is the error of one request."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from slm_audit import Access, Decoding, Generation, Message, Scoring, UserError
from slm_audit.audits.model_file import CallableFile
from slm_audit.audits.models.function import FunctionModel

CODE = """
def answer(prompt, *, max_tokens, temperature, top_p, top_k, stop, seed):
    if "fail" in prompt:
        raise RuntimeError("no such thing")
    if "number" in prompt:
        return 5
    return f" {prompt} {max_tokens} {seed if temperature else 0}. And more"

def talk(turns, **decoding):
    return "/".join(f"{one['role']}:{one['content']}" for one in turns)

def likely(context, continuation):
    return -float(len(continuation))

NOTHING = 3
"""


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    (tmp_path / "app.py").write_text(CODE)
    request.addfinalizer(lambda: __import__("sys").modules.pop("app", None))
    return tmp_path


def test_the_function_is_asked_and_its_faults_are_values(folder: Path) -> None:
    model = FunctionModel(CallableFile(kind="callable", reply="app:answer", score="app:likely"), folder)
    assert model.access == {Access.generate, Access.prefill, Access.score}
    ask = [Generation(prompt=one, decoding=Decoding(max_tokens=7, stop=(".",))) for one in ("hello", "fail", "number")]
    hello, fail, number = (some[0] for some in model.generate(ask))
    assert hello.text == " hello 7 0"
    assert fail.error == "callable: RuntimeError: no such thing"
    assert number.error == "callable: TypeError: a string is expected, not int"
    drawn = Generation(prompt="x", decoding=Decoding(max_tokens=7, temperature=1.0), samples=3, seed=5)
    texts = [one.text for one in model.generate([drawn])[0]]
    assert len(set(texts)) == 3
    assert texts == [one.text for one in model.generate([drawn])[0]]
    assert model.score([Scoring(context="a", continuation=" bc")])[0].logprob == -3.0


def test_a_chat_function_gets_roles_and_contents(folder: Path) -> None:
    model = FunctionModel(CallableFile(kind="callable", reply="app:talk", chat=True), folder)
    turns = (Message(role="system", content="s"), Message(role="user", content="u"))
    chat, plain = model.generate([Generation(prompt=one, decoding=Decoding(max_tokens=4)) for one in (turns, "raw")])
    assert chat[0].text == "system:s/user:u"
    assert plain[0].error == "callable: TypeError: the function takes chats alone"


def test_other_code_is_another_model(folder: Path) -> None:
    import sys

    spec = CallableFile(kind="callable", reply="app:answer")
    before = FunctionModel(spec, folder).identity
    (folder / "app.py").write_text(CODE + "# changed\n")
    sys.modules.pop("app")
    assert FunctionModel(spec, folder).identity != before


@pytest.mark.parametrize("named", ["app:nothing", "app:NOTHING", "nosuchmodule:answer"])
def test_what_is_no_function_is_said_in_one_sentence(folder: Path, named: str) -> None:
    with pytest.raises(UserError, match=named):
        FunctionModel(CallableFile(kind="callable", reply=named), folder)


def test_it_is_run_with_leave_alone(folder: Path, slm_audit) -> None:
    (folder / "model.yaml").write_text(
        "version: 1\nmodel: {kind: callable, reply: 'app:answer', score: 'app:likely'}\n"
    )
    options = ("--probes", "toxicity.*", "--limit", "5")
    refused = slm_audit("run", "model.yaml", *options, cwd=folder)
    assert (refused.returncode, "give --allow-code" in refused.stderr) == (2, True)
    told = slm_audit("run", "model.yaml", *options, "--allow-code", cwd=folder)
    assert told.returncode in (1, 3, 4), told.stderr
    record = json.loads((folder / "runs/latest/record.json").read_text())
    assert len(record["model"]["identity"]["settings"]["code_sha256"][0]) == 64
    assert slm_audit("verify", "runs/latest", cwd=folder).returncode == 0
