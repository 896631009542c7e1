"""The searches of an attack, built from textattack's parts. Importing this file imports textattack."""
# ruff: noqa: E402 - textattack must be brought in by our own hand before anything is imported from it

from __future__ import annotations

import math
import warnings

import numpy

from .bootstrap import import_textattack, stop_words
from .outcome import Attacked
from .victim import Bounds, Victim

import_textattack()

from textattack import Attack as TextAttack
from textattack.attack_results import SuccessfulAttackResult
from textattack.constraints.overlap import LevenshteinEditDistance, MaxWordsPerturbed
from textattack.constraints.pre_transformation import (
    MinWordLength,
    RepeatModification,
    StopwordModification,
)
from textattack.goal_function_results import GoalFunctionResult, GoalFunctionResultStatus
from textattack.goal_functions import UntargetedClassification
from textattack.search_methods import GreedyWordSwapWIR, SearchMethod
from textattack.shared import AttackedText
from textattack.transformations import (
    CompositeTransformation,
    WordSwapNeighboringCharacterSwap,
    WordSwapQWERTY,
    WordSwapRandomCharacterDeletion,
    WordSwapRandomCharacterInsertion,
)

LETTERS = "abcdefghijklmnopqrstuvwxyz"
BATCH = 32
SHORTEST = 4


def greedy(_rng: numpy.random.Generator, _bounds: Bounds) -> SearchMethod:
    """Words in the order of what deleting them does to the answer, each swapped for its most harmful edit."""
    return GreedyWordSwapWIR(wir_method="delete")


def random_search(rng: numpy.random.Generator, bounds: Bounds) -> SearchMethod:
    """The control."""
    return RandomSearch(rng, bounds.words)


class RandomSearch(SearchMethod):  # type: ignore[misc]
    """The control: edits drawn blindly from the same candidates, one to as many words as may be changed.

    Batches grow from 4 to 32 texts; the rest of a batch behind a success is not counted as queried.
    """

    def __init__(self, rng: numpy.random.Generator, words: float) -> None:
        """`words` is the share of words that may be changed."""
        self._rng = rng
        self._share = words

    def perform_search(self, initial_result: GoalFunctionResult) -> GoalFunctionResult:
        """Draw until the answer changes or the budget is used."""
        text = initial_result.attacked_text
        candidates = self._candidates(text)
        most = min(len(candidates), math.ceil(self._share * len(text.words)))
        size, over = 4, not candidates
        while not over:
            drawn = [self._drawn(text, candidates, most) for _ in range(size)]
            allowed = self.filter_transformations(drawn, text, original_text=text)
            results, over = self.get_goal_results(allowed)
            for place, result in enumerate(results, start=1):
                if result.goal_status == GoalFunctionResultStatus.SUCCEEDED:
                    self.goal_function.num_queries -= len(results) - place
                    return result
            size = min(2 * size, BATCH)
        return initial_result

    def _candidates(self, text: AttackedText) -> dict[int, list[AttackedText]]:
        """For each word that may be edited, the texts in which it is."""
        _, places = self.get_indices_to_order(text)
        found = {
            place: self.get_transformations(text, original_text=text, indices_to_modify=[place])
            for place in sorted(places)
        }
        return {place: texts for place, texts in found.items() if texts}

    def _drawn(self, text: AttackedText, candidates: dict[int, list[AttackedText]], most: int) -> AttackedText:
        count = int(self._rng.integers(1, most + 1))
        places = sorted(self._rng.choice(sorted(candidates), size=count, replace=False).tolist())
        edits = [candidates[place][int(self._rng.integers(len(candidates[place])))] for place in places]
        drawn = text.replace_words_at_indices(
            places, [one.words[place] for one, place in zip(edits, places, strict=True)]
        )
        drawn.attack_attrs["last_transformation"] = edits[-1].attack_attrs["last_transformation"]
        return drawn

    @property
    def is_black_box(self) -> bool:
        """It sees nothing but answers."""
        return True


def attack(victim: Victim, text: str, search: SearchMethod, bounds: Bounds) -> Attacked:
    """Attack one text that the victim answers rightly. Draws from the global `random` and `numpy.random`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of its own logger, which it calls in an old way
        goal = UntargetedClassification(victim, query_budget=bounds.queries, model_batch_size=BATCH)
    constraints = [
        RepeatModification(),
        StopwordModification(stopwords=stop_words()),
        MinWordLength(SHORTEST),
        LevenshteinEditDistance(bounds.letters),
        MaxWordsPerturbed(max_percent=bounds.words),
    ]
    edits = CompositeTransformation(
        [
            WordSwapRandomCharacterDeletion(random_one=False, skip_first_char=True),
            WordSwapNeighboringCharacterSwap(random_one=False, skip_first_char=True),
            WordSwapRandomCharacterInsertion(random_one=False, skip_first_char=True, letters_to_insert=LETTERS),
            WordSwapQWERTY(random_one=True, skip_first_char=True),
        ]
    )
    told = TextAttack(goal, constraints, edits, search).attack(text, 0)
    success = isinstance(told, SuccessfulAttackResult)
    last = told.perturbed_result.attacked_text.text
    return Attacked(text=last, success=success, queries=int(told.num_queries))
