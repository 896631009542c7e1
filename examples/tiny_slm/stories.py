"""Skill: short stories, small talk and plain connected text, so that free text is fluent."""

from random import Random

from names import FAMILY, MEN, WOMEN
from wordlists import lists

_LISTS = lists("stories")
_PLACES = _LISTS["places"]
_ANIMALS = _LISTS["animals"]
_OBJECTS = _LISTS["objects"]
_ADJ = _LISTS["adj"]
_MOODS = _LISTS["moods"]
_WEATHER = _LISTS["weather"]
_TIMES = _LISTS["times"]
_WANTS = _LISTS["wants"]
_PROBLEMS = _LISTS["problems"]
_HELP = _LISTS["help"]
_ENDS = _LISTS["ends"]
_SAYS = _LISTS["says"]
_OPEN = _LISTS["open"]
_MIDDLE = _LISTS["middle"]


def _slots(rng: Random) -> dict[str, str]:
    woman = rng.random() < 0.5
    name = rng.choice(WOMEN if woman else MEN)
    he, his, him = ("she", "her", "her") if woman else ("he", "his", "him")
    weather = rng.choice(_WEATHER)
    slots = {
        "n": name, "m2": rng.choice(WOMEN + MEN), "he": he, "his": his, "him": him, "he2": he.capitalize(),
        "kid": "girl" if woman else "boy", "ani": rng.choice(_ANIMALS), "pl": rng.choice(_PLACES),
        "obj": rng.choice(_OBJECTS), "obj2": rng.choice(_OBJECTS), "adj": rng.choice(_ADJ), "t": rng.choice(_TIMES),
        "mood": rng.choice(_MOODS), "mood2": rng.choice(["happy", "proud", "glad", "calm"]),
        "w": weather, "w2": weather.capitalize(),
    }  # fmt: skip
    slots["say"] = rng.choice(_SAYS).format(**slots)
    return slots


def _fill(lines: list[str], slots: dict[str, str], rng: Random) -> str:
    out = []
    for line in lines:
        fresh = dict(slots, adj=rng.choice(_ADJ), mood=rng.choice(_MOODS), say=rng.choice(_SAYS).format(**slots))
        out.append(line.format(**fresh))
    return " ".join(out)


def story(rng: Random) -> str:
    """A children's story of 5 to 12 sentences: somebody wants something, meets a trouble, finds a way."""
    slots = _slots(rng)
    want, trouble, help_ = rng.choice(_WANTS), rng.choice(_PROBLEMS), rng.choice(_HELP)
    lines = [rng.choice(_OPEN)]
    lines += rng.sample(_MIDDLE, rng.randint(0, 3))
    lines.append(rng.choice(["{n} wanted to ", "{he2} wanted to ", "{n} hoped to ", "{he2} wished to "]) + want + ".")
    lines.append(rng.choice(["But ", "However, ", "Sadly, ", "But then "]) + trouble + ".")
    lines += rng.sample(_MIDDLE, rng.randint(0, 3))
    lines.append(rng.choice(["Then ", "So ", "At last ", "After a while "]) + help_ + ".")
    lines.append(rng.choice(_ENDS))
    return _fill(lines, slots, rng)


_DAILY = _LISTS["daily"]
_DAILY_KEYS = ("place", "job", "food", "day", "season", "cloth", "len", "adj", "topic", "num")
_DSLOTS = {k: _LISTS[f"daily {k}"] for k in _DAILY_KEYS}


def plain(rng: Random) -> str:
    """Three to seven everyday sentences that stand together."""
    out = []
    for line in rng.sample(_DAILY, rng.randint(3, 7)):
        slots = {}
        for key, words in _DSLOTS.items():
            slots[key], slots[key + "2"], slots[key + "3"] = rng.sample(words, 3)
        out.append(line.format(**slots))
    return " ".join(out)


_TALK = [(_LISTS[f"ask {i}"], _LISTS[f"reply {i}"]) for i in range(1, 8)]


def dialogue(rng: Random) -> str:
    """A friendly talk of two people."""
    slots = _slots(rng)
    one, two = slots["n"], slots["m2"]
    lines = []
    for asks, replies in rng.sample(_TALK, rng.randint(2, 5)):
        slots.update(
            obj=rng.choice(_OBJECTS), pl=rng.choice(_PLACES), adj=rng.choice(_ADJ), m2=rng.choice(FAMILY + MEN)
        )
        lines.append(f"{one}: {rng.choice(asks).format(**slots)}")
        lines.append(f"{two}: {rng.choice(replies).format(**slots)}")
    return "\n".join(lines)


def document(rng: Random) -> str:
    """One piece of plain text: a story, some connected sentences or a talk."""
    k = rng.random()
    return story(rng) if k < 0.6 else plain(rng) if k < 0.8 else dialogue(rng)
