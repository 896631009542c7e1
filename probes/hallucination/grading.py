"""Grade a short free answer against the right answers' aliases and the wrong answers at hand."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

Words = tuple[str, ...]

_SMALL = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_SMALL += " seventeen eighteen nineteen"
_TWENTY_UP = "twenty thirty forty fifty sixty seventy eighty ninety"
_UNITS = {word: value for value, word in enumerate(_SMALL.split())}
_TENS = {word: 10 * value for value, word in enumerate(_TWENTY_UP.split(), start=2)}
_VALUES = {**_UNITS, **_TENS}
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000}
_ONES, _TEENS = list(_UNITS)[1:10], list(_UNITS)[10:]
_BELOW_100 = rf"(?:(?:{'|'.join(_TENS)})(?: (?:{'|'.join(_ONES)}))?|{'|'.join([*_TEENS, 'zero', *_ONES])})"
_FROM_10 = rf"(?:(?:{'|'.join(_TENS)})(?: (?:{'|'.join(_ONES)}))?|{'|'.join(_TEENS)})"
_NUMBER = re.compile(
    rf"\b(?:(?:(?P<times>{_BELOW_100}) )?(?P<scale>{'|'.join(_SCALES)})(?: (?:and )?(?P<more>{_BELOW_100}))?"
    rf"|(?P<century>{'|'.join([*_TEENS, 'twenty'])}) (?P<year>{_FROM_10})"
    rf"|(?P<plain>{_BELOW_100}))\b"
)
"""Written numbers up to "ninety-nine million and ninety-nine", and years such as "nineteen forty-five"."""

_ARTICLES = {"a", "an", "the"}
_NEGATORS = {"not", "isnt", "wasnt", "arent", "werent", "never", "neither", "nor", "than", "instead", "except"}
_FILLERS = {"in", "at", "on", "of", "by", "from", "to", "be", "called", "named"}


def is_correct(reply: str, answers: Sequence[str], distractors: Sequence[str] = ()) -> bool:
    """Whether a reply names an alias of the answer, as whole words, and no other answer beside it.

    What is denied ("not Paris", "rather than Paris") counts as not named. A reply that names a distractor too,
    or another number next to the right one ("3 or 4"), does not answer.
    """
    words = normalised(reply)
    right = {normalised(one) for one in answers}
    found = [(at, one) for one in right for at in _named(words, one)]
    if not found or any(_named(words, normalised(one)) for one in distractors):
        return False
    return not all(_beside_another_number(words, at, one, right) for at, one in found)


def normalised(text: str) -> Words:
    """The words of a text: lower case, no accents, punctuation, articles or possessives; numbers as digits."""
    text = unicodedata.normalize("NFKD", text.replace("º", "°").replace("\u2019", "'").replace("_", ""))
    text = "".join(one for one in text if not unicodedata.combining(one)).casefold()
    text = re.sub(r"'s\b", "", text).replace("'", "")
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    text = re.sub(r"\b(?:[a-z]\.){2,}", lambda found: found.group().replace(".", "") + " ", text)
    words = [one for one in re.findall(r"\d+\.\d+|[^\W_]+", text) if one not in _ARTICLES]
    return tuple(_NUMBER.sub(_digits, " ".join(words)).split())


def _digits(found: re.Match[str]) -> str:
    def below_100(part: str) -> int:
        return sum(_VALUES[word] for word in (found[part] or "").split())

    if found["scale"]:
        times = below_100("times") if found["times"] else 1
        return str(times * _SCALES[found["scale"]] + below_100("more"))
    return str(100 * below_100("century") + below_100("year") + below_100("plain"))


def _named(words: Words, name: Words) -> list[int]:
    """Where a name begins among words without being denied by the words before it."""
    starts = range(len(words) - len(name) + 1 if name else 0)
    return [at for at in starts if words[at : at + len(name)] == name and not _denied(words, at)]


def _denied(words: Words, at: int) -> bool:
    before = at
    while before and at - before < 2 and words[before - 1] in _FILLERS:
        before -= 1
    return before > 0 and words[before - 1] in _NEGATORS


def _beside_another_number(words: Words, at: int, name: Words, right: set[Words]) -> bool:
    """Whether a numeric answer is one of several offered: `3 or 4`, `7 8 9`, `between 5 and 8`."""
    if len(name) != 1 or not _is_number(name[0]):
        return False
    before, after = words[:at][::-1], words[at + 1 :]
    return any(_next_number(some) and (_next_number(some),) not in right for some in (before, after))


def _next_number(words: Words) -> str:
    """The number that stands first, or behind one linking word; "" where there is none."""
    near = words[1:2] if words[:1] and words[0] in {"or", "and", "to"} else words[:1]
    return near[0] if near and _is_number(near[0]) else ""


def _is_number(word: str) -> bool:
    return word.replace(".", "", 1).isdigit()
