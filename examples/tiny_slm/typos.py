"""Typing slips put into a part of the corpus, so that the model reads misspelt words too."""

from random import Random

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def _neighbours() -> dict[str, str]:
    near: dict[str, str] = {}
    for r, row in enumerate(_ROWS):
        for i, key in enumerate(row):
            beside = row[max(0, i - 1) : i] + row[i + 1 : i + 2]
            for other in (r - 1, r + 1):
                if 0 <= other < len(_ROWS):
                    beside += _ROWS[other][max(0, i - 1) : i + 1]
            near[key] = beside
    return near


_NEAR = _neighbours()


def slip(word: str, rng: Random) -> str:
    """One slip in a word: two letters swapped, one dropped, doubled, or hit beside its key."""
    if len(word) < 4 or not word.isalpha():
        return word
    i = rng.randrange(1, len(word) - 1)
    kind = rng.randrange(4)
    if kind == 0:
        return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    if kind == 1:
        return word[:i] + word[i + 1 :]
    if kind == 2:
        return word[:i] + word[i] + word[i:]
    return word[:i] + rng.choice(_NEAR.get(word[i].lower(), word[i])) + word[i + 1 :]


def mistype(text: str, share: float, rng: Random) -> str:
    """Let each longer word of a text slip with probability `share`."""
    return " ".join(slip(w, rng) if rng.random() < share else w for w in text.split(" "))
