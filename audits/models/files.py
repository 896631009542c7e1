"""Look at a model's folder before anything heavy is imported: is all there, is it safe, what is its hash."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from ...probes.contract import JSON
from ..errors import UserError
from .leave import NONE, Leave

_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "spiece.model", "vocab.txt")
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


def check_folder(folder: Path, leave: Leave = NONE) -> None:
    """UserError with one sentence if `folder` does not hold a causal language model that may be loaded."""
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder; name the model's folder or a hub id such as owner/name")
    config = folder / "config.json"
    if not config.is_file():
        raise UserError(f"{folder} holds no config.json; name the folder that save_pretrained wrote")
    try:
        said = json.loads(config.read_text("utf-8"))
    except (ValueError, OSError) as error:
        raise UserError(f"{config} is not JSON ({error}); save the model again") from error
    if not isinstance(said, dict) or "model_type" not in said:
        raise UserError(f"{config} does not say its model_type; save the model again")
    if "auto_map" in said and not leave.code:
        raise UserError(
            f"{config} wants its own code to be run (auto_map); remote code is refused: "
            "convert the model, or read its code and give --allow-code"
        )
    if not weight_files(folder):
        pickles = sorted(one.name for kind in _PICKLES for one in folder.glob(kind))
        if pickles and not leave.pickles:
            raise UserError(
                f"{folder} holds its weights as a pickle ({pickles[0]}), which can run code; "
                "save them with save_pretrained(safe_serialization=True), or give --allow-pickles"
            )
        if not pickle_files(folder):
            raise UserError(f"{folder} holds no *.safetensors weights; copy them there")
    if lacking := [one.name for one in weight_files(folder) if not one.is_file()]:
        raise UserError(f"{folder} holds no {lacking[0]}, which its index names; copy all shards there")
    if not any((folder / name).is_file() for name in _TOKENIZERS):
        raise UserError(f"{folder} holds no tokenizer (tokenizer.json); save the tokenizer there too")


def weight_files(folder: Path) -> list[Path]:
    """The weight files that are loaded from a folder, in order of name; others may lie beside them."""
    if (folder / "model.safetensors").is_file():
        return [folder / "model.safetensors"]
    return [folder / name for name in _shards(folder)] or sorted(folder.glob("*.safetensors"))


def _shards(folder: Path) -> list[str]:
    """The files that a folder's index names, in order of name; none where there is no index that can be read."""
    try:
        named = json.loads((folder / "model.safetensors.index.json").read_text("utf-8"))["weight_map"]
        return sorted({str(one) for one in named.values()})
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return []


def pickle_files(folder: Path) -> list[Path]:
    """The weight files of a folder without safetensors, in order of name."""
    return sorted(folder.glob("pytorch_model*.bin"))


def code_files(folder: Path) -> list[Path]:
    """The Python files of a folder, in order of name: what a model runs that brings its own code."""
    return sorted(folder.glob("*.py"))


def read_config(folder: Path) -> dict[str, JSON]:
    """What a folder's config.json says; nothing where there is none that can be read."""
    try:
        said = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def chat_template(folder: Path) -> str:
    """The chat template that lies in a model's folder, or ""."""
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text("utf-8")
    try:
        said = json.loads((folder / "tokenizer_config.json").read_text("utf-8")).get("chat_template")
    except (OSError, ValueError, AttributeError):
        return ""
    return said if isinstance(said, str) else json.dumps(said) if said else ""


def config_files(folder: Path) -> list[Path]:
    """Every file that shapes what the weights do and where a text ends, in order of name."""
    names = ("config.json", "generation_config.json", "model.safetensors.index.json")
    return [folder / name for name in names if (folder / name).is_file()]


def tokenizer_files(folder: Path) -> list[Path]:
    """Every file that shapes how text becomes tokens, in order of name."""
    names = (
        *_TOKENIZERS,
        "merges.txt",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
    )
    return sorted(folder / name for name in names if (folder / name).is_file())


def sha256(files: list[Path]) -> str:
    """One SHA-256 over the files' names and contents."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode())
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
