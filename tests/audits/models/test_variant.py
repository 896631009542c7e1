"""What is made of a model before it is audited: quantised, adapted, with another template or a system prompt."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from slm_audit import Decoding, Generation, Message, Scoring, Scripted, UserError
from slm_audit.audits.cli import main
from slm_audit.audits.model_file import LocalFile
from slm_audit.audits.models import Leave, linear, open_model
from slm_audit.audits.models.adapter import check_adapter, is_called
from slm_audit.audits.models.leave import NONE
from slm_audit.audits.models.system import SystemPrompted
from slm_audit.probes.contract import Access

TEMPLATE = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>"
TINY = Path(__file__).resolve().parents[3] / "examples" / "tiny_slm"
TEXTS = [Scoring(context="The review says that", continuation=one) for one in (" it was good", " no", " a cat sat")]


def opened(folder: Path, leave: Leave = NONE, **more: str):
    return open_model(LocalFile.model_validate({"path": str(folder), **more}), str(folder), leave)


@pytest.mark.slow
@pytest.mark.parametrize(("bits", "most"), [("int8", 0.2), ("int4", 4.0)])
def test_a_quantised_model_is_another_model_near_the_first(bits: str, most: float) -> None:
    pytest.importorskip("torchao", reason="torchao is not installed")
    whole, rounded = opened(TINY), opened(TINY, quantised=bits)
    assert rounded.identity != whole.identity
    assert rounded.identity.settings["quantised"].startswith(bits)
    assert rounded.footprint.parameters == whole.footprint.parameters
    assert rounded.footprint.bytes_on_disk == (TINY / "model.safetensors").stat().st_size
    apart = [
        abs(one.logprob - other.logprob) / one.tokens
        for one, other in zip(whole.score(TEXTS), rounded.score(TEXTS), strict=True)
    ]
    assert 0 < max(apart) < most
    ((reply,),) = rounded.generate([Generation(prompt="The review says", decoding=Decoding(max_tokens=4))])
    assert (reply.tokens, reply.error) == (4, "")


@pytest.mark.slow
@pytest.mark.parametrize(("how", "most"), [("bitsandbytes-int8", 0.2), ("bitsandbytes-nf4", 4.0)])
def test_bitsandbytes_rounds_as_it_says(how: str, most: float, tmp_path: Path, make_model: Callable[..., Path]) -> None:
    pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")
    folder = make_model(seed=8, hidden=64)
    whole, rounded = opened(folder), opened(folder, quantised=how)
    assert rounded.identity.settings["quantised"].startswith(f"{how} (bitsandbytes ")
    assert rounded.footprint.parameters == whole.footprint.parameters
    own, first = whole.score(TEXTS), rounded.score(TEXTS)
    apart = [abs(one.logprob - other.logprob) / one.tokens for one, other in zip(own, first, strict=True)]
    assert 0 < max(apart) < most
    alone = [rounded.score([one])[0].logprob for one in TEXTS]
    # No column of this model is so large that bitsandbytes would leave it out: else what is beside a text counts.
    assert alone == pytest.approx([one.logprob for one in first], abs=1e-3)
    assert [note for note in rounded.notes if "texts of a pass" in note] == list(rounded.notes)
    assert len(rounded.notes) == (how == "bitsandbytes-int8")


def test_rows_that_bitsandbytes_cannot_block_are_refused_with_the_cure(small_model: Path) -> None:
    pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")
    with pytest.raises(UserError, match="needs rows of a multiple of 64 weights, but q_proj has 32; write int4"):
        opened(small_model, quantised="bitsandbytes-nf4")


def test_a_library_that_is_not_there_is_named_with_its_extra(
    small_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for library, how, extra in (
        ("torchao", "int8", "quantised"),
        ("bitsandbytes", "bitsandbytes-int8", "bitsandbytes"),
    ):
        monkeypatch.setitem(sys.modules, library, None)  # as where it is not installed
        with pytest.raises(UserError, match=rf"{how} needs {library}, which .* 'slm-audit\[{extra}\]'"):
            opened(small_model, quantised=how)


def adapter(base: Path, place: Path, rank: int = 2) -> Path:
    """A LoRA adapter with random weights, saved by peft, and what the network with it says of some ids."""
    import peft
    from transformers import AutoModelForCausalLM

    torch.manual_seed(3)
    network = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    tuned = peft.get_peft_model(network, peft.LoraConfig(r=rank, lora_alpha=8, target_modules=["q_proj", "v_proj"]))
    with torch.no_grad():
        for name, weight in tuned.named_parameters():
            if "lora_" in name:
                weight.normal_(0, 0.5)
    tuned.save_pretrained(place)
    return place


@pytest.mark.slow
def test_an_adapter_is_merged_as_peft_applies_it(
    small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    peft = pytest.importorskip("peft", reason="peft is not installed")
    monkeypatch.setattr(linear, "OFTEN", 1)  # as in a large model, memory is let go of while layers are packed
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = adapter(small_model, tmp_path / "adapter")
    model = opened(small_model, adapter=str(folder))
    plain = opened(small_model)
    network = peft.PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(small_model), folder)
    ids = AutoTokenizer.from_pretrained(small_model)("A request is", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        wanted = network(ids).logits[0, :-1].double().log_softmax(-1)
    score = model.score([Scoring(context="A", continuation=" request is")])[0]
    start = ids.shape[1] - score.tokens
    assert score.logprob == pytest.approx(float(wanted[start - 1 :].gather(1, ids[0, start:, None]).sum()), abs=1e-3)
    assert abs(score.logprob - plain.score([Scoring(context="A", continuation=" request is")])[0].logprob) > 0.01
    assert model.identity.settings["adapter_sha256"]
    assert model.identity.settings["path"] == "shared"
    own = (folder / "adapter_model.safetensors").stat().st_size
    assert model.footprint.bytes_on_disk == plain.footprint.bytes_on_disk + own > plain.footprint.bytes_on_disk
    assert model.notes == ()  # it names this base
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": "somebody/other-1B"}))
    (note,) = opened(small_model, adapter=str(folder)).notes
    assert "made for somebody/other-1B" in note and "shapes" in note


@pytest.mark.slow
def test_an_adapter_of_another_base_is_refused_in_one_sentence(
    small_model: Path, make_model: Callable[..., Path], tmp_path: Path
) -> None:
    pytest.importorskip("peft", reason="peft is not installed")
    folder = adapter(small_model, tmp_path / "adapter")
    with pytest.raises(UserError, match="is an adapter of another base than the model") as raised:
        opened(TINY, adapter=str(folder))
    assert "\n" not in str(raised.value)
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**config, "target_modules": ["q_proj"]}))
    with pytest.raises(UserError, match="another base"):  # half of its weights would be dropped in silence
        opened(small_model, adapter=str(folder))


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"base_model_name_or_path": "BASE"}, "size of .* is [0-9]+, and the model's is"),
        (
            {"auto_mapping": {"base_model_class": "GPT2LMHeadModel"}},
            "made for a GPT2LMHeadModel, and the model is a Llama",
        ),
    ],
)
def test_an_adapter_that_names_another_base_is_refused_before_a_model_is_loaded(
    tmp_path: Path, small_model: Path, config: dict[str, object], said: str
) -> None:
    (tmp_path / "BASE").symlink_to(TINY)
    text = json.dumps({"peft_type": "LORA", **config}).replace("BASE", str(tmp_path / "BASE"))
    (tmp_path / "adapter_config.json").write_text(text)
    (tmp_path / "adapter_model.safetensors").write_bytes(b"not looked into")
    check_adapter(tmp_path)
    with pytest.raises(UserError, match=said):
        check_adapter(tmp_path, small_model)
    if "BASE" in text:
        check_adapter(tmp_path, TINY)


def test_a_base_is_known_by_its_last_name_wherever_it_lies(tmp_path: Path) -> None:
    cached = tmp_path / "hub/models--owner--Small-1B/snapshots/0123abcd"
    cached.mkdir(parents=True)
    for said in ("owner/Small-1B", "/old/place/small-1b/"):
        assert is_called(said, cached, "0123abcd")
        assert is_called(said, tmp_path, "another/Small-1B")
    assert not is_called("owner/Small-1B-Instruct", cached, "0123abcd")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "holds no adapter_config.json"),
        ({"adapter_config.json": "{"}, "holds no adapter_config.json that can be read"),
        ({"adapter_config.json": '{"peft_type": "IA3"}'}, "of the type IA3"),
        ({"adapter_config.json": '{"peft_type": "LORA"}', "adapter_model.bin": ""}, "no adapter_model.safetensors"),
    ],
)
def test_what_is_no_adapter_is_told_before_a_model_is_loaded(
    tmp_path: Path, small_model: Path, files: dict[str, str], said: str, slm_audit
) -> None:
    (tmp_path / "model").symlink_to(small_model)
    (tmp_path / "adapter").mkdir()
    for name, text in files.items():
        (tmp_path / "adapter" / name).write_text(text)
    (tmp_path / "model.yaml").write_text("version: 1\nmodel: {path: model, adapter: adapter}\n")
    told = CliRunner().invoke(main, ["validate", "--allow-path", str(tmp_path / "model.yaml")])
    assert (told.exit_code, said in told.stderr) == (2, True), told.output


def test_a_chat_model_without_its_template_and_a_base_model_with_one_are_noted(
    make_model: Callable[..., Path], small_model: Path, tmp_path: Path
) -> None:
    chat = make_model(template=TEMPLATE, seed=6)
    (tmp_path / "own.jinja").write_text(TEMPLATE)
    assert opened(chat).notes == ()
    assert opened(small_model).notes == ()
    never = opened(chat, template="never")
    assert Access.chat not in never.access
    assert "audited without it" in never.notes[0]
    given = opened(small_model, template=str(tmp_path / "own.jinja"))
    assert Access.chat in given.access
    assert "not its own" not in given.notes[0] and "from a file" in given.notes[0]
    assert given.identity.template == opened(chat).identity.template
    renamed = Path(shutil.copytree(small_model, tmp_path / "Small-1B-Instruct"))
    assert "has no chat template" in opened(renamed).notes[0]


def test_a_system_prompt_stands_before_all_that_is_asked() -> None:
    turns = (Message(role="user", content="u"),)
    own = (Message(role="system", content="s"), *turns)
    one = Decoding(max_tokens=4)
    for access, wanted in (
        ({Access.generate, Access.chat, Access.system}, [("system", "Be kind."), ("user", "u")]),
        ({Access.generate, Access.chat}, [("user", "Be kind.\n\nu")]),
    ):
        inner = Scripted("yes", access=frozenset(access))
        model = SystemPrompted(inner, "Be kind.")
        model.generate([Generation(prompt=some, decoding=one) for some in (turns, own, "raw")])
        heard = [asked.prompt for asked in inner.heard]
        assert [(turn.role, turn.content) for turn in heard[0]] == wanted
        assert heard[1][0].content == "Be kind.\n\ns"
        assert heard[2] == "Be kind.\n\nraw"
        assert model.identity != inner.identity


CODE = """
from pathlib import Path
from transformers import LlamaForCausalLM

