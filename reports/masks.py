"""Mask secrets, canaries and personal data with stable tokens, so that all outputs but the journal may be shared."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection

_PERSONAL = re.compile(
    r"(?P<email>[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63}){1,4})"
    r"|(?P<card>\b\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{4}\b)"
    r"|(?P<iban>\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}\b)"
    r"|(?P<phone>\+\d[\d ()-]{7,18}\d|\b\d{3}[-.]\d{3}[-.]\d{4}\b)"
)


class Mask:
    """Replaces known sensitive strings, and what looks like personal data, the same one by the same token.

    `salt` (the run's id) keeps the tokens of two runs apart, so that a token cannot be looked up in a table.
    """

    def __init__(self, sensitive: Collection[str], salt: str) -> None:
        """Take the strings that no output may show; the longest are looked for first."""
        self._salt = salt
        words = {one.strip() for one in sensitive if one.strip()}
        self._known = _compiled(words) if words else None

    def __call__(self, text: str) -> str:
        """`text` with nothing sensitive left in it."""
        if self._known is not None:
            text = self._known.sub(lambda found: self._token("secret", found[0]), text)
        return _PERSONAL.sub(lambda found: self._token(found.lastgroup or "personal", found[0]), text)

    def _token(self, kind: str, value: str) -> str:
        digest = hashlib.sha256(f"{self._salt}|{value.lower()}".encode("utf-8", "replace")).hexdigest()
        return f"[{kind} {digest[:8]}]"


def _compiled(words: Collection[str]) -> re.Pattern[str]:
    try:
        return re.compile(_any_of(words), re.IGNORECASE)
    except RecursionError:  # replies may be secrets too, and a model may begin each with the one before
        return re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))), re.IGNORECASE)


Branch = dict[str, "Branch"]
"""The letters that may follow, each with what follows it; the empty one where a word may end."""


def _any_of(words: Collection[str]) -> str:
    """A pattern for any of the words, the longest that fits: words that begin alike share their beginning.

    A list of alternatives is tried one by one at every letter of a text, which for the thousand secrets of an audit
    took most of the time of writing its transcripts.
    """
    root: Branch = {}
    for word in words:
        branch = root
        for letter in word:
            # As the search is blind to case, both cases must share a branch, or the shorter word may win.
            low = letter.lower()
            branch = branch.setdefault(low if len(low) == 1 else letter, {})
        branch[""] = {}
    return _pattern(root)


def _pattern(branch: Branch) -> str:
    said = ""
    while len(branch) == 1 and "" not in branch:
        letter, branch = next(iter(branch.items()))
        said += re.escape(letter)
    ways = [re.escape(letter) + _pattern(after) for letter, after in sorted(branch.items()) if letter]
    return said + (f"(?:{'|'.join(ways)})" + ("?" if "" in branch else "") if ways else "")
