"""Put figures and verdicts into words: what every output prints for the same value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .record import Finding, Record

DIMENSIONS = ("robustness", "fairness", "privacy", "hallucination", "toxicity")
NARROW = "\u202f"
TIMES = "\u00d7"
MINUS = "\u2212"

WORST_FIRST = ("fail", "incomplete", "not_measured", "inconclusive", "waived", "pass")
"""Verdicts of limits and of the whole, in the order in which every output lists them."""

WORDS = {
    "fail": "Fail",
    "incomplete": "Incomplete",
    "not_measured": "Not measured",
    "inconclusive": "Inconclusive",
    "waived": "Waived",
    "pass": "Pass",
}
PLAIN = {
    "fail": "At least one limit was shown to be broken: its whole interval lies outside what the policy "
    "allows. Under this policy the model does not pass.",
    "incomplete": "Evidence that the policy requires is missing, so nothing can be said of the whole. "
    "This is not a pass.",
    "inconclusive": "No limit was shown to be broken, but the evidence does not show that all of them hold. "
    "This is not a pass.",
    "pass": "Every limit that the policy sets and that was measured was shown to hold: its whole interval "
    "lies inside what the policy allows.",
}
PLAIN_WITHOUT_GATE = (
    "Every limit that was measured holds or is waived, but so few items were asked, to try out, that this says little. "
    "This is not a pass."
)
PLAIN_WITH_WAIVERS = (
    "Every limit that the policy sets and that was measured was shown to hold, or is excused by a waiver "
    "that is named below."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """One finding's numbers as text; `value` is empty when there is none."""

    value: str
    interval: str
    limit: str
    n: str
    missing: str
    clusters: str
    chance: str


def rank(verdict: str | None) -> int:
    """The place of a verdict in the order worst first; what has no verdict comes last."""
    return WORST_FIRST.index(verdict) if verdict in WORST_FIRST else len(WORST_FIRST)


def plain(record: Record) -> str:
    """What the whole verdict means, for a reader who knows no statistics."""
    waived = any(one.verdict == "waived" for one in record.findings)
    undecided = any(one.verdict == "inconclusive" for one in record.findings) or not all(
        one.shown for one in record.floors
    )
    if record.verdict == "inconclusive" and not undecided:
        return PLAIN_WITHOUT_GATE
    return PLAIN_WITH_WAIVERS if record.verdict == "pass" and waived else PLAIN[record.verdict]


def by_choice(record: Record) -> str:
    """What is said where the exit code was asked to be milder than the verdict; empty where it was not."""
    if record.fail_on == "inconclusive":
        return ""
    named = "a fail" if record.fail_on == "fail" else "a fail or missing evidence"
    return f"By choice (fail_on: {record.fail_on}) only {named} ends with an exit code other than 0."


def looked(record: Record) -> str:
    """What is said of evidence that was judged more than once."""
    return (
        f"The evidence was judged {len(record.looks)} times. A look by another policy is marked, for that policy was "
        "not set beforehand; a look after items were added is held to a stricter level."
    )


def expired(record: Record) -> tuple[str, ...]:
    """The waivers that have no effect any more, a sentence each, to stand beside the verdict."""
    return tuple(
        f"The waiver of {one.owner} for {one.metric} expired on {one.expires} and has no effect."
        for one in record.waivers
        if one.state == "expired"
    )


def by_chance(record: Record) -> str:
    """How many sound limits may fail by chance: each of m limits errs at most as often as one side does."""
    held = [one for one in record.findings if one.limit and one.value is not None]
    if not held:
        return ""
    side = (1 - max(one.level for one in held)) / 2
    return (
        f"A fail is not corrected for the number of limits: of {len(held)} sound limits, up to "
        f"{len(held)} {TIMES} {side * 100:.3g}{NARROW}% = {len(held) * side:.2g} may fail by chance. A pass "
        f"needs all of them, so a model that truly breaks a limit passes with probability "
        f"{side * 100:.3g}{NARROW}% at most."
    )


def numbers(one: Finding) -> Numbers:
    """The numbers of a finding, all with the same decimals."""
    decimals = places((one.value, one.low, one.high), (one.at_most, one.at_least, *one.range), one.unit)
    if one.low is None or one.high is None:
        interval = ""
    else:
        bare = one.unit if one.unit == "share" else "bare"
        low = amount(one.low, bare, decimals).removesuffix(f"{NARROW}%")
        interval = f"{low} to {amount(one.high, one.unit, decimals)}"
    return Numbers(
        value="" if one.value is None else amount(one.value, one.unit, decimals),
        interval=interval,
        limit=limit(one),
        n=count(one.n),
        missing=count(one.missing),
        clusters=count(one.clusters),
        chance="" if one.chance is None else amount(one.chance, one.unit, decimals),
    )


def noise(one: Finding) -> str:
    """How far a figure moves by chance; empty where the run was not repeated."""
    if one.noise is None:
        return ""
    return f"repeats lie up to {amount(one.noise, one.unit, places((one.noise,), (0.0,), one.unit))} apart"


def limit(one: Finding) -> str:
    """The limit in the finding's own unit; the policy's words where it has no number."""
    either = " either way" if one.worse == "away_from_zero" else ""
    words = []
    if one.at_least is not None:
        words.append(f"at least {bound(one.at_least, one.unit)}")
    if one.at_most is not None:
        words.append(f"at most {bound(one.at_most, one.unit)}{either}")
    return " and ".join(words) or one.limit or ""


def amount(value: float, unit: str, decimals: int) -> str:
    """A number with its unit: shares as per cent; `decimals` are printed."""
    if not math.isfinite(value):
        text = "no bound"
    elif unit == "share":
        text = f"{100 * value:.{decimals}f}{NARROW}%"
    else:
        text = f"{value:,.{decimals}f}" + (f" {unit}" if unit not in ("", "bare", "score") else "")
    return _typeset(text)


def bound(value: float, unit: str) -> str:
    """A limit as the policy wrote it, without padded decimals."""
    if unit == "share":
        return _typeset(f"{100 * value:.6g}{NARROW}%")
    return _typeset(f"{value:g}" + (f" {unit}" if unit not in ("", "score") else ""))


def count(number: int) -> str:
    """A whole number with its thousands apart."""
    return f"{number:,}".replace(",", NARROW)


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def local_name(metric: str) -> str:
    """The name of a metric within its probe, without its groups."""
    return metric.split("[", 1)[0].split(".", 2)[-1]


def group_words(groups: Sequence[tuple[str, str]]) -> str:
    """Groups in words: `name value, name value`."""
    return ", ".join(f"{name} {value}" for name, value in groups)


def _typeset(text: str) -> str:
    text = text.replace(",", NARROW)
    negative = text.startswith("-") and any(digit in "123456789" for digit in text)
    return (MINUS if negative else "") + text.removeprefix("-")


def places(numbers: Sequence[float | None], edges: Sequence[float | None], unit: str) -> int:
    """The decimals to print: enough that no rounding hides on which side of an edge a number lies."""
    scale = 100 if unit == "share" else 1
    shown = [scale * number for number in numbers if number is not None and math.isfinite(number)]
    marks = [scale * edge for edge in edges if edge is not None and math.isfinite(edge)]
    largest = max(map(abs, shown), default=0.0)
    least = 1 if unit == "share" or largest >= 100 else 2 if largest >= 0.1 else 3
    for decimals in range(least, 5):
        if not any(
            round(number, decimals) == round(mark, decimals) and abs(number - mark) >= 5e-5
            for number in shown
            for mark in marks
        ):
            return decimals
    return 4
