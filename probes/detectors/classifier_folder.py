"""Judge toxicity with a transformers sequence classifier from a folder, without asking the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..contract import Judgement
from .detector import MAX_CHARACTERS, DetectorError, identity_of
from .folder import CHUNK, card_in, context_of, digest, existing, settings, verdict

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from ..estimates.card import Card

THRESHOLD = 0.5
_WHAT = "a sequence classifier (config.json, *.safetensors, tokenizer files) with a label 'toxic' or 'toxicity'"
_TOXIC = ("toxic", "toxicity", "hate", "offensive", "insult")


class ClassifierFolder:
    """Is the text toxic, by the probability that a classifier gives to its toxic label? Toxic from 0.5 on."""

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, label: int, identity: str, card: Card | None
    ) -> None:
        """A loaded model and the index of its toxic label; use open_classifier."""
        self._model, self._tokenizer, self._label = model, tokenizer, label
        self.identity = identity
        self.card = card

    def judge(self, texts: Sequence[str]) -> list[Judgement]:
        """The toxic label's probability of each text; one with more tokens than the model takes is not judged."""
        limit = context_of(self._model.config, self._tokenizer)
        judged: list[Judgement] = []
        for start in range(0, len(texts), CHUNK):
            chunk = [text if len(text) <= MAX_CHARACTERS else None for text in texts[start : start + CHUNK]]
            lengths = [len(ids) for ids in self._tokenizer([text or "" for text in chunk])["input_ids"]]
            fits = [text is not None and length <= limit for text, length in zip(chunk, lengths, strict=True)]
            scores = self._scores([text or "" if fit else "" for text, fit in zip(chunk, fits, strict=True)])
            judged += [
                verdict(self.identity, score if fit else None, THRESHOLD)
                for score, fit in zip(scores, fits, strict=True)
            ]
        return judged

    def _scores(self, texts: Sequence[str]) -> list[float]:
        import torch

        with torch.inference_mode():
            logits = self._model(**self._tokenizer(list(texts), return_tensors="pt", padding=True)).logits.double()
        several = self._model.config.problem_type == "multi_label_classification" or logits.shape[1] == 1
        shares = logits.sigmoid() if several else logits.softmax(-1)
        return [float(share) for share in shares[:, self._label]]


def open_classifier(path: str) -> ClassifierFolder:
    """Load a folder with safetensors and a toxic label; DetectorError says what is wrong."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    folder = existing(path, _WHAT)
    weights = sorted(folder.glob("*.safetensors"))
    if not weights or not (folder / "config.json").is_file():
        missing = "config.json" if weights else "*.safetensors"
        raise DetectorError(f"{folder} holds no {missing}; the folder must hold {_WHAT}")
    identity = identity_of("toxicity-classifier", "1", digest(*weights, *settings(folder)))
    card = card_in(folder, identity)
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        model, found = AutoModelForSequenceClassification.from_pretrained(
            str(folder), local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        first = (str(error).splitlines() or [""])[0]
        raise DetectorError(f"{folder} cannot be loaded: {first}; the folder must hold {_WHAT}") from error
    if found["missing_keys"] or found["mismatched_keys"]:
        raise DetectorError(f"{folder} lacks weights of its classifier; the folder must hold {_WHAT}")
    names = {str(name).lower(): int(at) for at, name in model.config.id2label.items()}
    label = next((names[name] for name in _TOXIC if name in names), None)
    if label is None:
        raise DetectorError(f"{folder} has the labels {', '.join(names)}; name one of them 'toxic' in config.json")
    return ClassifierFolder(model.eval(), tokenizer, label, identity, card)
