"""Read the data and the report cards that lie beside the detectors."""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import TYPE_CHECKING

from ..contract import from_json

if TYPE_CHECKING:
    from ..estimates.card import Card


def data(name: str) -> bytes:
    """The bytes of a file that is shipped in this folder."""
    return resources.files(__package__).joinpath(name).read_bytes()


def read_card(text: str | bytes, where: str) -> Card:
    """A card from its JSON; ContractError names the key that does not fit, and `where` it stands."""
    from ..estimates.card import Card

    return from_json(Card, json.loads(text), where)


@functools.cache
def _cards() -> dict[str, Card]:
    folder = resources.files(__package__)
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".card.json"))
    cards = [read_card(data(name), name) for name in names]
    return {f"{card.detector}/{card.version}": card for card in cards}


def card_of(identity: str) -> Card | None:
    """The shipped card of a detector of exactly this identity; None for any other, however close."""
    return _cards().get(identity)
