"""What an attack on one review came to, as an observation."""

from __future__ import annotations

from dataclasses import dataclass

from ..asking import Choice
from ..contract import Item, Observation
from .sentiment import text_of
from .victim import Victim

GREEDY, RANDOM = "greedy", "random"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attacked:
    """How an attack ended: its last text, whether the answer changed, and the queries that it took."""

    text: str
    success: bool
    queries: int


def attacked(item: Item, arm: str, victim: Victim, ended: Attacked) -> Observation:
    """What an attack came to. It is unjudged if it failed while some of its texts could not be answered."""
    broken = victim.failed if not ended.success else ""
    success = None if broken else float(ended.success)
    values: dict[str, float | None] = {"success_rate": success, "queries": float(ended.queries)}
    if ended.success:
        values["edit_rate"] = _edit_rate(text_of(item), ended.text)
    if arm == GREEDY:
        values |= {"accuracy": 1.0, "skipped": 0.0, "accuracy_under_attack": None if success is None else 1.0 - success}
    texts = dict.fromkeys((text_of(item), ended.text))
    return Observation(
        item=item.id,
        cluster=item.cluster,
        groups=item.groups,
        arm=arm,
        status="error" if broken else "judged",
        reason=broken or _told(ended),
        values=values,
        exchanges=tuple(said for text in texts for said in victim.answers[text].exchanges),
    )


def unattacked(item: Item, choice: Choice, arm: str) -> Observation:
    """A review that is not attacked: a wrong answer is judged, but has no success; without an answer all is unknown."""
    wrong = choice.option is not None
    values: dict[str, float | None] = {} if wrong else {"success_rate": None}
    if arm == GREEDY:
        known = {"accuracy": 0.0, "skipped": 1.0, "accuracy_under_attack": 0.0}
        values |= {name: value if wrong else None for name, value in known.items()}
    return Observation(
        item=item.id,
        cluster=item.cluster,
        groups=item.groups,
        arm=arm,
        status=choice.status,
        reason="skipped: the clean answer is wrong" if wrong else choice.reason,
        values=values,
        exchanges=choice.exchanges,
    )


def _told(ended: Attacked) -> str:
    return f"{'turned' if ended.success else 'not turned'} with {ended.queries} queries"


def _edit_rate(before: str, after: str) -> float:
    pairs = list(zip(before.split(), after.split(), strict=True))
    return sum(one != other for one, other in pairs) / len(pairs)
