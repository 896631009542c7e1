"""Detectors that are read from a folder, with tiny random networks made here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from slm_audit.probes.detectors import DetectorError, open_detector
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "you", "are", "kind", "a", "fool", "the", "cat", "sat"]
CLASSES = ["toxic", "severe_toxic", "insult"]
TEXTS = ["you are kind", "you are a fool", "the cat sat", "a fool sat", "the kind cat"] * 9


def network(folder: Path, outputs: int, **more: object) -> BertForSequenceClassification:
    """A random BERT whose configuration and tokenizer lie in the folder."""
    (folder / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    BertTokenizer(str(folder / "vocab.txt"), model_max_length=16).save_pretrained(folder)
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=16,
        initializer_range=0.8,
        num_labels=outputs,
        **more,
    )
    config.save_pretrained(folder)
    return BertForSequenceClassification(config).eval()


def checkpoint(folder: Path, model: BertForSequenceClassification, **changes: object) -> Path:
    """A file in Detoxify's own format, with a hub's name where official ones have it."""
    args = {
        "num_classes": len(CLASSES),
        "model_type": "bert-base-uncased",
        "model_name": "BertForSequenceClassification",
        "tokenizer_name": "BertTokenizer",
    }
    held = {
        "config": {"arch": {"args": args | changes}, "dataset": {"args": {"classes": CLASSES}}},
        "state_dict": model.state_dict(),
    }
    torch.save(held, folder / "toxic.ckpt")
    return folder / "toxic.ckpt"


@pytest.fixture
def detoxify_folder(tmp_path: Path) -> tuple[Path, BertForSequenceClassification]:
    model = network(tmp_path, len(CLASSES))
    checkpoint(tmp_path, model)
    return tmp_path, model


def direct(folder: Path, model: BertForSequenceClassification, text: str) -> torch.Tensor:
    """The logits of one text, asked of the network itself."""
    tokenizer = BertTokenizer.from_pretrained(folder)
    with torch.inference_mode():
        return model(**tokenizer([text], return_tensors="pt")).logits[0]


@pytest.mark.parametrize("count", [1, 2, 32, 33, 45])
def test_detoxify_gives_the_networks_own_sigmoid_for_any_number_of_texts(
    detoxify_folder: tuple[Path, BertForSequenceClassification], count: int
) -> None:
    folder, model = detoxify_folder
    judged = open_detector("toxicity", "detoxify", str(folder)).judge(TEXTS[:count])
    expected = [float(direct(folder, model, text).sigmoid()[0]) for text in TEXTS[:count]]
    assert [one.score for one in judged] == pytest.approx(expected, abs=1e-5)
    assert [one.label for one in judged] == [score >= 0.5 for score in expected]
    assert len({round(score, 3) for score in expected}) == min(count, 5)


def test_detoxify_has_no_card_and_judges_no_text_that_is_too_long(
    detoxify_folder: tuple[Path, BertForSequenceClassification],
) -> None:
    detector = open_detector("toxicity", "detoxify", str(detoxify_folder[0]))
    assert detector.card is None
    assert detector.judge([]) == []
    fits, too_long, far_too_long = detector.judge(["cat " * 14, "cat " * 15, "cat " * 10_000])
    assert fits.label is not None
    for one in (too_long, far_too_long):
        assert (one.score, one.label) == (None, None)
        assert "longer" in one.error


def test_a_folders_card_counts_only_for_the_detector_that_it_was_measured_on(
    detoxify_folder: tuple[Path, BertForSequenceClassification],
) -> None:
    folder, _ = detoxify_folder
    detector = open_detector("toxicity", "detoxify", str(folder))
    name, version = detector.identity.split("/", 1)
    share = {"value": 0.9, "low": 0.8, "high": 0.95, "n": 100}
    card = {
        "detector": name, "version": version, "threshold": 0.5, "sensitivity": share, "specificity": share,
        "level": 0.95, "source": "somewhere", "notes": "",
    }  # fmt: skip
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    again = open_detector("toxicity", "detoxify", str(folder))
    assert again.identity == detector.identity
    assert again.card is not None
    assert again.card.sensitivity.value == 0.9
    (folder / "card.json").write_text(json.dumps(card | {"version": "1/000000"}), encoding="utf-8")
    with pytest.raises(DetectorError, match=r"card\.json.*measure it anew"):
        open_detector("toxicity", "detoxify", str(folder))
    (folder / "card.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DetectorError, match="no report card"):
        open_detector("toxicity", "detoxify", str(folder))


class Planted:
    """Unpickling this writes a file: code in a checkpoint."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (Path.touch, (self.mark,))


