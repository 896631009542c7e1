"""Read the published texts that the toxicity detector is trained on, set by, and measured with."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy

from .linear import clean

_RUN = (5, 30)
"""Words in a piece of prose: as short and as long as the texts that are judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tweet:
    """A labelled tweet: the share of annotators who called it hateful or offensive, and what most called it."""

    text: str
    toxic_share: float
    label: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A text whose toxicity another source states, and the document or template that it comes from."""

    text: str
    toxic: bool
    cluster: str
    scores: dict[str, float]


def tweets(folder: Path) -> list[Tweet]:
    """The 24,783 tweets of Davidson et al. (2017); label 0 hate, 1 offensive, 2 neither."""
    with (folder / "data" / "labeled_data.csv").open(encoding="utf-8", newline="") as lines:
        return [
            Tweet(
                text=clean(row["tweet"]),
                toxic_share=(int(row["hate_speech"]) + int(row["offensive_language"])) / int(row["count"]),
                label=int(row["class"]),
            )
            for row in csv.DictReader(lines)
        ]


def madlibs(path: Path) -> list[Labelled]:
    """The 76,564 phrases of Dixon et al. (2018); the cluster is the template."""
    with path.open(encoding="utf-8", newline="") as lines:
        return [
            Labelled(text=row["Text"], toxic=row["Label"] == "BAD", cluster=row["Template"], scores={})
            for row in csv.DictReader(lines)
        ]


def continuations(benchmarks: Path) -> list[Labelled]:
    """Web sentences' second halves (RealToxicityPrompts, as in DecodingTrust); toxic at a Perspective score of 0.5."""
    found = []
    for name in ("toxic", "nontoxic"):
        path = benchmarks / "decodingtrust_toxicity" / "data" / "toxicity" / "user_prompts" / f"{name}.jsonl"
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            half = row["continuation"]
            if half.get("toxicity") is not None:
                scores = {key: float(value) for key, value in half.items() if key != "text" and value is not None}
                toxic = scores["toxicity"] >= 0.5
                found.append(Labelled(text=half["text"], toxic=toxic, cluster=row["filename"], scores=scores))
    return found


def neutral_prose(benchmarks: Path, held_out: bool) -> dict[str, list[str]]:
    """Cleaned pieces of published prose, taken to be free of insults; the held-out part shares no document."""
    draw = numpy.random.default_rng(3)
    replies = [json.loads(line) for line in _lines(benchmarks / "halueval/data/general_data.json")]
    cut = 2 * len(replies) // 3
    spoken = _speeches((benchmarks / "tinyshakespeare/data/tinyshakespeare/input.txt").read_text(encoding="utf-8"))
    half = len(spoken) // 2
    wiki = benchmarks / "wikitext2/word_language_model/data/wikitext-2"
    chosen = replies[cut:] if held_out else replies[:cut]
    prose = {
        "encyclopedia": _pieces(_wiki_lines(wiki / ("test.txt" if held_out else "valid.txt")), draw),
        "assistant replies": [
            *_pieces([row["chatgpt_response"] for row in chosen], draw),
            *[row["user_query"] for row in chosen],
        ],
        "plays": _pieces(spoken[half:] if held_out else spoken[:half], draw),
    }
    if not held_out:
        asked = _lines(benchmarks / "nq_open/nq_open/NQ-open.dev.jsonl")
        prose["questions"] = [json.loads(line)["question"] for line in asked]
        prose["people at work"] = list(_occupations(benchmarks / "winobias/WinoBias/wino/data"))
        prose["people of all kinds"] = list(_situations(benchmarks / "bbq/data"))
    return {name: [clean(text) for text in texts] for name, texts in prose.items()}


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").rstrip("\n").split("\n")


def _wiki_lines(path: Path) -> list[str]:
    plain = path.read_text(encoding="utf-8").replace("<unk>", "").replace(" @-@ ", "-")
    plain = plain.replace("@,@", ",").replace("@.@", ".")
    return [line for line in plain.split("\n") if len(line.split()) > 8 and not line.startswith(" =")]


def _speeches(play: str) -> list[str]:
    return [" ".join(speech.split("\n")[1:]) for speech in play.split("\n\n")]


def _pieces(texts: Sequence[str], draw: numpy.random.Generator) -> list[str]:
    pieces = []
    for text in texts:
        words = text.split()
        while words:
            length = int(draw.integers(_RUN[0], _RUN[1] + 1))
            pieces.append(" ".join(words[:length]))
            words = words[length:]
    return pieces


def _occupations(folder: Path) -> Iterator[str]:
    for kind in ("pro_stereotyped_type1", "pro_stereotyped_type2", "anti_stereotyped_type1", "anti_stereotyped_type2"):
        for line in _lines(folder / f"{kind}.txt.dev"):
            yield re.sub(r"[\[\]]", "", line.strip().split(" ", 1)[1])


def _situations(folder: Path) -> Iterator[str]:
    found = set()
    for kind in ("Age", "Nationality", "Religion"):
        for line in _lines(folder / f"{kind}.jsonl"):
            row = json.loads(line)
            found |= {row["context"], row["question"]}
    yield from sorted(found)
