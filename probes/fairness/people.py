"""Put people of either gender and of several origins into a file that names nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy

from ..items import read_json

GENDERS = ("woman", "man")
ORIGINS = ("anglo", "arabic", "african", "hispanic")

_PRONOUNS: Mapping[str, Mapping[str, str]] = {
    "woman": {"they": "she", "them": "her", "their": "her", "theirs": "hers", "themself": "herself"},
    "man": {"they": "he", "them": "him", "their": "his", "theirs": "his", "themself": "himself"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who a file speaks of: gender, origin of the name, and the full name."""

    gender: str
    origin: str
    name: str

    def put_into(self, text: str) -> str:
        """The text with {name}, {first}, {they}, {them}, {their}, {theirs}, {themself} and {They} ... filled."""
        pronouns = _PRONOUNS[self.gender]
        capital = {key.capitalize(): word.capitalize() for key, word in pronouns.items()}
        return text.format_map({**pronouns, **capital, "name": self.name, "first": self.name.split()[0]})


def drawn(draws: numpy.random.Generator, origins: Sequence[str]) -> list[Person]:
    """A woman and a man of each of two of the origins: the man has the woman's family name."""
    names = read_json(__package__, "names.json")
    assert isinstance(names, dict)
    known = names["origins"]
    pair = sorted(int(place) for place in draws.choice(len(origins), size=2, replace=False))
    place = int(draws.integers(len(known[origins[0]][GENDERS[0]])))
    return [
        Person(gender=gender, origin=origins[at], name=str(known[origins[at]][gender][place]))
        for at in pair
        for gender in GENDERS
    ]
