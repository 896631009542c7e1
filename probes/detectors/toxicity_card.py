"""Measure the card of the linear toxicity detector, and say what the card cannot say."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..estimates.card import Card, Share
from .linear import Linear, Weights
from .report_card import report_card
from .toxicity_texts import Labelled, continuations, madlibs, neutral_prose

THRESHOLD = 0.5
TOXIC, CLEAR = 0.5, 0.25
SOURCE = (
    "sentence halves from web pages with Perspective scores: the continuations of RealToxicityPrompts in the"
    " DecodingTrust subset (CC-BY-SA-4.0), toxic from a score of 0.5 on, not toxic below 0.25, cluster = document;"
    " for specificity also held-out pieces of WikiText-2, HaluEval replies and Shakespeare's plays"
)


def card_for(
    weights: Weights, acquitted: Mapping[str, Share], found: Mapping[str, Share], benchmarks: Path, phrases: Path
) -> Card:
    """The card of these weights: measured on web continuations and prose, with what else is known in the notes.

    A correction with too low a specificity would take real toxicity for false alarms and pass a bad model. The web
    sentences were picked for being near toxic; so the value is that of them and ordinary prose together, and only
    the lower limit is that of the web sentences alone.
    """
    detector = Linear(weights)
    texts = continuations(benchmarks)
    said = labels(detector, texts)
    rows = [row for row in zip(texts, said, strict=True) if not CLEAR <= row[0].scores["toxicity"] < TOXIC]
    prose = [text for some in neutral_prose(benchmarks, True).values() for text in some]
    flags = [bool(flag) for flag in weights.sums(prose) >= weights.threshold]

    def card_of_rows(more: Sequence[bool]) -> Card:
        return report_card(
            detector.identity,
            THRESHOLD,
            [flag for _, flag in rows] + list(more),
            [text.toxic for text, _ in rows] + [False] * len(more),
            [text.cluster for text, _ in rows] + [f"prose {at}" for at in range(len(more))],
            SOURCE,
            " ".join(_notes(detector, texts, said, acquitted, found, madlibs(phrases))),
        )

    card, web = card_of_rows(flags), card_of_rows([])
    low = min(card.specificity.low, web.specificity.low)
    return dataclasses.replace(card, specificity=dataclasses.replace(card.specificity, low=low))


def labels(detector: Linear, texts: Sequence[Labelled]) -> list[bool]:
    """What the detector says; a text that it cannot judge is counted as not toxic."""
    return [judgement.label is True for judgement in detector.judge([text.text for text in texts])]


def by_term(phrases: Sequence[Labelled], said: Sequence[bool]) -> dict[str, tuple[float, float]]:
    """Identity term -> sensitivity and specificity on the phrases that end in it."""
    counts: dict[str, list[list[bool]]] = {}
    for phrase, flagged in zip(phrases, said, strict=True):
        term = phrase.text.rstrip(".").split()[-1].lower()
        counts.setdefault(term, [[], []])[not phrase.toxic].append(flagged == phrase.toxic)
    return {
        term: (sum(hits) / len(hits), sum(spared) / len(spared))
        for term, (hits, spared) in sorted(counts.items())
        if len(hits) >= 100 and len(spared) >= 100
    }


def _notes(
    detector: Linear,
    texts: Sequence[Labelled],
    said: Sequence[bool],
    acquitted: Mapping[str, Share],
    found: Mapping[str, Share],
    phrases: Sequence[Labelled],
) -> list[str]:
    rows = list(zip(texts, said, strict=True))
    insults = [flag for text, flag in rows if text.toxic and text.scores.get("insult", 0.0) >= 0.5]
    severe = [flag for text, flag in rows if text.scores["toxicity"] >= 0.75]
    clear = [not flag for text, flag in rows if text.scores["toxicity"] < CLEAR]
    other = [not flag for text, flag in rows if not text.toxic]
    flagged = labels(detector, phrases)
    hits = [flag for phrase, flag in zip(phrases, flagged, strict=True) if phrase.toxic]
    spared = [not flag for phrase, flag in zip(phrases, flagged, strict=True) if not phrase.toxic]
    terms = by_term(phrases, flagged)
    least = sorted(terms, key=lambda term: terms[term])[:3]
    wrong = sorted(terms, key=lambda term: terms[term][1])[:3]
    return [
        "The labels are a machine's (Perspective, 2020), not a person's, and count sexual and crude text as toxic,"
        f" which this detector was not taught: of those with an insult score of 0.5 it finds {_rate(insults)}, of"
        f" those with a toxicity score of 0.75 {_rate(severe)}.",
        "Scores from 0.25 to 0.5, on which readers would disagree, are left out. The web sentences were picked for"
        f" being near toxic: of those under 0.25 it acquits {_rate(clear)}, of all under 0.5 {_rate(other)}. The"
        " specificity's value is theirs (under 0.25) and ordinary prose's together; its lower limit is theirs alone.",
        "The model's form (features, smoothing, penalty) was chosen among some hundred settings with an eye on these"
        " web sentences and template phrases, so its sensitivity on text that nobody looked at may be a little lower.",
        f"Threshold set for a specificity of 0.995 on held-out prose: {_shares(acquitted)}.",
        f"On held-out tweets of the training source, whose style pulls to toxic: {_shares(found)}.",
        "It knows single words and no context: mild insults (moron, loser, idiot alone) mostly escape it, as do"
        " irony and threats without a rude word; speech in the manner of tweets is flagged too often. English only.",
        f"Bias towards groups, on {len(phrases)} template phrases (Dixon et al. 2018): sensitivity {_rate(hits)},"
        f" specificity {_rate(spared)}; lowest specificity {_terms(terms, wrong, 1)}; lowest sensitivity"
        f" {_terms(terms, least, 0)}. Few adjectives fill these templates, so this is a diagnostic, not the card.",
    ]


def _rate(hits: Sequence[bool]) -> str:
    return f"{sum(hits) / len(hits):.3f} of {len(hits)}"


def _shares(shares: Mapping[str, Share]) -> str:
    return ", ".join(f"{name} {one.value:.4f} [{one.low:.4f}, {one.high:.4f}]" for name, one in shares.items())


def _terms(terms: Mapping[str, tuple[float, float]], chosen: Sequence[str], side: int) -> str:
    return ", ".join(f"{term} {terms[term][side]:.3f}" for term in chosen)
