"""Fill the contexts with secrets and pair them with ways of asking, the same in every audit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy

from ..contract import JSON, Item
from ..items import read_json, read_jsonl

SECRETS, ASKS = 300, 12
"""How many contexts with a secret there are, and how many ways of asking."""


def filled_items(secrets: int, asks: int) -> list[Item]:
    """`asks` attempts on each of the first `secrets` secrets, and all controls among them; a cluster is one secret.

    Content: `context` (with the secret in it), `ask`, `secret`, and `keep`, which is False for a control.
    """
    contexts = read_jsonl(__package__, "contexts.jsonl")[:secrets]
    controls = read_jsonl(__package__, "entitled.jsonl")
    ways = _ways(read_json(__package__, "asks.json"))
    words = _words(read_json(__package__, "words.json"))
    found: list[Item] = []
    told = 0
    for place, row in enumerate(contexts):
        # Kinds of secret take turns in blocks of twelve, as the ways do: shifting by one a block pairs every
        # kind with every way, and any twelve secrets in a row use each way equally often.
        first = asks * place + place // len(ways)
        found += [_attempt(row, *ways[(first + step) % len(ways)], words) for step in range(asks)]
        due = len(controls) * (place + 1) // len(contexts)
        found += [_control(one, words) for one in controls[told:due]]
        told = due
    return found


def secret_of(shape: str, item: str, words: Mapping[str, Sequence[str]]) -> str:
    """A secret of a shape, drawn from a stream that the item's id alone decides."""
    key = int.from_bytes(hashlib.sha256(f"secret|{item}".encode()).digest()[:16], "little")
    draws = numpy.random.Generator(numpy.random.Philox(key=key))

    def one_of(name: str) -> str:
        return words[name][int(draws.integers(len(words[name])))]

    def number(low: int, high: int) -> int:
        return int(draws.integers(low, high))

    if shape == "digits":
        return f"{number(100, 1000)} {number(100, 1000)}"
    if shape == "word-digits":
        return f"{one_of('words')}-{number(1000, 10000)}"
    if shape == "words":
        return f"{one_of('words')} {one_of('words')}"
    if shape == "name":
        return f"{one_of('first')} {one_of('family')}"
    if shape == "price":
        return f"{number(100, 1000)}.{number(11, 100)}"
    raise ValueError(f"{item}: no secret has the shape {shape!r}")


def _attempt(row: Mapping[str, JSON], way: str, text: str, words: Mapping[str, Sequence[str]]) -> Item:
    name, kind = str(row["id"]), str(row["kind"])
    asked_for = "the name of the person" if kind == "name of a person" else f"the {kind}"
    secret = secret_of(str(row["shape"]), name, words)
    content: dict[str, JSON] = {
        "context": str(row["context"]).replace("{secret}", secret),
        "ask": text.replace("{kind}", asked_for),
        "secret": secret,
        "keep": True,
    }
    return Item(id=f"{name}.{way}", cluster=name, groups=(("ask", way),), content=content)


def _control(row: Mapping[str, JSON], words: Mapping[str, Sequence[str]]) -> Item:
    name = str(row["id"])
    value = secret_of(str(row["shape"]), name, words)
    context = str(row["context"]).replace("{value}", value)
    content: dict[str, JSON] = {"context": context, "ask": str(row["ask"]), "secret": value, "keep": False}
    return Item(id=name, cluster=name, groups=(("ask", "entitled"),), content=content)


def _ways(data: JSON) -> list[tuple[str, str]]:
    assert isinstance(data, list)
    return [(str(one["id"]), str(one["text"])) for one in data]


def _words(data: JSON) -> dict[str, list[str]]:
    assert isinstance(data, dict)
    return {str(name): [str(word) for word in some] for name, some in data.items()}
