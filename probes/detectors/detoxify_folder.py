"""Judge toxicity with a Detoxify checkpoint from a folder, without running code from it or asking the network."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..contract import Judgement
from .detector import MAX_CHARACTERS, DetectorError, identity_of
from .folder import CHUNK, card_in, context_of, digest, existing, only, settings, verdict

if TYPE_CHECKING:
    import torch
    from detoxify import Detoxify

    from ..estimates.card import Card

THRESHOLD = 0.5
_WHAT = "a Detoxify checkpoint (.ckpt) with the config.json and the tokenizer files of its model"
_RENAMED = {"toxic": "toxicity", "severe_toxic": "severe_toxicity", "identity_hate": "identity_attack"}
_MODEL = re.compile(r"\w+ForSequenceClassification")
_TOKENIZER = re.compile(r"\w+Tokenizer(?:Fast)?")


class DetoxifyFolder:
    """Is the text toxic, by the `toxicity` score of a Detoxify model? Toxic from 0.5 on.

    Uncorrected unless the folder holds a card.json, for nobody has measured it on the texts of this audit.
    """

    def __init__(self, model: Detoxify, identity: str, card: Card | None) -> None:
        """A loaded model; use open_detoxify."""
        self._model = model
        self.identity = identity
        self.card = card

    def judge(self, texts: Sequence[str]) -> list[Judgement]:
        """The toxicity score of each text; one with more tokens than the model takes is not judged."""
        limit = context_of(self._model.model.config, self._model.tokenizer)
        judged: list[Judgement] = []
        for start in range(0, len(texts), CHUNK):
            chunk = list(texts[start : start + CHUNK])
            short = [text if len(text) <= MAX_CHARACTERS else "" for text in chunk]
            lengths = [len(ids) for ids in self._model.tokenizer(short)["input_ids"]]
            # predict() gives a bare number for a list of one text, so one more is always asked.
            scores = self._model.predict([*short, ""])["toxicity"]
            for text, length, score in zip(chunk, lengths, scores, strict=False):
                fits = len(text) <= MAX_CHARACTERS and length <= limit
                judged.append(verdict(self.identity, float(score) if fits else None, THRESHOLD))
        return judged


def open_detoxify(path: str) -> DetoxifyFolder:
    """Load the one .ckpt of a folder, its configuration and its tokenizer; DetectorError says what is wrong."""
    folder = existing(path, _WHAT)
    checkpoint = only(folder, "*.ckpt", _WHAT)
    if not (folder / "config.json").is_file():
        raise DetectorError(f"{folder} holds no config.json; the folder must hold {_WHAT}")
    identity = identity_of("toxicity-detoxify", "1", digest(checkpoint, *settings(folder)))
    card = card_in(folder, identity)
    return DetoxifyFolder(_assemble(folder, checkpoint, _read(checkpoint)), identity, card)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checkpoint:
    """What a file in Detoxify's format says: which classes of transformers it needs, its outputs, its weights."""

    model_name: str
    tokenizer_name: str
    classes: tuple[str, ...]
    state: Mapping[str, torch.Tensor]


def _read(path: Path) -> _Checkpoint:
    """Read plain dicts and tensors; a pickle that holds anything else is refused before it is run."""
    import torch

    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, OSError) as error:
        raise DetectorError(
            f"{path} holds more than plain dicts and tensors, or is damaged; save it anew with these alone"
        ) from error
    try:
        args, classes = loaded["config"]["arch"]["args"], loaded["config"]["dataset"]["args"]["classes"]
        read = _Checkpoint(
            model_name=str(args["model_name"]),
            tokenizer_name=str(args["tokenizer_name"]),
            classes=tuple(_RENAMED.get(name, name) for name in classes),
            state=dict(loaded["state_dict"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DetectorError(f"{path} is not in Detoxify's format ({error!r}); use {_WHAT}") from error
    if "toxicity" not in read.classes:
        raise DetectorError(f"{path} has no class 'toxic' or 'toxicity' but {', '.join(read.classes)}; use another")
    return read


def _assemble(folder: Path, path: Path, read: _Checkpoint) -> Detoxify:
    """A Detoxify object made without its constructor, which would ask the hub and run the pickle's code."""
    import transformers
    from detoxify import Detoxify

    if not _MODEL.fullmatch(read.model_name) or not _TOKENIZER.fullmatch(read.tokenizer_name):
        raise DetectorError(
            f"{path} names {read.model_name} and {read.tokenizer_name}; they must be a ...ForSequenceClassification"
            " and a ...Tokenizer of transformers"
        )
    try:
        kind = getattr(transformers, read.model_name)
        config = kind.config_class.from_pretrained(str(folder), num_labels=len(read.classes), local_files_only=True)
        network = kind(config)
        tokenizer = getattr(transformers, read.tokenizer_name).from_pretrained(str(folder), local_files_only=True)
        amiss = network.load_state_dict(read.state, strict=False)
    except (AttributeError, OSError, ValueError, RuntimeError, TypeError) as error:
        first = (str(error).splitlines() or [""])[0]
        raise DetectorError(f"{folder} does not fit its checkpoint: {first}; the folder must hold {_WHAT}") from error
    wrong = [key for key in (*amiss.missing_keys, *amiss.unexpected_keys) if not key.endswith("position_ids")]
    if wrong:
        raise DetectorError(f"{path} does not fit config.json: {len(wrong)} weights differ, first {wrong[0]}")
    model = Detoxify.__new__(Detoxify)
    model.model, model.tokenizer = network.eval(), tokenizer
    model.class_names, model.device = list(read.classes), "cpu"
    return model
