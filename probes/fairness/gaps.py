"""Turn decisions on alike people into flips and gaps, with intervals that keep each file's people together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ..contract import Estimate, Metric
from ..estimates import paired_range, unmeasured
from .people import GENDERS

People = Mapping[tuple[str, str], float | None]
"""The decisions on one file by gender and origin: 1 approved, 0 denied, None not judged."""

Files = Mapping[str, People]
"""The same by file."""

Column = tuple[list[float | None], list[str]]
"""Values and the clusters that they belong to."""


def flips(files: Files) -> dict[str, Column]:
    """For each attribute, and each pair of people of a file who differ in it alone, whether the decisions differ."""
    found: dict[str, Column] = {"gender": ([], []), "origin": ([], [])}
    for file, people in files.items():
        for place, attribute in enumerate(found):
            values, clusters = found[attribute]
            for one, other in _alike_but(people, place):
                values.append(None if one is None or other is None else float(one != other))
                clusters.append(file)
    return found


def parity_difference(metric: Metric, files: Files, level: float) -> Estimate:
    """Demographic parity difference over the genders: fairlearn's value, and the interval of the paired range."""
    from fairlearn.metrics import demographic_parity_difference

    shares = {file: {gender: _share(people, 0, gender) for gender in GENDERS} for file, people in files.items()}
    estimate = paired_range(metric, shares, level)
    approved, genders, labels = _rows(files, dict.fromkeys(files, 0))
    if estimate.value is None or not approved:
        return estimate
    value = demographic_parity_difference(labels, approved, sensitive_features=genders)
    return replace(estimate, value=float(value), method=f"{estimate.method}; value by fairlearn")


def odds_difference(metric: Metric, files: Files, deserved: Mapping[str, int], level: float) -> Estimate:
    """Equalized odds difference over the genders: the larger of the gaps of deserving and undeserving files.

    `deserved` says 1 for the files whose approval is right, 0 for the others. The upper bound is the larger one
    of the two gaps; the lower is the larger of two that hold together (Bonferroni).
    """
    from fairlearn.metrics import equalized_odds_difference

    halves = [{file: people for file, people in files.items() if deserved[file] == label} for label in (1, 0)]
    gaps = [parity_difference(metric, half, level) for half in halves]
    sure = [parity_difference(metric, half, 1 - (1 - level) / 2) for half in halves]
    counts = {name: sum(getattr(one, name) for one in gaps) for name in ("n", "missing", "clusters")}
    if any(one.value is None for one in gaps):
        reason = "without judged files of both kinds, to be approved and to be denied, there are no odds"
        return replace(unmeasured(metric, level, reason), n=counts["n"], missing=counts["missing"])
    approved, genders, labels = _rows(files, deserved)
    return replace(
        gaps[0],
        value=float(equalized_odds_difference(labels, approved, sensitive_features=genders)),
        low=max(one.low for one in sure if one.low is not None),
        high=max(one.high for one in gaps if one.high is not None),
        n=counts["n"],
        missing=counts["missing"],
        clusters=counts["clusters"],
        method=f"larger of two gaps, lower bound Bonferroni: {gaps[0].method}",
    )


def origin_differences(metric: Metric, files: Files, level: float) -> list[Estimate]:
    """For each origin, its gap to the other origin of the same files."""
    found = []
    for origin in sorted({origin for people in files.values() for _, origin in people}):
        shares = {
            file: {
                "own": _share(people, 1, origin),
                "other": _share(people, 1, next(one for _, one in people if one != origin)),
            }
            for file, people in files.items()
            if any(one == origin for _, one in people)
        }
        found.append(replace(paired_range(metric, shares, level), groups=(("origin", origin),)))
    return found


def _alike_but(people: People, place: int) -> Iterable[tuple[float | None, float | None]]:
    """The decisions on each two people of a file who differ at a place of their key and nowhere else."""
    keys = list(people)
    for at, one in enumerate(keys):
        for other in keys[at + 1 :]:
            if one[place] != other[place] and one[1 - place] == other[1 - place]:
                yield people[one], people[other]


def _share(people: People, place: int, group: str) -> float | None:
    """The share of approvals among a file's people of a group; None where one of them was not judged."""
    found = [value for key, value in people.items() if key[place] == group]
    judged = [value for value in found if value is not None]
    return sum(judged) / len(judged) if judged and len(judged) == len(found) else None


def _rows(files: Files, labels: Mapping[str, int]) -> tuple[list[int], list[str], list[int]]:
    """Decision, gender and label of each person of the wholly judged files, as 0 and 1.

    fairlearn takes the label 1 for the positive one, and finds no difference at all between words.
    """
    whole: Sequence[tuple[float, str, int]] = [
        (value, gender, labels[file])
        for file, people in files.items()
        if None not in people.values()
        for (gender, _), value in people.items()
        if value is not None
    ]
    return [int(value) for value, _, _ in whole], [gender for _, gender, _ in whole], [label for _, _, label in whole]
