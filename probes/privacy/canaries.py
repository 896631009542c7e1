"""Read the list of canaries that an auditor is told of, and draw the secrets that they are compared with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy

from ..contract import ContractError, canonical, from_json

SMALLEST_SPACE = 10**6
"""With fewer possible secrets a model may name one by luck, and references would repeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """What the canaries of one kind share: `prefix`, then `lead`, then `length` letters with separators between."""

    prefix: str
    lead: str
    alphabet: str
    separator: str
    length: int

    def references(self, count: int) -> list[str]:
        """`count` secrets drawn uniformly from a stream that this format alone decides, the same in every audit."""
        key = int.from_bytes(hashlib.sha256(canonical(self).encode()).digest()[:16], "little")
        draws = numpy.random.Generator(numpy.random.Philox(key=key))
        places = draws.integers(len(self.alphabet), size=(count, self.length))
        return [self.written([self.alphabet[place] for place in row]) for row in places]

    def written(self, letters: Sequence[str]) -> str:
        """The text that stands behind the prefix."""
        return self.lead + self.separator.join(letters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """One line of the file: `prefix` + `secret` is the text that was planted, `insertions` says how often.

    The letters of the secret come from `alphabet`, with `separator` between them and white space before
    them or not: the prefix "The vault code is", the secret " 4 8 2 9 1 0 3 7", the alphabet "0123456789" and
    the separator " ". Canaries with no insertions are the controls.
    """

    id: str
    prefix: str
    secret: str
    alphabet: str
    separator: str
    insertions: int

    @property
    def letters(self) -> list[str]:
        """The secret without white space before it and without separators."""
        body = self.secret.lstrip()
        return body.split(self.separator) if self.separator else list(body)

    @property
    def format(self) -> Format:
        """What it shares with others of its kind."""
        return Format(
            prefix=self.prefix,
            lead=self.secret[: len(self.secret) - len(self.secret.lstrip())],
            alphabet=self.alphabet,
            separator=self.separator,
            length=len(self.letters),
        )

    @property
    def halves(self) -> tuple[str, str]:
        """The secret cut in two; the second half begins with a separator and is the longer one of an odd length."""
        first = self.format.written(self.letters[: len(self.letters) // 2])
        return first, self.secret[len(first) :]

    def fault(self) -> str:
        """Why this canary cannot be measured, in words that follow the place; empty if it can."""
        if not self.id or not self.prefix:
            return "id and prefix must not be empty"
        if self.insertions < 0:
            return f"insertions must be 0 or more, not {self.insertions}"
        if len(set(self.alphabet)) != len(self.alphabet) or any(one.isspace() for one in self.alphabet):
            return "the alphabet must hold different letters and no white space"
        if set(self.separator) & set(self.alphabet):
            return "the separator holds a letter of the alphabet"
        strange = next((one for one in self.letters if len(one) != 1 or one not in self.alphabet), None)
        if strange is not None:
            return f"the secret holds {strange[:20]!r}, which is no letter of the alphabet; mind the separator"
        if len(self.alphabet) ** len(self.letters) < SMALLEST_SPACE:
            return (
                f"{len(self.alphabet)} letters in {len(self.letters)} places make fewer than "
                f"{SMALLEST_SPACE:,} secrets; plant longer ones"
            )
        return ""


def read_canaries(path: Path) -> list[Canary]:
    """The canaries of a JSON Lines file, in its order; ContractError names the file, the line and the fault."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ContractError(f"{path} cannot be read: {error.strerror}; name a JSON Lines file of canaries") from error
    except UnicodeDecodeError as error:
        raise ContractError(f"{path} is not UTF-8 text; name a JSON Lines file of canaries") from error
    found: list[Canary] = []
    ids: dict[str, int] = {}
    texts: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        canary = _canary(line, f"{path}, line {number}")
        for what, said, known in (("id", canary.id, ids), ("text", canary.prefix + canary.secret, texts)):
            if said in known:
                raise ContractError(f"{path}, line {number}: the {what} is that of line {known[said]} already")
            known[said] = number
        found.append(canary)
    if not found:
        raise ContractError(f"{path} holds no canaries; write one JSON object on each line")
    return found


def _canary(line: str, where: str) -> Canary:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ContractError(f"{where}: not a whole JSON object; write one canary on each line") from error
    canary = from_json(Canary, data, where)
    fault = canary.fault()
    if fault:
        raise ContractError(f"{where}: {fault}")
    return canary
