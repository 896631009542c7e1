"""Share requests out among replicas: those of one context stay together, so that what they share is computed once."""

from __future__ import annotations

from collections.abc import Sequence

from ....probes.contract import Generation, Message, Scoring

SHARES_A_REPLICA = 4
"""So many, at least: few enough to fill a batch, and enough that none waits long for the last."""
MOST_REQUESTS = 96
"""More only where one context has more: a killed worker costs the shares that it was given."""
CHARACTERS_A_TOKEN = 4


def shares(requests: Sequence[Generation] | Sequence[Scoring], replicas: int) -> list[list[int]]:
    """Places in the request list, each once: whole contexts, the longest first, in shares of about the same work."""
    groups: dict[object, list[int]] = {}
    either: Sequence[Generation | Scoring] = requests
    for place, one in enumerate(either):
        groups.setdefault(place if is_alone(one) else _context(one), []).append(place)
    works = [work(one) for one in either]
    room = sum(works) / (replicas * SHARES_A_REPLICA)
    plan: list[list[int]] = []
    done = 0.0
    for group in sorted(groups.values(), key=lambda some: (-max(works[place] for place in some), some[0])):
        alone = is_alone(either[group[0]])
        if not plan or alone or done >= room or len(plan[-1]) + len(group) > MOST_REQUESTS:
            plan.append([])
            done = 0.0
        plan[-1] += group
        done = room if alone else done + sum(works[place] for place in group)
    return plan


def is_alone(request: Generation | Scoring) -> bool:
    """Whether a request is timed, and so shares nothing with others."""
    return isinstance(request, Generation) and request.alone


def _context(request: Generation | Scoring) -> object:
    return request.prompt if isinstance(request, Generation) else request.context


def work(request: Generation | Scoring) -> int:
    """About how many characters are read and written."""
    if isinstance(request, Scoring):
        return _length(request.context) + len(request.continuation)
    return request.samples * (_length(request.prompt) + CHARACTERS_A_TOKEN * request.decoding.max_tokens)


def _length(prompt: str | tuple[Message, ...]) -> int:
    return len(prompt) if isinstance(prompt, str) else sum(len(one.content) for one in prompt)
