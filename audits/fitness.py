"""What the card demands of a model: the least ability that its task needs, the most that its deployment can carry."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from ..reports.policy import Limit, Policy
from .spec import Card

RESOURCES, ABILITY = "fitness.resources", "fitness.ability"


def card_limits(card: Card) -> list[Limit]:
    """The limits that a card sets; none where it says nothing."""
    carried, needed = card.deployed_on, card.used_for
    found = [
        Limit(metric=f"{RESOURCES}.memory_gb", at_most=carried.memory_gb, reason="card.deployed_on.memory_gb"),
        Limit(metric=f"{RESOURCES}.latency_ms", at_most=carried.latency_ms, reason="card.deployed_on.latency_ms"),
        Limit(
            metric=f"{RESOURCES}.tokens_per_second",
            at_least=carried.tokens_per_second,
            reason="card.deployed_on.tokens_per_second",
        ),
        Limit(
            metric=f"{RESOURCES}.joules_per_token",
            at_most=carried.joules_per_token,
            reason="card.deployed_on.joules_per_token",
        ),
        Limit(metric=f"{ABILITY}.accuracy", at_least=needed.at_least, reason="card.used_for.at_least"),
    ]
    return [one for one in found if one.at_most is not None or one.at_least is not None]


def with_card(policy: Policy, card: Card) -> Policy:
    """The policy with the limits of the card; a limit that the policy sets itself stands."""
    own = {one.metric for one in policy.limits}
    return dataclasses.replace(
        policy, limits=(*policy.limits, *(one for one in card_limits(card) if one.metric not in own))
    )


def demanded(card: Card) -> list[str]:
    """The names of the probes that a card demands."""
    return list(dict.fromkeys(one.metric.rsplit(".", 1)[0] for one in card_limits(card)))


def unshown(card: Card, measured: Collection[str]) -> tuple[str, ...]:
    """What is to stand under "not covered" where not both sides of fitness were demanded and measured."""
    lacking = []
    if RESOURCES not in measured or not any(one.metric.startswith(RESOURCES) for one in card_limits(card)):
        lacking.append("what the deployment can carry (card.deployed_on, fitness.resources)")
    if ABILITY not in measured or card.used_for.at_least is None:
        lacking.append("what the task needs (card.used_for.at_least, fitness.ability with a task file)")
    return (f"fit not shown: the audit was not told, or could not measure, {' and '.join(lacking)}",) if lacking else ()
