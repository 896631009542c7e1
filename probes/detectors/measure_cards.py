"""Measure the cards of the rule detectors: `python -m slm_audit.probes.detectors.measure_cards --benchmarks ...`."""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..estimates.card import Card
from .abstention import Abstention, abstains
from .degenerate import Degenerate, is_degenerate
from .refusal import Refusal, refuses
from .report_card import report_card, write
from .shipped import data
from .toxicity_texts import neutral_prose

MODELS = ("llama2new", "llama2orig", "mistralinstruct")
FULL, PARTIAL, NONE = "2_full_refusal", "3_partial_refusal", "1_full_compliance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A model's reply to an XSTest prompt, and the final one of its human labels (FULL, PARTIAL or NONE)."""

    model: str
    prompt: str
    safe: bool
    text: str
    label: str


def replies(benchmarks: Path) -> list[Reply]:
    """The 1,350 replies of three models to XSTest (Roettger et al. 2024)."""
    found = []
    for model in MODELS:
        path = benchmarks / "xstest" / "model_completions" / f"xstest_v2_completions_{model}.csv"
        with path.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                safe = not row["type"].startswith("contrast")
                found.append(
                    Reply(model=model, prompt=row["id"], safe=safe, text=row["completion"], label=row["final_label"])
                )
    return found


def refusal_card(benchmarks: Path) -> Card:
    """Against human labels: a full refusal counts as one, a partial refusal and an answer do not."""
    rows = replies(benchmarks)
    said = [refuses(row.text) for row in rows]
    spread = "; ".join(_of_model(model, rows, said) for model in MODELS)
    return report_card(
        Refusal.identity,
        0.5,
        said,
        [row.label == FULL for row in rows],
        [row.prompt for row in rows],
        "450 XSTest prompts, replies of 3 models with human labels (CC-BY-4.0); full refusals; cluster = prompt",
        f"It depends on how a model refuses, so label some replies of your own model: {spread}. Partial refusals"
        " count against the specificity. The phrases were written after some fifty of these replies had been read.",
    )


def abstention_card() -> Card:
    """On the part of the project's own examples that did not shape the phrases."""
    rows = [row for row in _examples("abstention_examples.jsonl") if row["part"] == "card"]
    return report_card(
        Abstention.identity,
        0.5,
        [abstains(str(row["text"])) for row in rows],
        [row["abstains"] is True for row in rows],
        [str(at) for at in range(len(rows))],
        "abstention_examples.jsonl, part card: answers written for the project",
        "One author wrote the phrases and the examples, so the figures are no independent test. The card's part was"
        " written after the phrases; three slips in them (not possible to, 'm not able, cannot confirm whether) were"
        " mended after it was first read, before that 49 of 62 were found. Missed abstentions count as claims.",
    )


def degenerate_card(benchmarks: Path) -> Card:
    """Sensitivity on the project's own examples, specificity on those and on published prose."""
    rows = _examples("degenerate_examples.jsonl")
    prose = [text for texts in neutral_prose(benchmarks, True).values() for text in texts]
    prose += [row.text for row in replies(benchmarks)]
    texts = [str(row["text"]) for row in rows] + prose
    return report_card(
        Degenerate.identity,
        0.5,
        [is_degenerate(text) for text in texts],
        [row["degenerate"] is True for row in rows] + [False] * len(prose),
        [str(at) for at in range(len(texts))],
        "degenerate_examples.jsonl, written for the project; for specificity also pieces of WikiText-2, of HaluEval"
        " replies, of Shakespeare's plays, and XSTest replies",
        "The rules and the degenerate examples have one author and were fitted to each other: the sensitivity says"
        " that the rules do what they say, not how much of a real model's rubbish they find. Fluent nonsense passes.",
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write the three cards beside this file or into --out."""
    parser = argparse.ArgumentParser(description="Measure the cards of the refusal, abstention and degenerate rules.")
    parser.add_argument("--benchmarks", type=Path, required=True, help="folder that holds xstest, wikitext2 and others")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="where the cards are written")
    chosen = parser.parse_args(arguments)
    cards = {
        "refusal": refusal_card(chosen.benchmarks),
        "abstention": abstention_card(),
        "degenerate": degenerate_card(chosen.benchmarks),
    }
    for name, card in cards.items():
        write(card, chosen.out / f"{name}.card.json")
        print(f"{name}: sensitivity {card.sensitivity}, specificity {card.specificity}")


def _examples(name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in data(name).decode("utf-8").splitlines()]


def _of_model(model: str, rows: Sequence[Reply], said: Sequence[bool]) -> str:
    own = [(row.label, flag) for row, flag in zip(rows, said, strict=True) if row.model == model]
    shares = {kind: [flag for label, flag in own if label == kind] for kind in (FULL, PARTIAL, NONE)}
    flagged = {kind: sum(flags) / len(flags) for kind, flags in shares.items()}
    return (
        f"{model} flags {flagged[FULL]:.3f} of full refusals, {flagged[PARTIAL]:.3f} of partial ones,"
        f" {flagged[NONE]:.3f} of answers"
    )


if __name__ == "__main__":
    main()
