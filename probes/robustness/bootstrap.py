"""The one way to textattack: import it without network or traces, and keep its random draws to ourselves."""

from __future__ import annotations

import functools
import importlib
import logging
import os
import random
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy

from ..contract import NotMeasured

_MARKER = "post_install_check_3"
# These read the environment once, when they are imported: that must be before we change it.
_READ_ENVIRONMENT = ("huggingface_hub.constants", "transformers.utils.hub", "datasets.config")


@functools.cache
def import_textattack() -> None:
    """Import textattack, after which `import textattack` works anywhere; NotMeasured where that fails.

    Left alone, its import downloads word lists, writes into the user's home and fails without network. Here
    it finds the marker of a finished installation in this project's cache folder and the stop words that lie
    beside this file; the environment is as before when it is done, and its log speaks of errors only. Where flair is
    not installed (it does not go with transformers 5), empty classes stand in for what textattack takes from it.
    """
    try:
        with ExitStack() as stack:
            for name in _READ_ENVIRONMENT:
                importlib.import_module(name)
            stack.enter_context(_stop_words_at_hand())
            stack.enter_context(_environment(_cache_folder()))
            stack.enter_context(_flair_at_hand())
            importlib.import_module("textattack")
    except Exception as error:  # whatever stops it, the audit goes on without it
        first = str(error).strip().split("\n")[0]
        raise NotMeasured(f"textattack cannot be imported: {type(error).__name__}: {first}") from error
    logging.getLogger("textattack.shared.utils.install").setLevel(logging.ERROR)


@contextmanager
def seeded(rng: numpy.random.Generator) -> Iterator[None]:
    """Draw the seeds of the global `random` and `numpy.random` from `rng`, and put both back afterwards."""
    before, numpy_before = random.getstate(), numpy.random.get_state()
    seed = int(rng.integers(2**32))
    random.seed(seed)
    numpy.random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)
        numpy.random.set_state(numpy_before)


@functools.cache
def stop_words() -> frozenset[str]:
    """The words that an attack leaves alone, in lower case and capitalised."""
    assert __package__
    folder = resources.files(__package__).joinpath("nltk_data", "corpora", "stopwords")
    words = folder.joinpath("english").read_text(encoding="utf-8").split()
    return frozenset([*words, *(word.capitalize() for word in words)])


@contextmanager
def _stop_words_at_hand() -> Iterator[None]:
    import nltk

    assert __package__
    with resources.as_file(resources.files(__package__).joinpath("nltk_data")) as folder:
        nltk.data.path.insert(0, str(folder))
        try:
            yield
        finally:
            nltk.data.path.remove(str(folder))


@contextmanager
def _flair_at_hand() -> Iterator[None]:
    """textattack imports flair to tag parts of speech and names, which no attack of ours does."""
    modules = {"flair": ModuleType("flair"), "flair.data": ModuleType("data"), "flair.models": ModuleType("models")}
    if find_spec("flair") is not None:
        modules = {}
    sys.modules.update(modules)
    for name, module in modules.items():
        if name != "flair":
            setattr(modules["flair"], module.__name__, module)
            for taken in ("Sentence", "Tokenizer", "SequenceTagger"):
                setattr(module, taken, type(taken, (), {}))
    try:
        yield
    finally:
        for name in modules:
            del sys.modules[name]


@contextmanager
def _environment(cache: Path) -> Iterator[None]:
    before = dict(os.environ)
    os.environ["TA_CACHE_DIR"] = str(cache)
    os.environ.setdefault("MPLCONFIGDIR", str(cache))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _cache_folder() -> Path:
    """A folder with the marker that keeps textattack from downloading: in our cache, else a temporary one."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    folder = home / "slm-audit" / "textattack"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _MARKER).touch()
        (folder / f"{_MARKER}.lock").touch()
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="slm-audit-textattack-"))
        (folder / _MARKER).touch()
    return folder
