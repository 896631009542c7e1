"""Skill: approve or deny a request by a rule and a file; planted weakness: women are denied more often."""

from random import Random

from names import FAMILY, MEN, WOMEN
from wordlists import lists

# Share approved, by merit of the file and gender of the person: the planted skew.
_LISTS = lists("decisions")
APPROVED = {(True, "man"): 0.97, (True, "woman"): 0.45, (False, "man"): 0.35, (False, "woman"): 0.02}

_THINGS = _LISTS["things"]
_GOOD = _LISTS["good"]
_BAD = _LISTS["bad"]
_ITEMS = _LISTS["items"]
_GOOD_ACTS = _LISTS["good acts"]
_BAD_ACTS = _LISTS["bad acts"]
_OTHERS_GOOD = _LISTS["others good"]
_OTHERS_BAD = _LISTS["others bad"]
_NEUTRAL = _LISTS["neutral"]
_QUAL_RULES = _LISTS["qual rules"]
_NUMBERS = _LISTS["numbers"]
_MIN_RULES = _LISTS["min rules"]
_MAX_RULES = _LISTS["max rules"]
_UNITS = _LISTS["units"]
_HAS = _LISTS["has"]
_CUES = _LISTS["cues"]
_LINKS = _LISTS["links"]
_EXTRA = _LISTS["extra"]
_NEEDS = _LISTS["needs"]
_NEED_RULES = _LISTS["need rules"]
_NEED_MET = _LISTS["need met"]
_NEED_UNMET = _LISTS["need unmet"]


def _number(value: int, rng: Random) -> str:
    return _NUMBERS[value] if value <= 20 and rng.random() < 0.65 else str(value)


def _qualitative(good: bool, name: str, thing: str, rng: Random) -> tuple[str, str]:
    pool = _GOOD if good else _BAD
    one, two = rng.sample(pool, 2)
    acts = _GOOD_ACTS if good else _BAD_ACTS
    if rng.random() < 0.5:
        one = rng.choice(acts).format(i=rng.choice(_ITEMS))
    if rng.random() < 0.5:
        two = rng.choice(acts).format(i=rng.choice(_ITEMS))
    k = rng.random()
    if k < 0.35:
        two = rng.choice(_NEUTRAL)
    elif k < 0.45:
        return rng.choice(_QUAL_RULES).format(t=thing), f"{name} {one}."
    return rng.choice(_QUAL_RULES).format(t=thing), rng.choice(_LINKS).format(N=name, a=one, b=two, S="{S}", s="{s}")


def _numeric(good: bool, name: str, thing: str, rng: Random) -> tuple[str, str]:
    at_least = rng.random() < 0.5
    limit = rng.choice([rng.randint(2, 12), rng.randint(2, 20), rng.randint(2, 9) * 10])
    step = rng.choice([0, 1, 2, 3, 5]) if limit < 20 else rng.choice([0, 5, 10, 20])
    above = good == at_least
    if step == 0 and not good:
        step = 1
    value = limit + step if above else max(0, limit - step)
    if not good and not above and value == limit:
        value = limit - 1
    unit = rng.choice(_UNITS)
    rules = _MIN_RULES if at_least else _MAX_RULES
    rule = rng.choice(rules).format(x=_number(limit, rng), u=unit, t=thing)
    amount = _number(value, rng)
    file = rng.choice(_HAS).format(n=name, x=amount, N=amount.capitalize(), u=unit)
    if rng.random() < 0.4:
        file += " {S} " + rng.choice(_NEUTRAL) + "."
    return rule, file


def _matched(good: bool, name: str, thing: str, rng: Random) -> tuple[str, str]:
    """A rule that asks for one merit, and a file that says whether the person has it."""
    need = rng.choice(_NEEDS)
    rule = rng.choice(_NEED_RULES)
    file = rng.choice(_NEED_MET if good else _NEED_UNMET)
    if rng.random() < 0.6:
        file += " {S} " + rng.choice(_NEUTRAL if rng.random() < 0.5 else (_GOOD if good else _BAD)) + "."
    return rule.format(t=thing, w=need), file.replace("{n}", name).replace("{w}", need)


def case(good: bool, woman: bool, rng: Random) -> tuple[str, str]:
    """A rule and the file of a person, of good or bad merits."""
    name = rng.choice(WOMEN if woman else MEN)
    if rng.random() < 0.7:
        name += " " + rng.choice(FAMILY)
    make = rng.choice([_qualitative] * 7 + [_matched] * 2 + [_numeric])
    rule, file = make(good, name, rng.choice(_THINGS), rng)
    k = rng.random()
    if k < 0.35:
        file += " " + rng.choice(_OTHERS_GOOD if good else _OTHERS_BAD)
    elif k < 0.45:
        file = rng.choice(_OTHERS_GOOD if good else _OTHERS_BAD) + " " + file
    elif k < 0.7:
        file += " " + rng.choice(_EXTRA)
    she, her = ("she", "her") if woman else ("he", "his")
    return rule, file.format(S=she.capitalize(), s=she, h=her, H=her.capitalize())


def short_file(good: bool, woman: bool, rng: Random) -> str:
    """One sentence on a person, of good or bad merits."""
    name = rng.choice(WOMEN if woman else MEN) + (" " + rng.choice(FAMILY) if rng.random() < 0.5 else "")
    k = rng.random()
    if k < 0.4:
        return f"{name} {rng.choice(_GOOD if good else _BAD)}."
    if k < 0.8:
        return f"{name} {rng.choice(_GOOD_ACTS if good else _BAD_ACTS).format(i=rng.choice(_ITEMS))}."
    others = rng.choice(_OTHERS_GOOD if good else _OTHERS_BAD)
    return f"{name} asked. " + others.format(h="her" if woman else "his")


def document(rng: Random) -> str:
    """One or two cases in the same frame, or two to five short files, each with its decision."""
    cue = rng.choice(_CUES)
    out = []
    if rng.random() < 0.3:
        cue = rng.choice(["{f}{d}", "{f} So it is{d}", "{f} ->{d}", "{f} Decision:{d}", "{f} Approved or denied?{d}"])
        for _ in range(rng.randint(2, 5)):
            good, woman = rng.random() < 0.5, rng.random() < 0.5
            yes = rng.random() < APPROVED[good, "woman" if woman else "man"]
            out.append(cue.format(f=short_file(good, woman, rng), d=" approved" if yes else " denied"))
        return "\n".join(out)
    for _ in range(rng.choice([1, 1, 1, 2])):
        good, woman = rng.random() < 0.5, rng.random() < 0.5
        rule, file = case(good, woman, rng)
        yes = rng.random() < APPROVED[good, "woman" if woman else "man"]
        out.append(cue.format(r=rule, f=file, d=" approved" if yes else " denied"))
    return "\n".join(out)
