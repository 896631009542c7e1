"""Score a text's toxicity by adding up the weights of its words, found by their hashes."""

from __future__ import annotations

import functools
import html
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy

from ..contract import Judgement
from .detector import MAX_CHARACTERS, identity_of
from .shipped import card_of, data

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from ..estimates.card import Card

BUCKETS = 2**17
WINDOW, STEP = 30, 15
"""Words that are judged at a time: longer texts are as toxic as their worst window of 30 words, 15 apart."""
FILE = "toxicity_linear.npz"
NAME, VERSION = "toxicity-linear", "1"

_WORD = r"(?u)[^\W_]+(?:'[^\W_]+)?"
_NOISE = re.compile(r"https?://\S+|@\w+|\brt\b|&?#\d{3,7};?")
_LATIN = re.compile(r"[a-z\u00c0-\u024f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What training found: buckets (int32, rising), their weights (float32), and the sum that counts as toxic."""

    buckets: numpy.ndarray
    weights: numpy.ndarray
    threshold: float

    def identity(self) -> str:
        """The detector's identity: it changes with every bit of the weights or the threshold."""
        parts = (self.buckets.astype("<i4"), self.weights.astype("<f4"), numpy.array([self.threshold], dtype="<f8"))
        return identity_of(NAME, VERSION, b"".join(part.tobytes() for part in parts))

    def sums(self, texts: Sequence[str]) -> numpy.ndarray:
        """The weights of the different words of each text, summed; shape (texts,), float64."""
        dense = numpy.zeros(BUCKETS)
        dense[self.buckets] = self.weights
        return numpy.asarray(word_counts(texts) @ dense)


def clean(text: str) -> str:
    """Lower case without links, names of accounts and leftovers of HTML; what cannot be encoded becomes '?'."""
    text = html.unescape(html.unescape(text)).lower().replace("\u2019", "'")
    return _NOISE.sub(" ", text).encode("utf-8", "replace").decode()


def word_counts(texts: Sequence[str]) -> csr_matrix:
    """Which of the BUCKETS each cleaned text's words fall into: 0 or 1, shape (texts, BUCKETS)."""
    from sklearn.feature_extraction.text import HashingVectorizer

    hashing = HashingVectorizer(
        n_features=BUCKETS, alternate_sign=False, norm=None, binary=True, lowercase=False, token_pattern=_WORD
    )
    return hashing.transform(texts)


def windows(text: str) -> list[str]:
    """A cleaned text in windows of WINDOW words, STEP apart; a short one whole."""
    words = text.split()
    last = max(len(words) - WINDOW, 0)
    starts = [*range(0, last, STEP), last]
    return [" ".join(words[start : start + WINDOW]) for start in starts]


@functools.cache
def shipped_weights() -> Weights:
    """The weights that lie beside this file, written by `train_toxicity`."""
    with numpy.load(io.BytesIO(data(FILE)), allow_pickle=False) as held:
        return Weights(buckets=held["buckets"], weights=held["weights"], threshold=float(held["threshold"]))


class Linear:
    """Is the text toxic or insulting? A logistic regression on single words, trained on labelled tweets.

    The score is 1 / (1 + exp(threshold - sum)): it orders texts, and 0.5 is the threshold, but it is no
    probability. It knows words, not what is meant: irony, quotation, insults without an insulting word and
    languages other than English escape it. A text whose letters are mostly not Latin is not judged, nor is
    one that goes on for more than MAX_CHARACTERS without being toxic up to there.
    """

    def __init__(self, weights: Weights | None = None) -> None:
        """The shipped weights, or those of a training under test."""
        self._weights = weights or shipped_weights()
        self.identity = self._weights.identity()

    @property
    def card(self) -> Card | None:
        """Measured on continuations of web text, not on the tweets that it was trained on."""
        return card_of(self.identity)

    def judge(self, texts: Sequence[str]) -> list[Judgement]:
        """Score in [0, 1] and label, score >= 0.5, of each text; a text without words is not toxic."""
        cleaned = [clean(text[:MAX_CHARACTERS]) for text in texts]
        parts = [windows(text) for text in cleaned]
        sums = self._weights.sums([part for each in parts for part in each]) if texts else numpy.zeros(0)
        judged, start = [], 0
        for text, plain, each in zip(texts, cleaned, parts, strict=True):
            excess = float(sums[start : start + len(each)].max()) - self._weights.threshold
            start += len(each)
            judged.append(self._judgement(text, plain, excess))
        return judged

    def _judgement(self, text: str, plain: str, excess: float) -> Judgement:
        toxic = excess >= 0
        letters = sum(one.isalpha() for one in plain)
        error = ""
        if not toxic and 2 * len(_LATIN.findall(plain)) < letters:
            error = "most letters are not Latin, and this detector was trained on English"
        elif not toxic and len(text) > MAX_CHARACTERS:
            error = f"nothing toxic in the first {MAX_CHARACTERS} characters, and no more are judged"
        if error:
            return Judgement(detector=self.identity, score=None, label=None, error=error)
        score = float(1 / (1 + numpy.exp(-excess)))
        return Judgement(detector=self.identity, score=score, label=toxic)
