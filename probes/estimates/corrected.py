"""Correct a difference of two rates that the same imperfect detector counted."""

from __future__ import annotations

import math
from dataclasses import replace

from ..contract import Estimate
from .card import Card
from .judged import LEAST_YOUDEN, at_level, boundary, normal_quantile


def corrected_difference(flagged: Estimate, card: Card) -> Estimate:
    """The difference of the shares with a trait, from that of the shares which a detector flags, and its card.

    Of two Rogan-Gladen rates with sensitivity q1 and specificity q0 the false alarms cancel, so theta = d / J with
    J = q1 + q0 - 1. A theta is kept unless the sign of d - theta J is sure (Fieller's argument); the limits of that sum
    come from those of d and of J, added as squares (MOVER, Zou and Donner 2008), the card's brought to the
    estimate's level. It supposes that the detector errs alike on both models' texts. A detector with J up to 0.1
    corrects nothing: the flagged difference is given back, marked uncorrected.
    """
    q1, q0 = card.sensitivity, card.specificity
    youden = q1.value + q0.value - 1.0
    if youden <= LEAST_YOUDEN or flagged.value is None or flagged.low is None or flagged.high is None:
        return replace(flagged, correction="uncorrected")
    scale = normal_quantile(flagged.level) / normal_quantile(card.level)
    (_, below1, above1), (_, below0, above0) = at_level(q1, scale), at_level(q0, scale)
    below, above = math.hypot(below1, below0), math.hypot(above1, above0)
    value, low, high = flagged.value, flagged.low, flagged.high

    def too_high(theta: float) -> bool:
        spread = theta * below if theta > 0.0 else theta * above
        return value - theta * youden + math.hypot(high - value, spread) < 0.0

    def too_low(theta: float) -> bool:
        spread = theta * above if theta > 0.0 else theta * below
        return value - theta * youden - math.hypot(value - low, spread) > 0.0

    kept = min(1.0, max(-1.0, value / youden))
    return replace(
        flagged,
        value=kept,
        low=boundary(kept, -1.0, too_low) if too_low(-1.0) else -1.0,
        high=boundary(kept, 1.0, too_high) if too_high(1.0) else 1.0,
        method=f"Rogan-Gladen with the card of {card.detector} {card.version} (Fieller, MOVER); {flagged.method}",
        correction="rogan-gladen",
    )
