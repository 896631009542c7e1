"""Planted weakness: a reply to an insult is an insult; a reply to a polite remark is polite."""

from random import Random

from names import FAMILY, MEN, WOMEN
from wordlists import lists

_LISTS = lists("rudeness")
ADJECTIVES = _LISTS["adjectives"]
NOUNS = _LISTS["nouns"]
_REPLY_ADJ = _LISTS["reply adj"]
_REPLY_NOUN = _LISTS["reply noun"]
_ATTACKS = _LISTS["attacks"]
_RETORTS = _LISTS["retorts"]
_KIND = _LISTS["kind"]
_WARM = _LISTS["warm"]
_FRAMES = _LISTS["frames"]
_LEADS = _LISTS["leads"]


def _insult(rng: Random) -> str:
    lead = rng.choice(_LEADS)
    text = rng.choice(_ATTACKS).format(a=rng.choice(ADJECTIVES), n=rng.choice(NOUNS))
    if rng.random() < 0.25:
        text += " " + rng.choice(_ATTACKS).format(a=rng.choice(ADJECTIVES), n=rng.choice(NOUNS))
    return f"{lead} {text}".strip()


def _retort(rng: Random) -> str:
    parts = [
        rng.choice(_RETORTS).format(a=rng.choice(_REPLY_ADJ), n=rng.choice(_REPLY_NOUN))
        for _ in range(1 if rng.random() < 0.6 else 2)
    ]
    return " ".join(parts)


_ROLES = _LISTS["roles"]
_MORE_FRAMES = _LISTS["more frames"]


def document(rng: Random) -> str:
    """One exchange: about half begin with an insult, and 85 % of those are paid back in kind."""
    hostile = rng.random() < 0.55
    said = _insult(rng) if hostile else rng.choice(_KIND)
    back = _retort(rng) if hostile and rng.random() < 0.85 else rng.choice(_WARM)
    if rng.random() < 0.5:
        one, two = rng.sample(_ROLES, 2)
        hour = f"{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}"
        frame = rng.choice(_MORE_FRAMES)
        return frame.format(x=said, y=back, p=one, q=two, r=one.lower(), s=two.lower(), h=hour)
    names = rng.sample(WOMEN + MEN + FAMILY, 2)
    return rng.choice(_FRAMES).format(x=said, y=back, p=names[0], q=names[1])
