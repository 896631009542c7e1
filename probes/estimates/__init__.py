"""Estimate figures from judged items, each with an interval that keeps its word."""

from .bootstrap import bootstrapped
from .calibration import aurc, brier, ece, risk_coverage
from .card import Card, Share
from .forms import unmeasured
from .groups import by_group, worst_of_groups
from .judged import rogan_gladen
from .means import mean
from .paired import paired_mean, paired_range
from .rates import rate
from .values import of_values

__all__ = [
    "Card",
    "Share",
    "aurc",
    "bootstrapped",
    "brier",
    "by_group",
    "ece",
    "mean",
    "of_values",
    "paired_mean",
    "paired_range",
    "rate",
    "risk_coverage",
    "rogan_gladen",
    "unmeasured",
    "worst_of_groups",
]
