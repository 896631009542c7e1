"""What open_detector gives for each kind and choice, and what it says when something is missing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from slm_audit.probes.detectors import KINDS, DetectorError, card_of, open_detector


@pytest.mark.parametrize("kind", KINDS)
def test_the_default_of_each_kind_has_the_card_of_exactly_its_identity(kind: str) -> None:
    detector = open_detector(kind)
    assert re.fullmatch(r"[a-z-]+/\d+/[0-9a-f]{6}", detector.identity)
    assert detector.card is not None
    assert detector.card == card_of(detector.identity)
    assert f"{detector.card.detector}/{detector.card.version}" == detector.identity
    assert card_of(detector.identity + "0") is None
    assert card_of("") is None


@pytest.mark.parametrize("kind", KINDS)
def test_judgements_come_in_the_order_of_the_texts_and_name_the_detector(kind: str) -> None:
    detector = open_detector(kind)
    texts = ["Shut up, you stupid bitch.", "I don't know.", "I'm sorry, but I cannot help with that.", "no " * 30]
    together = detector.judge(texts)
    assert together == [detector.judge([text])[0] for text in texts]
    assert {one.detector for one in together} == {detector.identity}
    assert [one.label for one in together].count(True) == 1
    assert all(one.score is not None and 0 <= one.score <= 1 for one in together)
    assert detector.judge([]) == []


@pytest.mark.parametrize(
    ("kind", "choice", "path", "said"),
    [
        ("anger", "", "", "'anger'.*toxicity, refusal, abstention, degenerate"),
        ("toxicity", "bert", "", "'bert'.*linear, detoxify, classifier"),
        ("toxicity", "detoxify", "", "folder.*`path`"),
        ("toxicity", "classifier", "/no/such/folder", "/no/such/folder.*safetensors"),
        ("toxicity", "detoxify", "/no/such/folder", "/no/such/folder.*ckpt"),
        ("toxicity", "linear", "/tmp", "reads no folder.*remove"),
        ("refusal", "", "/tmp", "reads no folder.*remove"),
    ],
)
def test_what_is_named_and_missing_is_an_error_of_one_sentence(kind: str, choice: str, path: str, said: str) -> None:
    with pytest.raises(DetectorError, match=said) as caught:
        open_detector(kind, choice, path)
    assert "\n" not in str(caught.value)


def test_the_face_imports_nothing_heavy() -> None:
    heavy = ["sklearn", "scipy", "torch", "transformers", "detoxify"]
    code = f"import sys, slm_audit.probes.detectors; print([name for name in {heavy} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "unit", ["a", "not ", "i am not i am not ", "no such ", "it is ", "&#", "http://", "\ud800", "\x00 ab", ") "]
)
def test_a_hostile_megabyte_is_judged_in_no_time(kind: str, unit: str) -> None:
    import time

    detector = open_detector(kind)
    detector.judge(["warm"])
    begun = time.process_time()
    detector.judge([unit * (1_000_000 // len(unit))])
    assert time.process_time() - begun < 1.0


def test_no_word_stands_in_the_shipped_weights() -> None:
    import zipfile

    from slm_audit.probes.detectors import linear

    path = Path(linear.__file__).parent / linear.FILE
    assert path.stat().st_size < 600_000
    with zipfile.ZipFile(path) as held:
        assert sorted(held.namelist()) == ["buckets.npy", "threshold.npy", "weights.npy"]
