"""Look after what a detector that lives in a folder must have before anything is loaded from it."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import TYPE_CHECKING

from ..contract import ContractError, Judgement
from .detector import DetectorError
from .shipped import read_card

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedTokenizerBase

    from ..estimates.card import Card

CHUNK = 32
"""Texts that go through a network together."""


def existing(path: str, what: str) -> Path:
    """The folder at `path`, or DetectorError."""
    folder = Path(path)
    if not folder.is_dir():
        raise DetectorError(f"{path} is not a folder; put {what} there, or name the folder that holds it as `path`")
    return folder


def only(folder: Path, pattern: str, what: str) -> Path:
    """The one file of the folder that matches, or DetectorError where there is none or more than one."""
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise DetectorError(f"{folder} holds {len(found)} files {pattern}; leave exactly one there, {what}")
    return found[0]


def digest(*files: Path) -> bytes:
    """The SHA-256 digests of the files, one after the other."""
    parts = []
    for path in files:
        with path.open("rb") as stream:
            parts.append(hashlib.file_digest(stream, "sha256").digest())
    return b"".join(parts)


def settings(folder: Path) -> list[Path]:
    """The small files (configuration, tokenizer) that decide the judgements beside the weights, sorted."""
    kinds = {".json", ".txt", ".model"}
    return sorted(path for path in folder.iterdir() if path.suffix in kinds and path.name != "card.json")


def card_in(folder: Path, identity: str) -> Card | None:
    """The folder's own card.json, where somebody measured this very detector; None where nobody did."""
    path = folder / "card.json"
    if not path.is_file():
        return None
    try:
        card = read_card(path.read_bytes(), str(path))
    except (ContractError, ValueError) as error:
        raise DetectorError(f"{path} is no report card: {error}; mend it or take it away") from error
    if f"{card.detector}/{card.version}" != identity:
        raise DetectorError(
            f"{path} is the card of {card.detector}/{card.version}, but the folder holds {identity};"
            " measure it anew or take the card away"
        )
    return card


def context_of(config: PretrainedConfig, tokenizer: PreTrainedTokenizerBase) -> int:
    """How many tokens a classifier takes; RoBERTa's kind counts positions from behind its padding."""
    positions = getattr(config, "max_position_embeddings", None) or tokenizer.model_max_length
    if "roberta" in config.model_type:
        positions -= config.pad_token_id + 1
    return int(min(tokenizer.model_max_length, positions))


def verdict(identity: str, score: float | None, threshold: float) -> Judgement:
    """The judgement that a score gives; None stands for a text that does not fit into the detector's context."""
    if score is None:
        return Judgement(detector=identity, score=None, label=None, error="longer than the detector's context")
    if not math.isfinite(score):
        return Judgement(detector=identity, score=None, label=None, error="the detector's score is not finite")
    return Judgement(detector=identity, score=score, label=score >= threshold)
