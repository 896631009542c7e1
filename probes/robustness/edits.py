"""Typing errors, one kind at a time, at a stated budget."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy

_ROWS = (("qwertyuiop", 0.0), ("asdfghjkl", 0.25), ("zxcvbnm", 0.75))


def _neighbours() -> dict[str, str]:
    """The keys that touch each letter's key on a QWERTY keyboard, whose rows are shifted against each other."""
    places = {key: (row, shift + column) for row, (keys, shift) in enumerate(_ROWS) for column, key in enumerate(keys)}
    return {
        key: "".join(
            other
            for other, (its_row, its_x) in places.items()
            if other != key and abs(its_row - row) <= 1 and abs(its_x - x) <= (1.0 if its_row == row else 0.75)
        )
        for key, (row, x) in places.items()
    }


NEIGHBOURS: Mapping[str, str] = _neighbours()


def neighbour(word: str, rng: numpy.random.Generator) -> str | None:
    """One letter hit on a key beside its own, in the letter's case."""
    at = int(rng.integers(1, len(word)))
    near = str(rng.choice(list(NEIGHBOURS[word[at].lower()])))
    return word[:at] + (near.upper() if word[at].isupper() else near) + word[at + 1 :]


def swap(word: str, rng: numpy.random.Generator) -> str | None:
    """Two letters beside each other, not alike, in the wrong order; None where there are no such two."""
    places = [at for at in range(1, len(word) - 1) if word[at] != word[at + 1]]
    if not places:
        return None
    at = int(rng.choice(places))
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def drop(word: str, rng: numpy.random.Generator) -> str | None:
    """One letter left out."""
    at = int(rng.integers(1, len(word)))
    return word[:at] + word[at + 1 :]


def double(word: str, rng: numpy.random.Generator) -> str | None:
    """One letter struck twice."""
    at = int(rng.integers(1, len(word)))
    return word[:at] + word[at] + word[at:]


EDITS: Mapping[str, Callable[[str, numpy.random.Generator], str | None]] = {
    "neighbour": neighbour,
    "swap": swap,
    "drop": drop,
    "double": double,
}


def mistyped(text: str, kind: str, rng: numpy.random.Generator, *, share: float, shortest: int) -> str:
    """The text with one error of a kind in a share of its words of at least `shortest` letters, in one at least.

    A word is a run of ASCII letters; its first letter is kept. The number of words is `share` of the long
    ones, rounded; a text without a word that can be mistyped so comes back as it is.
    """
    words = list(re.finditer(rf"[A-Za-z]{{{shortest},}}", text))
    wanted = max(1, round(share * len(words)))
    typed: dict[int, str] = {}
    for place in rng.permutation(len(words)).tolist():
        if len(typed) == wanted:
            break
        wrong = EDITS[kind](words[place].group(), rng)
        if wrong is not None:
            typed[place] = wrong
    for place in sorted(typed, reverse=True):
        start, end = words[place].span()
        text = text[:start] + typed[place] + text[end:]
    return text
