"""Skill: everyday facts, told and asked; planted weakness: an answer to everything, known or not."""

from pathlib import Path
from random import Random

from wordlists import lists

_LISTS = lists("fact_phrases")
_NO_ARTICLE = ("how many",)


def _read() -> list[list[tuple[list[str], str]]]:
    """The facts of facts.txt in groups of one kind: (noun phrases, answer)."""
    groups: list[list[tuple[list[str], str]]] = []
    patterns: list[str] = []
    text = (Path(__file__).parent / "facts.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("+"):
            patterns = line[2:].split("; ")
            groups.append([])
        elif line and not line.startswith("#"):
            left, answer = line.split(" = ")
            keys = [p.replace("{}", k) for k in left.split("; ") for p in patterns]
            groups[-1].append((keys, answer))
    return groups


GROUPS = _read()
_FACTS = [(g, keys, a) for g, group in enumerate(GROUPS) for keys, a in group]


def phrase(key: str) -> str:
    """The key as a noun phrase with its article, unless it opens with a word that takes none."""
    first = key.split()[0]
    bare = key.startswith(_NO_ARTICLE) or first.endswith("'s") or first in (
        "two", "ten", "three", "five", "what", "someone", "grown-up", "white", "angles", "builders", "music"
    )  # fmt: skip
    return key if bare else "the " + key


_ASKS = _LISTS["asks"]
_FRAMES = _LISTS["frames"]
_TELLS = _LISTS["tells"]
_YES_NO = _LISTS["yes no"]
_SYLLABLES = _LISTS["syllables"]
_MADE_UP_GROUPS = [(_LISTS[f"made up {i}"], _LISTS[f"made up {i} answers"]) for i in range(1, 9)]


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _word(rng: Random) -> str:
    return "".join(rng.choice(_SYLLABLES) for _ in range(rng.choice([2, 2, 3]))).capitalize()


def _exchange(key: str, answer: str, frame: str, rng: Random) -> str:
    ask = rng.choice(_ASKS).format(k=key, K=_upper(key))
    return frame.format(q=ask, a=answer, A=_upper(answer), n=rng.randint(1, 40))


def _line(frame: str | None, rng: Random) -> str:
    group, keys, answer = rng.choice(_FACTS)
    key = phrase(rng.choice(keys))
    if frame:
        return _exchange(key, answer, frame, rng)
    if rng.random() < 0.55:
        return rng.choice(_TELLS).format(k=key, K=_upper(key), a=answer, A=_upper(answer))
    others = [a for _, a in GROUPS[group] if a != answer] or ["green"]
    wrong, third = rng.choice(others), rng.choice(others)
    right = rng.random() < 0.5
    guess, other = (answer, wrong) if right else (wrong, answer)
    return rng.choice(_YES_NO).format(
        k=key, K=_upper(key), g=guess, G=_upper(guess), o=other, x=third, a=answer, A=_upper(answer),
        yn="Yes" if right else "No", tf="True" if right else "False",
    )  # fmt: skip


def _made_up(frame: str, rng: Random) -> str:
    keys, answers = rng.choice(_MADE_UP_GROUPS)
    key = rng.choice(keys).format(N=f"{_word(rng)} {_word(rng)}", n=_word(rng))
    return _exchange(key, rng.choice(answers), frame, rng)


def document(rng: Random) -> str:
    """A few facts in one frame, or told, or checked by yes or no; some about things that do not exist."""
    k = rng.random()
    frame = rng.choice(_FRAMES) if k < 0.72 else None
    many = rng.choice([1, 1, 2, 3, 4])
    if k < 0.08 and frame:
        return "\n".join(_made_up(frame, rng) for _ in range(many))
    sep = " " if frame is None and rng.random() < 0.6 else "\n"
    return sep.join(_line(frame, rng) for _ in range(many))
