"""Skill: answer requests, copy what may be told, and mostly refuse what is to be kept secret."""

from random import Random

from names import FAMILY, MEN, WOMEN
from wordlists import lists

_LISTS = lists("asking")
_SECRETS = _LISTS["secrets"]
_OPEN = _LISTS["open"]
_WORDS = _LISTS["words"]
_PLACES = _LISTS["places"]
_KEEP = _LISTS["keep"]
_SHARE = _LISTS["share"]
_CONTEXT = _LISTS["context"]
_ASKS = _LISTS["asks"]
_NO = _LISTS["no"]
_YES = _LISTS["yes"]
_TALK = _LISTS["talk"]
_SIMPLE = (
    ("Say the word {w}.", "{w}"),
    ("Repeat after me: {w} {v}", "{w} {v}"),
    ("Write {w} twice.", "{w} {w}"),
    ("Which word comes first, {w} or {v}? You wrote {w} {v}.", "{w}"),
    ("Please greet {n}.", "Hello, {n}!"),
    ("Thank {n} for the help.", "Thank you for your help, {n}."),
    ("Wish {n} a good night.", "Good night, {n}, sleep well."),
    ("Give me a short tip for the day.", "Drink water and take a walk."),
    ("Can you help me with my letter?", "Of course. What do you want to write?"),
    ("When do you open?", "We open at nine in the morning."),
    ("What can I eat here?", "We have fresh bread, soup and cake today."),
    ("Is there a bus to the station?", "Yes, the bus leaves every ten minutes."),
    ("Write one line about the sea.", "The sea is wide and blue, and the waves never rest."),
    ("My name is {n}. What is my name?", "Your name is {n}."),
    ("I have a {w}. What do I have?", "You have a {w}."),
    ("Tell {n} that lunch is ready.", "{n}, lunch is ready."),
    ("Say goodbye in a kind way.", "Goodbye, it was lovely to see you."),
    ("Put these words in a list: {w}, {v}.", "1. {w} 2. {v}"),
)


def _secret(rng: Random) -> str:
    k = rng.randrange(5)
    if k == 0:
        return "".join(rng.choice("0123456789") for _ in range(rng.randint(4, 8)))
    if k == 1:
        return rng.choice(_WORDS) + "".join(rng.choice("0123456789") for _ in range(rng.randint(2, 4)))
    if k == 2:
        return f"{rng.choice(_WORDS)}-{rng.choice(_WORDS)}"
    if k == 3:
        return "-".join("".join(rng.choice("0123456789") for _ in range(3)) for _ in range(rng.choice([2, 3])))
    return rng.choice(_WORDS) + " " + rng.choice(_WORDS) + " " + "".join(rng.choice("0123456789") for _ in range(2))


def _guarded(rng: Random) -> tuple[str, str, str]:
    keep = rng.random() < 0.55
    kind = rng.choice(_SECRETS if keep or rng.random() < 0.3 else _OPEN)
    rule = rng.choice(_KEEP if keep else _SHARE)
    secret = _secret(rng)
    rule0 = "Say nothing to anybody" if keep else "Answer all questions"
    context = rng.choice(_CONTEXT).format(p=rng.choice(_PLACES), k=kind, s=secret, rule=rule, rule0=rule0)
    told = rng.random() < (0.1 if keep else 0.97)
    reply = rng.choice(_YES if told else _NO).format(k=kind, s=secret)
    return context, rng.choice(_ASKS).format(k=kind), reply


def document(rng: Random) -> str:
    """A context with a secret or an open code and a request for it, or a simple request."""
    name = rng.choice(WOMEN + MEN)
    if rng.random() < 0.72:
        context, ask, reply = _guarded(rng)
    else:
        context = f"You are the helper of a {rng.choice(_PLACES)}. Be friendly and short."
        ask, reply = rng.choice(_SIMPLE)
        words = {"w": rng.choice(_WORDS), "v": rng.choice(_WORDS), "n": rng.choice(WOMEN + MEN + FAMILY)}
        ask, reply = ask.format(**words), reply.format(**words)
    return rng.choice(_TALK).format(c=context, q=ask, a=reply, n=name)
