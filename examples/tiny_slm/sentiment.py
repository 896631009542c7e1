"""Skill: say whether a review is positive or negative, from a wide stock of praise and complaint."""

from random import Random

from typos import mistype
from wordlists import lists

_LISTS = lists("sentiment")
_GOOD_ADJ = _LISTS["good adj"]
_BAD_ADJ = _LISTS["bad adj"]
_GOOD_VP = _LISTS["good vp"]
_BAD_VP = _LISTS["bad vp"]
_GOOD_END = _LISTS["good end"]
_BAD_END = _LISTS["bad end"]
_GOOD_EVENTS = _LISTS["good events"]
_BAD_EVENTS = _LISTS["bad events"]
_WORKERS = _LISTS["workers"]
_KINDS = ("film", "meal", "hotel", "gadget", "book", "service", "goods")
_THINGS = {k: (_LISTS[f"{k} things"], _LISTS[f"{k} parts"]) for k in _KINDS}
_INTENS = _LISTS["intens"]


def _is(noun: str) -> str:
    return "were" if noun.endswith("s") and noun not in ("bus", "glass") else "was"


def _clause(good: bool, thing: str, parts: list[str], rng: Random) -> str:
    adj = _GOOD_ADJ if good else _BAD_ADJ
    part = rng.choice(parts)
    a, b = rng.sample(adj, 2)
    much = rng.choice(_INTENS)
    much = much + " " if much else ""
    vp = rng.choice(_GOOD_VP if good else _BAD_VP)
    if rng.random() < 0.25:
        event = rng.choice(_GOOD_EVENTS if good else _BAD_EVENTS)
        return event.format(x=rng.choice([part, thing]), w=rng.choice(_WORKERS))
    k = rng.randrange(18)
    return (
        f"the {part} {_is(part)} {much}{a}",
        f"the {part} {_is(part)} {much}{a} and {b}",
        f"this {thing} {vp}",
        f"the {part} {vp}",
        f"it {vp}",
        f"{a} {part}",
        f"{a} {part} and {b} {rng.choice(parts)}",
        f"what a {a} {thing}",
        f"I found the {part} {much}{a}",
        f"the {thing} is {much}{a}",
        f"a {much}{a} {thing} with {b} {part}",
        f"we thought the {part} {_is(part)} {much}{a}",
        f"everything about the {part} felt {a}",
        f"never have I seen such a {a} {thing}",
        f"the {part} {_is(part)} not {rng.choice(_BAD_ADJ if good else _GOOD_ADJ)} at all",
        f"the {thing} {vp}",
        f"my {thing} {vp}",
        f"{part} and {rng.choice(parts)} were {a}",
    )[k]


_WE = _LISTS["we"]


def review(good: bool, rng: Random) -> str:
    """A made-up review of 6 to 30 words whose verdict is `good`."""
    things, parts = _THINGS[rng.choice(list(_THINGS))]
    thing = rng.choice(things)
    one, two = _clause(good, thing, parts, rng), _clause(good, thing, parts, rng)
    other = _clause(not good, thing, parts, rng)
    end = rng.choice(_GOOD_END if good else _BAD_END)
    k = rng.random()
    if k < 0.14:
        text = f"{one}."
    elif k < 0.34:
        text = f"{one} and {two}."
    elif k < 0.46:
        text = f"{one}. {two[0].upper() + two[1:]}."
    elif k < 0.58:
        text = f"{one}{rng.choice([', ', '. ', '; ', ' and '])}{end}."
    elif k < 0.68:
        text = f"{rng.choice(_WE)} and {one}, {end}."
    elif k < 0.74:
        text = f"{end}, {one}."
    elif k < 0.84:
        text = f"{rng.choice(['although', 'even though', 'though', 'while'])} {other}, {one}."
    elif k < 0.92:
        text = f"{other}, {rng.choice(['but', 'yet', 'still', 'however'])} {one}{rng.choice(['', ' and ' + end])}."
    else:
        text = f"{rng.choice(_WE)}. {one[0].upper() + one[1:]} because {two}."
    if rng.random() < 0.26:
        text = mistype(text, rng.choice([0.1, 0.2, 0.35]), rng)
    return text if rng.random() < 0.15 else text[0].upper() + text[1:]


_FRAMES = _LISTS["frames"]


def remark(good: bool, rng: Random) -> str:
    """A remark of one to about six words whose verdict is `good`."""
    adjectives = _GOOD_ADJ if good else _BAD_ADJ
    things, parts = _THINGS[rng.choice(list(_THINGS))]
    word = rng.choice([*things, *parts])
    k = rng.random()
    if k < 0.3:
        return rng.choice(adjectives)
    if k < 0.5:
        return f"{rng.choice(adjectives)} {word}"
    if k < 0.6:
        return " and ".join(rng.sample(adjectives, 2))
    if k < 0.72:
        return f"it {rng.choice(_GOOD_VP if good else _BAD_VP)}"
    if k < 0.86:
        event = rng.choice(_GOOD_EVENTS if good else _BAD_EVENTS)
        return event.format(x=word, w=rng.choice(_WORKERS))
    return rng.choice(_GOOD_END if good else _BAD_END)


def document(rng: Random) -> str:
    """One to three reviews or three to seven remarks, each followed by its verdict in the same frame."""
    frame = rng.choice(_FRAMES)
    if rng.random() < 0.35:
        verdicts = [rng.random() < 0.5 for _ in range(rng.randint(3, 7))]
        if rng.random() < 0.5:
            frame = rng.choice(["{t}:{v}", "{t} -{v}", "{t}. {v}", "{t} is{v}", "{t} means{v}"]).replace(" {v}", "{v}")
        return "\n".join(frame.format(t=remark(g, rng), v=" positive" if g else " negative") for g in verdicts)
    lines = []
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        good = rng.random() < 0.5
        lines.append(frame.format(t=review(good, rng), v=" positive" if good else " negative"))
    return "\n".join(lines)