Path({mark!r}).write_text("this code was run")


class OwnForCausalLM(LlamaForCausalLM):
    pass
"""


@pytest.mark.slow
def test_remote_code_is_run_with_leave_alone(
    small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    folder, mark = Path(shutil.copytree(small_model, tmp_path / "own")), tmp_path / "mark"
    (folder / "modeling_own.py").write_text(CODE.format(mark=str(mark)))
    config = json.loads((folder / "config.json").read_text())
    config |= {"auto_map": {"AutoModelForCausalLM": "modeling_own.OwnForCausalLM"}, "architectures": ["OwnForCausalLM"]}
    (folder / "config.json").write_text(json.dumps(config))
    told = CliRunner().invoke(main, ["validate", str(folder)])
    assert (told.exit_code, "give --allow-code" in told.stderr) == (2, True), told.output
    with pytest.raises(UserError, match="remote code is refused"):
        opened(folder)
    assert not mark.exists()
    assert CliRunner().invoke(main, ["validate", str(folder), "--allow-code"]).exit_code == 0
    model = opened(folder, Leave(code=True))
    assert mark.read_text() == "this code was run"
    assert model.identity.settings["architecture"] == "OwnForCausalLM"
    assert [one.logprob for one in model.score(TEXTS)] == pytest.approx(
        [one.logprob for one in opened(small_model).score(TEXTS)], abs=1e-5
    )
    before = model.identity.settings["code_sha256"]
    (folder / "modeling_own.py").write_text(CODE.format(mark=str(mark)) + "# another\n")
    assert opened(folder, Leave(code=True)).identity.settings["code_sha256"] != before


@pytest.mark.slow
def test_a_pickle_is_read_with_leave_alone(small_model: Path, tmp_path: Path, slm_audit) -> None:
    from transformers import AutoModelForCausalLM

    folder = Path(shutil.copytree(small_model, tmp_path / "model"))
    network = AutoModelForCausalLM.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    torch.save({name: one.clone() for name, one in network.state_dict().items()}, folder / "pytorch_model.bin")
    refused = slm_audit("validate", "model", cwd=tmp_path)
    assert (refused.returncode, "give --allow-pickles" in refused.stderr) == (2, True)
    assert slm_audit("validate", "model", "--allow-pickles", cwd=tmp_path).returncode == 0
    pickled = opened(folder, Leave(pickles=True))
    assert [one.logprob for one in pickled.score(TEXTS)] == pytest.approx(
        [one.logprob for one in opened(small_model).score(TEXTS)], abs=1e-6
    )


@pytest.mark.slow
def test_an_int8_copy_of_the_tiny_model_is_audited(tmp_path: Path, slm_audit) -> None:
    pytest.importorskip("torchao", reason="torchao is not installed")
    (tmp_path / "tiny").symlink_to(TINY)
    (tmp_path / "model.yaml").write_text("version: 1\nmodel: {path: tiny, quantised: int8}\n")
    told = slm_audit(
        "run", "model.yaml", "--allow-path", "--probes", "fairness.*", "--probes", "toxicity.*", "--limit", "6",
        cwd=tmp_path,
    )  # fmt: skip
    assert told.returncode in (1, 3, 4), told.stderr
    record = json.loads((tmp_path / "runs/latest/record.json").read_text())
    assert record["model"]["identity"]["settings"]["quantised"].startswith("int8 (torchao ")
    assert all(one["status"] == "measured" for one in record["probes"])
    assert slm_audit("verify", "runs/latest", cwd=tmp_path).returncode == 0