def test_a_checkpoint_with_code_in_it_is_refused_and_not_run(tmp_path: Path) -> None:
    network(tmp_path, len(CLASSES))
    mark = tmp_path / "ran"
    torch.save({"config": Planted(mark), "state_dict": {}}, tmp_path / "toxic.ckpt")
    with pytest.raises(DetectorError, match=r"toxic\.ckpt.*plain dicts and tensors"):
        open_detector("toxicity", "detoxify", str(tmp_path))
    assert not mark.exists()


def test_what_a_detoxify_folder_may_lack(tmp_path: Path) -> None:
    def refused(said: str) -> None:
        with pytest.raises(DetectorError, match=said) as caught:
            open_detector("toxicity", "detoxify", str(tmp_path))
        assert str(tmp_path) in str(caught.value)
        assert "\n" not in str(caught.value)

    refused(r"0 files \*\.ckpt")
    model = network(tmp_path, len(CLASSES))
    (tmp_path / "toxic.ckpt").write_bytes(b"not a checkpoint")
    refused("damaged")
    torch.save({"weights": 1}, tmp_path / "toxic.ckpt")
    refused("Detoxify's format")
    checkpoint(tmp_path, model, model_name="pipeline")
    refused("ForSequenceClassification")
    state = model.state_dict()
    state.pop("classifier.bias")
    held = torch.load(checkpoint(tmp_path, model), weights_only=True) | {"state_dict": state}
    torch.save(held, tmp_path / "toxic.ckpt")
    refused(r"1 weights differ, first classifier\.bias")
    checkpoint(tmp_path, model)
    (tmp_path / "second.ckpt").write_bytes(b"")
    refused(r"2 files \*\.ckpt")
    (tmp_path / "second.ckpt").unlink()
    (tmp_path / "config.json").unlink()
    refused(r"config\.json")


@pytest.mark.parametrize("names", [["fine", "toxic"], ["TOXICITY", "fine"]])
def test_a_classifier_gives_the_share_of_its_toxic_label(tmp_path: Path, names: list[str]) -> None:
    labels = dict(enumerate(names))
    model = network(tmp_path, 2, id2label=labels, label2id={name: at for at, name in labels.items()})
    model.save_pretrained(tmp_path)
    toxic = next(at for at, name in labels.items() if name.lower().startswith("toxic"))
    judged = open_detector("toxicity", "classifier", str(tmp_path)).judge([*TEXTS[:40], "cat " * 15])
    expected = [float(direct(tmp_path, model, text).double().softmax(-1)[toxic]) for text in TEXTS[:40]]
    assert [one.score for one in judged[:40]] == pytest.approx(expected, abs=1e-5)
    assert [one.label for one in judged[:40]] == [score >= 0.5 for score in expected]
    assert (judged[40].score, judged[40].label) == (None, None)


def test_what_a_classifier_folder_may_lack(tmp_path: Path) -> None:
    model = network(tmp_path, 2)
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(DetectorError, match=r"\*\.safetensors"):
        open_detector("toxicity", "classifier", str(tmp_path))
    model.save_pretrained(tmp_path)
    with pytest.raises(DetectorError, match=r"labels label_0, label_1.*'toxic'"):
        open_detector("toxicity", "classifier", str(tmp_path))
    from safetensors.torch import save_file

    save_file(model.bert.state_dict(), tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(DetectorError, match="lacks weights"):
        open_detector("toxicity", "classifier", str(tmp_path))
