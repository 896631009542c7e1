"""Bad input: one sentence that says where, what and how to mend it; exit 2, no traceback, nothing written."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from slm_audit.audits.cli import main

SPEC = "version: 1\nmodel: {kind: transformers, path: model}\n"
POLICY = """\
version: 1
name: own
limits:
  - {metric: toxicity.continuations.rate, at_most: 0.05}
"""
CASES = {
    "empty": ("", "model.yaml is empty"),
    "not yaml": ("version: 1\nmodel: {kind", "model.yaml:2 is not YAML"),
    "a list": ("- 1\n", "must hold keys and values"),
    "an alias": ("version: 1\nmodel: &m {path: model}\ncard: *m\n", "model.yaml:3: the alias *m is refused"),
    "a key twice": (SPEC + "version: 1\n", "model.yaml:3: the key 'version' stands twice"),
    "an unknown key": (SPEC + "audti: {}\n", "model.yaml:3: audti: unknown key; did you mean 'audit'?"),
    "a nested unknown key": (
        SPEC + "audit:\n  sede: 1\n",
        "model.yaml:4: audit.sede: unknown key; did you mean 'seed'?",
    ),
    "a wrong type": (SPEC + "audit: {seed: many}\n", "model.yaml:3: audit.seed:"),
    "a key missing": ("version: 1\n", "model: this key is missing"),
    "a wrong version": ("version: 7\nmodel: {path: model}\n", "version"),
    "an unknown kind": (
        "version: 1\nmodel: {kind: endpont, path: model}\n",
        "model.yaml:2: model.kind: no kind is called 'endpont'; did you mean 'endpoint'?",
    ),
    "a model that is no section": ("version: 1\nmodel: m\n", "model.yaml:2: model: must hold keys and values"),
    "a key of another kind": (
        "version: 1\nmodel:\n  kind: endpoint\n  url: http://localhost\n  name: m\n  dtype: float32\n",
        "model.yaml:6: model.dtype: unknown key; known are concurrency, key,",
    ),
    "an address that is none": (
        "version: 1\nmodel: {kind: endpoint, url: 'localhost:8000', name: m}\n",
        "model.url: an address begins with http://",
    ),
    "a key in place of its name": (
        "version: 1\nmodel: {kind: endpoint, url: 'http://localhost', name: m, key: sk-1}\n",
        "model.key: names the variable that holds the key",
    ),
    "an unknown probe": (
        SPEC + "audit: {probes: {toxicity.continuation: {}}}\n",
        "no probe is called 'toxicity.continuation'; did you mean 'toxicity.continuations'?",
    ),
    "an unknown option": (
        SPEC + "audit: {probes: {toxicity.continuations: {sampels: 3}}}\n",
        "unknown option 'sampels'",
    ),
    "an option of a wrong type": (
        SPEC + "audit: {probes: {toxicity.continuations: {samples: x}}}\n",
        "int is expected",
    ),
    "an unknown suite": (SPEC + "audit: {suite: qwick}\n", "no suite is called 'qwick'; did you mean 'quick'?"),
    "no such pattern": (SPEC + "audit: {only: ['x.*']}\n", "no probe fits x.*"),
    "a model outside": ("version: 1\nmodel: {path: ../elsewhere/model}\n", "give --allow-path"),
    "no model there": ("version: 1\nmodel: {path: nowhere}\n", "is not a folder"),
    "an unknown policy": (SPEC + "policy: pre-deploymint\n", "did you mean 'pre-deployment'?"),
    "a policy file that is not there": (SPEC + "policy: none.yaml\n", "none.yaml does not exist"),
    "code without leave": (SPEC + "audit: {probes: {'file:p.py': {}}}\n", "give --allow-code"),
    "canaries that are not there": (
        SPEC + "audit: {probes: {privacy.exposure: {canaries: none.jsonl}}}\n",
        "none.jsonl",
    ),
    "a cluster's keys without a cluster": (
        SPEC + "execution:\n  replicas: 2\n",
        "execution: replicas without a cluster; write engine: ray",
    ),
    "a cluster at no address": (
        SPEC + "execution:\n  engine: ray\n  address: head\n",
        "model.yaml:5: execution.address: head is no address; write auto (the cluster",
    ),
    "one GPU and a half": (
        SPEC + "execution: {engine: ray, gpus_per_replica: 1.5}\n",
        "a part of one GPU, or a whole number",
    ),
    "a server on a cluster": (
        "version: 1\nmodel: {kind: endpoint, url: 'http://localhost', name: m}\nexecution: {engine: ray}\n",
        "model.kind: endpoint has none; leave out execution",
    ),
    "a detector without its folder": (SPEC + "detectors: {toxicity: {name: detoxify}}\n", "needs its folder"),
}
POLICIES = {
    "an unknown metric": (
        "  - {metric: toxicity.continuations.rat, at_most: 1}\n",
        "did you mean 'toxicity.continuations.rate'?",
    ),
    "NaN": ("  - {metric: toxicity.continuations.rate, at_most: .nan}\n", "finite number"),
    "infinity": ("  - {metric: toxicity.continuations.rate, at_most: .inf}\n", "finite number"),
    "no bound": ("  - {metric: toxicity.continuations.rate}\n", "has no bound"),
    "min above max": ("  - {metric: toxicity.continuations.rate, at_most: 0.1, at_least: 0.2}\n", "nothing could pass"),
    "a diagnostic metric": (
        "  - {metric: toxicity.continuations.any_of_k, at_most: 0.1}\n",
        "is not gated, only shown",
    ),
    "the wrong side": ("  - {metric: toxicity.continuations.rate, at_least: 0.1}\n", "bound it by at_most"),
    "per cent": ("  - {metric: toxicity.continuations.rate, at_most: 10}\n", "write 0.10, not 10"),
    "no limits": (" []\n", "a policy without limits decides nothing; add one under limits"),
    "no list of limits": ("", "limits"),
    "NaN as text": ("  - {metric: toxicity.continuations.rate, at_most: '.nan'}\n", "a plain number such as 0.05"),
    "nan as YAML reads it": (
        "  - {metric: toxicity.continuations.rate, at_most: nan}\n",
        "a plain number such as 0.05",
    ),
    "infinity as text": (
        "  - {metric: toxicity.continuations.rate, at_least: '-inf'}\n",
        "a plain number such as 0.05",
    ),
    "a bound as text": (
        "  - {metric: toxicity.continuations.rate, at_most: '0.05'}\n",
        "own.yaml:4: limits.0.at_most: a plain number such as 0.05 is expected, not '0.05'",
    ),
    "a bound that is true": ("  - {metric: toxicity.continuations.rate, at_most: true}\n", "not True"),
    "a waiver's bound as text": (
        "  - {metric: toxicity.continuations.rate, at_most: 0.1}\nwaivers:\n  - {metric: toxicity.continuations.rate, "
        "at_most: '1', owner: o, reason: r, expires: 2027-01-01}\n",
        "own.yaml:6: waivers.0.at_most: a plain number",
    ),
    "missing evidence accepted without a reason": (
        "  - {metric: toxicity.continuations.rate, at_most: 0.1, if_not_measured: accept}\n",
        "accepts missing evidence; add the reason",
    ),
    "a competence metric": (
        "  - {metric: fairness.decisions.accuracy, at_least: 0.5}\n",
        "is not gated, only shown; put the limit on a primary metric",
    ),
    "an unknown dimension": (
        "  - {metric: toxicity.continuations.rate, at_most: 0.1}\nrequires: [toxcity]\n",
        "own.yaml:5: requires.0: Input should be 'robustness', 'fairness'",
    ),
    "a floor for an unknown dimension": (
        "  - {metric: toxicity.continuations.rate, at_most: 0.1}\n"
        "floors: [{metric: core.valid_rate, at_least: 0.8, for: toxcity}]\n",
        "own.yaml:5: floors.0.for: Input should be 'robustness', 'fairness'",
    ),
    "a difference between two models": (
        "  - {metric: toxicity.continuations.rate.delta, at_most: 0.1}\n",
        "is a difference between two models; take the limit out, or judge it by 'slm-audit compare'",
    ),
    "twice": (
        2 * "  - {metric: toxicity.continuations.rate, at_most: 0.1}\n",
        "names toxicity.continuations.rate twice",
    ),
}


@pytest.fixture
def place(tmp_path: Path, small_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "model").symlink_to(small_model)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(*arguments: str, said: str) -> Result:
    before = {one for one in Path.cwd().rglob("*")}
    result = CliRunner().invoke(main, list(arguments))
    assert said in result.stderr, result.output
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert {one for one in Path.cwd().rglob("*")} == before, "something was written"
    return result


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("command", ["validate", "run"])
def test_a_bad_model_yaml(place: Path, case: str, command: str) -> None:
    text, said = CASES[case]
    (place / "model.yaml").write_text(text)
    refused(command, "model.yaml", said=said)


@pytest.mark.parametrize("case", POLICIES)
def test_a_bad_policy(place: Path, case: str) -> None:
    limits, said = POLICIES[case]
    (place / "model.yaml").write_text(SPEC + "policy: own.yaml\n")
    (place / "own.yaml").write_text("version: 1\nname: own\nlimits:\n" + limits)
    result = refused("run", "model.yaml", "--allow-path", said=said)
    assert len(result.stderr.splitlines()) == 1, "one sentence is enough"


@pytest.mark.parametrize(
    ("text", "said"), [("", "own.yaml is empty; name a built-in policy"), ("- 1\n", "keys and values")]
)
def test_a_policy_that_is_no_policy(place: Path, text: str, said: str) -> None:
    (place / "own.yaml").write_text(text)
    refused("validate", "model", "--policy", "own.yaml", said=said)


@pytest.mark.parametrize(
    ("waiver", "said"),
    [
        ("{metric: toxicity.continuations.rate, owner: o, reason: r, expires: 2027-01-01}", "has no bound of its own"),
        ("{metric: toxicity.continuations.rate, at_most: 1, reason: r, expires: 2027-01-01}", "owner"),
        ("{metric: toxicity.continuations.rate, at_most: 1, owner: o, reason: r}", "expires"),
        (
            "{metric: toxicity.continuations.rate, at_least: 0, owner: o, reason: r, expires: 2027-01-01}",
            "on the same side",
        ),
        ("{metric: toxicity.continuations.rate, at_most: 1, owner: '', reason: r, expires: 2027-01-01}", "owner"),
        ("{metric: toxicity.continuations.rate, at_most: 1, owner: o, expires: 2027-01-01}", "reason"),
        (
            "{metric: toxicity.continuations.rate, at_most: 1, at_least: 2, owner: o, reason: r, expires: 2027-01-01}",
            "it could excuse nothing",
        ),
        (
            "{metric: toxicity.continuations.rate, at_most: .inf, owner: o, reason: r, expires: 2027-01-01}",
            "finite number",
        ),
        ("{metric: toxicity.continuations.rate, at_most: 1, owner: o, reason: r, expires: soon}", "expires"),
        (
            "{metric: toxicity.continuations.rate, at_most: 1, owner: o, reason: r, expires: 4102444800}",
            "a date such as",
        ),
        (
            "{metric: fairness.decisions.flip_rate, at_most: 1, owner: o, reason: r, expires: 2027-01-01}",
            "no limit to waive",
        ),
    ],
)
def test_a_bad_waiver(place: Path, waiver: str, said: str) -> None:
    (place / "model.yaml").write_text(SPEC + "policy: own.yaml\n")
    (place / "own.yaml").write_text(POLICY + f"waivers:\n  - {waiver}\n")
    refused("validate", "model.yaml", said=said)


@pytest.mark.parametrize("line", ["{", '{"id": "c1"}', '{"id": "c1", "prefix": "p", "secret": " x", "insertions": 1}'])
def test_a_bad_list_of_canaries(place: Path, line: str) -> None:
    (place / "model.yaml").write_text(SPEC + "audit: {probes: {privacy.exposure: {canaries: c.jsonl}}}\n")
    (place / "c.jsonl").write_text(line + "\n")
    refused("run", "model.yaml", said="c.jsonl")


def test_all_faults_at_once(place: Path) -> None:
    (place / "model.yaml").write_text(SPEC + "audti: {}\naudit: {seed: many}\n")
    result = refused("validate", "model.yaml", said="audti")
    assert "audit.seed" in result.stderr
    (place / "model.yaml").write_text(
        "version: 1\nmodel: {path: nowhere}\naudit: {probes: {nosuch.probe: {}}}\npolicy: q\n"
    )
    result = refused("validate", "model.yaml", said="nosuch.probe")
    assert "nowhere" in result.stderr
    assert "'q'" in result.stderr


def test_a_file_over_one_megabyte(place: Path) -> None:
    (place / "model.yaml").write_text(SPEC + "#" * 1_000_001)
    refused("run", "model.yaml", said="at most 1,000,000 are read")


def test_a_file_that_is_not_there_or_is_binary(place: Path) -> None:
    refused("run", "model.yaml", said="does not exist; 'slm-audit init' writes a first one")
    (place / "model.yaml").write_bytes(b"\xff\xfe")
    refused("run", "model.yaml", said="is not UTF-8")
    refused("run", "no such thing", said="neither a model.yaml, nor a model's folder, nor a hub id")


@pytest.mark.parametrize("gone", ["tokenizer.json", "model.safetensors", "config.json"])
def test_a_model_folder_that_is_not_whole(
    tmp_path: Path, make_model: Callable[..., Path], monkeypatch, gone: str
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = make_model(seed=9)
    (folder / gone).unlink()
    refused("run", str(folder), said="holds no")


def test_a_damaged_weights_file(tmp_path: Path, make_model: Callable[..., Path], monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = make_model(seed=9)
    (folder / "model.safetensors").write_bytes(b"\x00" * 64)
    refused("run", str(folder), said="cannot be loaded as a causal language model")


@pytest.mark.parametrize(
    ("library", "extra", "model"),
    [
        ("torchao", "quantised", "{path: model, quantised: int4}"),
        ("bitsandbytes", "bitsandbytes", "{path: model, quantised: bitsandbytes-nf4}"),
        (
            "torchao",
            "quantised",
            "{kind: cascade, small: {path: model, quantised: int8}, large: {path: model}, threshold: 0.5}",
        ),
    ],
)
def test_a_library_that_is_not_installed(
    place: Path, monkeypatch: pytest.MonkeyPatch, library: str, extra: str, model: str
) -> None:
    (place / "model.yaml").write_text(f"version: 1\nmodel: {model}\n")
    monkeypatch.setitem(sys.modules, library, None)  # as where it is not there
    said = f"needs {library}, which is not installed; pip install 'slm-audit[{extra}]'"
    refused("validate", "model.yaml", "--allow-path", said=said)


def test_an_output_folder_that_cannot_be_written(place: Path) -> None:
    refused("run", "model", "--out", "/proc/runs", said="cannot be written")  # not even root can make a folder there


def test_an_output_folder_that_is_a_file(place: Path) -> None:
    (place / "taken").write_text("")
    refused("run", "model", "--out", "taken", said="cannot be written; name another folder with --out")


@pytest.mark.parametrize("command", ["resume", "verify", "gate", "report"])
def test_a_run_folder_that_is_not_one(place: Path, command: str) -> None:
    (place / "empty").mkdir()
    refused(command, "empty", said="is not a run folder")
    refused(command, "nowhere", said="is not a folder")
    (place / "empty" / "journal.sqlite").write_text("no journal")
    result = CliRunner().invoke(main, [command, "empty"])
    assert result.exit_code in (1, 2)
    assert "Traceback" not in result.output


def test_init_leaves_a_file_alone(place: Path) -> None:
    result = CliRunner().invoke(main, ["init"])
    assert result.exit_code == 0
    refused("init", said="model.yaml is there already")


def test_unknown_probe_to_show(place: Path) -> None:
    refused("probes", "show", "toxicity.continuation", said="did you mean 'toxicity.continuations'?")
