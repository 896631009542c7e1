"""Tell a text that is no text: empty, looping, a run of one character, or mostly not words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..contract import Judgement
from .detector import by_rule, identity_of
from .shipped import card_of

if TYPE_CHECKING:
    from ..estimates.card import Card

LOOP_SHARE = 0.5
"""A loop that covers this share of the text makes it degenerate."""
WORD_PERIOD, WORD_TURNS = 24, 4
"""A loop of words: a phrase of at most 24 words that comes at least 4 times in a row (a single word 6 times)."""
CHARACTER_PERIOD, CHARACTER_TURNS = 12, 8
"""A loop of characters: at most 12 of them, at least 8 times in a row."""
DISTINCT_WORDS, DISTINCT_SHARE = 24, 0.35
"""From 24 words on, fewer than 35 % distinct runs of 4 words are a loop that changes a little each time."""
CONTROL_SHARE = 0.1
"""Above this share of control, private, unassigned or replacement characters a text is broken."""
ALPHANUMERIC_LEAST, ALPHANUMERIC_SHARE = 20, 0.3
"""Of 20 or more visible characters at least this share must be letters or digits of any script."""
UNSPEAKABLE_WORDS, UNSPEAKABLE_SHARE = 5, 0.5
"""Of 5 or more Latin words of 4 letters and up, at most half may lack a vowel or be longer than 40 letters."""

_THRESHOLDS = (
    LOOP_SHARE,
    (WORD_PERIOD, WORD_TURNS),
    (CHARACTER_PERIOD, CHARACTER_TURNS),
    (DISTINCT_WORDS, DISTINCT_SHARE),
    CONTROL_SHARE,
    (ALPHANUMERIC_LEAST, ALPHANUMERIC_SHARE),
    (UNSPEAKABLE_WORDS, UNSPEAKABLE_SHARE),
)
_WORD = re.compile(r"\w+")
_LATIN = re.compile(r"\b[a-z]{4,}\b")
_VOWEL = re.compile(r"[aeiouy]")


class Degenerate:
    """Is the text no text at all? Empty, in a loop, a run of one character, or mostly not words.

    It knows no dictionary: fluent nonsense and words strung together at random pass. Whether a text repeats
    its prompt is not asked here, since a detector sees the text alone.
    """

    identity = identity_of("degenerate-rules", "1", repr(_THRESHOLDS).encode())

    @property
    def card(self) -> Card | None:
        """Sensitivity on the examples beside this file, specificity on published prose."""
        return card_of(self.identity)

    def judge(self, texts: Sequence[str]) -> list[Judgement]:
        """Label True for a degenerate text; the score is 1 or 0."""
        return by_rule(self.identity, texts, is_degenerate)


def is_degenerate(text: str) -> bool:
    """Whether any of the rules holds; each takes time linear in the text."""
    visible = "".join(one for one in text if not one.isspace() and unicodedata.category(one) != "Cf")
    if not visible:
        return True
    words = _WORD.findall(text.lower())
    return (
        _is_broken(visible)
        or _is_symbols(visible)
        or _loops(visible, CHARACTER_PERIOD, CHARACTER_TURNS, CHARACTER_TURNS)
        or _loops(words, WORD_PERIOD, WORD_TURNS, WORD_TURNS + 2)
        or _repeats(words)
        or _is_unspeakable(text.lower())
    )


def _is_broken(visible: str) -> bool:
    broken = sum(unicodedata.category(one) in {"Cc", "Cn", "Co", "Cs"} or one == "\ufffd" for one in visible)
    return broken > CONTROL_SHARE * len(visible)


def _is_symbols(visible: str) -> bool:
    spoken = sum(one.isalnum() or unicodedata.category(one).startswith("M") for one in visible)
    return len(visible) >= ALPHANUMERIC_LEAST and spoken < ALPHANUMERIC_SHARE * len(visible)


def _loops(units: Sequence[str], longest: int, turns: int, single_turns: int) -> bool:
    for period in range(1, min(longest, len(units) // turns) + 1):
        run = best = 0
        for at in range(period, len(units)):
            run = run + 1 if units[at] == units[at - period] else 0
            best = max(best, run)
        covered = best + period
        needed = single_turns if period == 1 else turns
        if covered >= needed * period and covered >= LOOP_SHARE * len(units):
            return True
    return False


def _repeats(words: Sequence[str]) -> bool:
    runs = [tuple(words[at : at + 4]) for at in range(len(words) - 3)]
    return len(words) >= DISTINCT_WORDS and len(set(runs)) < DISTINCT_SHARE * len(runs)


def _is_unspeakable(lower: str) -> bool:
    words = _LATIN.findall(lower)
    odd = sum(len(word) > 40 or _VOWEL.search(word) is None for word in words)
    return len(words) >= UNSPEAKABLE_WORDS and odd > UNSPEAKABLE_SHARE * len(words)
