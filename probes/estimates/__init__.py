"""Estimate figures from judged items, each with an interval that keeps its word."""

from .area import auc
from .bootstrap import bootstrapped
from .card import Card, Share
from .corrected import corrected_difference
from .differences import paired_difference
from .forms import unmeasured
from .groups import by_group, worst_of_groups
from .hypotheses import equivalent, mcnemar, p_value
from .judged import rogan_gladen
from .means import mean
from .multiplicity import benjamini_hochberg, holm
from .observed import of_values
from .operating_point import tpr_at_fpr
from .paired import paired_mean, paired_range
from .ppi import ppi
from .ranges import range_of_groups
from .rates import rate
from .sequential import confidence_sequence
from .worst import difference_of_worst

__all__ = [
    "Card",
    "Share",
    "auc",
    "benjamini_hochberg",
    "bootstrapped",
    "by_group",
    "confidence_sequence",
    "corrected_difference",
    "difference_of_worst",
    "equivalent",
    "holm",
    "mcnemar",
    "mean",
    "of_values",
    "p_value",
    "paired_difference",
    "paired_mean",
    "paired_range",
    "ppi",
    "range_of_groups",
    "rate",
    "rogan_gladen",
    "tpr_at_fpr",
    "unmeasured",
    "worst_of_groups",
]
