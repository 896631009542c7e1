"""A file of recorded replies: JSON Lines, written by `slm-audit export` or by others.

The first line may say whose they are: `{"model": {"identity": ..., "access": [...], ...}}`, as record.json does.
Every other line is one reply or one score:

    {"prompt": "What is 2 + 2?", "reply": "4"}
    {"prompt": [{"role": "user", "content": "What is 2 + 2?"}], "reply": "4", "sample": 1}
    {"context": "2 + 2 =", "continuation": " 4", "score": -0.7}

`reply` and `score` may be objects with any fields of `slm_audit.Completion` and `slm_audit.Score`. `asked` may hold
further fields of `slm_audit.Generation` or `slm_audit.Scoring`, such as its decoding or seed: the line then answers
only requests that have the same; without it, every request with that prompt. Lines that answer the same request are
its samples, in their order, unless they name their `sample` (from 0).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ...probes.contract import (
    JSON,
    Access,
    Completion,
    ContractError,
    Generation,
    Score,
    Scoring,
    canonical,
    from_json,
    to_json,
)
from ..errors import UserError
from ..recorded import RecordedModel

Answer = Completion | Score
_KEYS = ({"prompt", "reply"}, {"context", "continuation", "score"})
_OF_ASKED = ("prompt", "context", "continuation", "samples")
"""The fields of a request that stand in the line itself."""


class Line(NamedTuple):
    """One answer, the sample that it is, and the fields that a request must have for it to fit."""

    asked: Mapping[str, JSON]
    sample: int
    answer: Answer


class Replies(NamedTuple):
    """What a file holds: lines by prompt or by context and continuation, and whose they are if the file says so."""

    lines: Mapping[str, Sequence[Line]]
    model: RecordedModel | None

    def find(self, request: Generation | Scoring, sample: int = 0) -> Answer | None:
        """The first answer that fits a request, or None."""
        wanted = _fields(request)
        for one in self.lines.get(_place(request), ()):
            if one.sample == sample and all(wanted.get(name) == value for name, value in one.asked.items()):
                return one.answer
        return None

    def access(self) -> frozenset[Access]:
        """What may be asked: what the file says, or what its lines show."""
        if self.model is not None:
            return self.model.access
        every = [one.answer for some in self.lines.values() for one in some]
        texts = [one for one in every if isinstance(one, Completion)]
        found = {Access.generate} if texts else set()
        if len(texts) < len(every):
            found.add(Access.score)
        if texts and all(one.token_logprobs is not None for one in texts):
            found.add(Access.token_logprobs)
        if any(place.startswith('["generate",[') for place in self.lines):
            found |= {Access.chat, Access.system}
        return frozenset(found)


def read_replies(path: Path) -> Replies:
    """The replies in a file; UserError names the line that cannot be read."""
    lines: dict[str, list[Line]] = {}
    model: RecordedModel | None = None
    order: Counter[str] = Counter()
    for number, text in _numbered(path):
        try:
            said = json.loads(text)
            if not isinstance(said, dict):
                raise ContractError("an object is expected")
            if set(said) == {"model"}:
                model = RecordedModel.from_facts({"notes": [], **said["model"]})
                continue
            place, line = _read(said, order)
        except json.JSONDecodeError as error:
            raise UserError(f"{path}:{number}: is not JSON ({error.msg}); complete the line or delete it") from None
        except (ValueError, TypeError, RecursionError) as error:
            raise UserError(f"{path}:{number}: {error}; mend the line or delete it") from None
        lines.setdefault(place, []).append(line)
    if not lines:
        raise UserError(f'{path} holds no replies; each line is one, such as {{"prompt": ..., "reply": ...}}')
    return Replies(lines, model)


def written(facts: Mapping[str, JSON], rows: Iterable[Mapping[str, JSON]]) -> Iterator[str]:
    """The lines of a file: the model's facts, then the reply rows of a journal, the first of those that are alike."""
    yield canonical({"model": facts})
    seen: set[str] = set()
    for row in rows:
        asked, sample = row["asked"], row.get("sample", 0)
        assert isinstance(asked, Mapping)
        if (key := canonical([asked, sample])) in seen:
            continue  # another repeat of the same audit
        seen.add(key)
        names = ("prompt",) if "prompt" in asked else ("context", "continuation")
        line = {name: asked[name] for name in names}
        rest = {name: value for name, value in asked.items() if name not in _OF_ASKED}
        own = {"reply": row["reply"], "sample": sample} if "prompt" in asked else {"score": row["reply"]}
        yield canonical({**line, **own, "asked": rest})


def _numbered(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open(encoding="utf-8") as stream:
            for number, text in enumerate(stream, start=1):
                if text.strip():
                    yield number, text
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 ({error.reason}); save the file as UTF-8") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); name a file of replies (JSON Lines)") from None


def _read(said: Mapping[str, JSON], order: Counter[str]) -> tuple[str, Line]:
    keys = next((keys for keys in _KEYS if keys <= set(said)), None)
    if keys is None:
        raise ContractError("the keys prompt and reply, or context, continuation and score, are expected")
    if unknown := sorted(set(said) - keys - {"asked", "sample"}):
        raise ContractError(f"unknown key '{unknown[0]}'")
    asked = said.get("asked", {})
    if not isinstance(asked, Mapping):
        raise ContractError("asked: an object is expected")
    request = _request({**asked, **{name: said[name] for name in keys - {"reply", "score"}}})
    partial = {name: value for name, value in _fields(request).items() if name in asked}
    place = _place(request)
    like = canonical([place, partial])
    sample = said.get("sample", order[like])
    if not isinstance(sample, int) or isinstance(sample, bool) or sample < 0:
        raise ContractError(f"sample: a number from 0 is expected, not {sample!r}")
    order[like] += 1
    return place, Line(partial, sample, _answer(said, request))


def _request(asked: Mapping[str, JSON]) -> Generation | Scoring:
    if "prompt" in asked:
        return from_json(Generation, {"decoding": {"max_tokens": 1}, **asked}, "asked")
    return from_json(Scoring, asked, "asked")


def _answer(said: Mapping[str, JSON], request: Generation | Scoring) -> Answer:
    if isinstance(request, Generation):
        reply = said["reply"]
        return from_json(Completion, {"text": reply, "finish": "stop"} if isinstance(reply, str) else reply, "reply")
    score = said["score"]
    plain = isinstance(score, int | float)
    tokens = max(1, len(request.continuation.split()))
    return from_json(Score, {"logprob": score, "tokens": tokens} if plain else score, "score")


def _fields(request: Generation | Scoring) -> dict[str, JSON]:
    plain = to_json(request)
    assert isinstance(plain, dict)
    return {name: value for name, value in plain.items() if name not in _OF_ASKED}


def _place(request: Generation | Scoring) -> str:
    if isinstance(request, Generation):
        return canonical(["generate", request.prompt])
    return canonical(["score", request.context, request.continuation])
