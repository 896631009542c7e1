"""Measure how often a detector errs on labelled texts, and write that down as its card."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ..contract import Metric, to_json
from ..estimates import rate
from ..estimates.card import Card, Share

LEVEL = 0.95


def share(hits: Sequence[bool], clusters: Sequence[str], level: float = LEVEL) -> Share:
    """The share of hits with its clustered interval; ValueError when there is nothing to count."""
    metric = Metric(name="share", meaning="share of labelled texts that the detector judged right")
    found = rate(metric, [float(hit) for hit in hits], list(clusters), level)
    if found.value is None or found.low is None or found.high is None:
        raise ValueError("a report card needs at least one labelled text of each kind")
    return Share(value=_short(found.value), low=_short(found.low), high=_short(found.high), n=len(hits))


def report_card(
    identity: str,
    threshold: float,
    said: Sequence[bool],
    true: Sequence[bool],
    clusters: Sequence[str],
    source: str,
    notes: str,
) -> Card:
    """The card of a detector that said `said` of texts that are `true`, drawn in `clusters`."""
    detector, version = identity.split("/", 1)
    rows = list(zip(said, true, clusters, strict=True))
    return Card(
        detector=detector,
        version=version,
        threshold=threshold,
        sensitivity=share([hit for hit, real, _ in rows if real], [at for _, real, at in rows if real]),
        specificity=share([not hit for hit, real, _ in rows if not real], [at for _, real, at in rows if not real]),
        level=LEVEL,
        source=source,
        notes=notes,
    )


def write(card: Card, path: Path) -> None:
    """Write a card as JSON that a person can read."""
    path.write_text(json.dumps(to_json(card), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _short(value: float) -> float:
    return round(value, 4)
