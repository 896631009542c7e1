"""The probe for the user's own task: labelled questions with a few possible answers."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from ..asking import choose
from ..contract import Access, Bench, Estimate, Item, Metric, NotMeasured, Observation, Probe
from ..estimates import rate, unmeasured

ACCURACY = Metric(
    name="accuracy", meaning="share of the user's own task that it answers rightly", worse="lower", role="primary"
)
MAJORITY = Metric(
    name="majority",
    meaning="share that the commonest answer of the file would get: what a model must beat",
    worse="lower",
    role="diagnostic",
)


@dataclass(frozen=True, kw_only=True)
class Ability(Probe):
    """Can the model do the task that it is to be deployed for?

    `task` names a file of labelled questions, JSON Lines or CSV with a head line: `text`, `label`, and where several
    questions belong together (one document, one customer) a `cluster`. The possible answers are `labels`, or all
    labels of the file. The model's answer is the likeliest of them where it can be scored, each with an equal
    beginning; else a short greedy reply is read for the one that it names. `instruction` stands before every text.

    The accuracy is over all questions; an answer that names none of the labels counts as missing, and so never
    helps. Its chance is that of guessing blindly among the labels. The floor comes from `card.used_for.at_least`.
    """

    name: ClassVar[str] = "ability"
    dimension: ClassVar[str] = "fitness"
    version: ClassVar[str] = "1"
    needs: ClassVar[frozenset[Access]] = frozenset({Access.generate})
    metrics: ClassVar[tuple[Metric, ...]] = (ACCURACY, MAJORITY)

    task: Path | None = None
    labels: tuple[str, ...] = ()
    instruction: str = ""
    cue: str = "\nAnswer:"

    def items(self) -> Sequence[Item]:
        """The questions of the file; NotMeasured where no file is named, ValueError with the line that is wrong."""
        if self.task is None:
            raise NotMeasured("no task file was named (fitness.ability: {task: FILE})")
        rows = list(_rows(self.task))
        labels = self.labels or tuple(sorted({str(row["label"]) for _, row in rows}))
        if len(labels) < 2:
            raise ValueError(f"{self.task} has fewer than two labels; a task needs something to choose from")
        for number, row in rows:
            if row["label"] not in labels:
                raise ValueError(f"{self.task}:{number}: the label '{row['label']}' is none of {', '.join(labels)}")
        return [
            Item(
                id=f"row-{number}",
                cluster=row.get("cluster") or f"row-{number}",
                groups=(("label", row["label"]), ("labels", str(len(labels)))),
                content={"text": row["text"], "label": row["label"], "labels": list(labels)},
            )
            for number, row in rows
        ]

    def observe(self, items: Sequence[Item], bench: Bench) -> Iterator[Observation]:
        """One observation a question."""
        labels = [_labels(one) for one in items]
        head = f"{self.instruction}\n\n" if self.instruction else ""
        asked = [(one.id, f"{head}{one.content['text']}") for one in items]
        for one, some, choice in zip(items, labels, choose(bench, asked, labels, cue=self.cue), strict=True):
            right = None if choice.option is None else float(some[choice.option] == one.content["label"])
            yield Observation(
                item=one.id,
                cluster=one.cluster,
                status=choice.status,
                values={ACCURACY.name: right},
                reason=choice.reason,
                groups=one.groups,
                exchanges=choice.exchanges,
            )

    def measure(self, seen: Sequence[Observation], level: float) -> list[Estimate]:
        """Accuracy, beside what the commonest answer would get."""
        if not seen:
            return [unmeasured(one, level, "nothing was observed") for one in self.metrics]
        chance = 1 / int(dict(seen[0].groups)["labels"])
        own = [dict(one.groups)["label"] for one in seen]
        commonest = Counter(own).most_common(1)[0][0]
        clusters = [one.cluster for one in seen]
        accuracy = rate(ACCURACY, [one.values[ACCURACY.name] for one in seen], clusters, level)
        majority = rate(MAJORITY, [float(one == commonest) for one in own], clusters, level)
        return [replace(accuracy, chance=chance), majority]


def _labels(item: Item) -> list[str]:
    labels = item.content["labels"]
    assert isinstance(labels, list | tuple)
    return [str(one) for one in labels]


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Each row with the number of its line; ValueError names the first that is wrong."""
    with path.open(encoding="utf-8", newline="") as stream:
        if path.suffix == ".csv":
            reader = csv.DictReader(stream, restkey="more")
            found = ((reader.line_num, row) for row in reader)
            yield from (_checked(path, number, row) for number, row in found)
            return
        for number, line in enumerate(stream, start=1):
            if line.strip():
                try:
                    said = json.loads(line)
                except ValueError as error:
                    raise ValueError(f"{path}:{number}: is not JSON ({error})") from None
                yield _checked(path, number, said)


def _checked(path: Path, number: int, row: object) -> tuple[int, Mapping[str, str]]:
    if not isinstance(row, dict):
        raise ValueError(f"{path}:{number}: text and label are expected")
    for name in ("text", "label"):
        if not isinstance(row.get(name), str) or not row[name].strip():
            raise ValueError(f"{path}:{number}: the {name} is missing; every row needs text and label")
    return number, {name: str(row[name]).strip() for name in ("text", "label", "cluster") if row.get(name)}
