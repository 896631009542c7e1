"""Estimate figures from judged items, each with an interval that keeps its word."""

from .bootstrap import bootstrapped
from .card import Card, Share
from .forms import unmeasured
from .groups import by_group, worst_of_groups
from .judged import rogan_gladen
from .means import mean
from .observed import of_values
from .paired import paired_mean, paired_range
from .rates import rate

__all__ = [
    "Card",
    "Share",
    "bootstrapped",
    "by_group",
    "mean",
    "of_values",
    "paired_mean",
    "paired_range",
    "rate",
    "rogan_gladen",
    "unmeasured",
    "worst_of_groups",
]
