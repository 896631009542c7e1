"""Render a comparison as a page, HTML or Markdown, and as JUnit; it shows what the gate decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..probes.contract import JSON
from . import wording
from .cards import Card, card
from .compared import Called, Compared, Comparison, Delta, Flip, Flips
from .escape import anchor
from .facts import Pairs, find, moment
from .pages import render_page, render_text
from .record import Finding
from .rows import FloorRow, Row, floor_row, row, worst
from .transcripts import Transcript

PLAIN = {
    "fail": "At least one figure was shown to have become worse by more than its margin.",
    "incomplete": "A difference that the policy asks for could not be measured. This is not a pass.",
    "inconclusive": "No figure was shown to break its margin, but the evidence does not show that all keep it. "
    "This is not a pass.",
    "pass": "Every difference that has a margin was shown to keep it: its whole interval lies inside.",
}
CALLED: dict[Called, str] = {
    "worse": "Worse",
    "better": "Better",
    "within noise": "Within the noise",
    "not shown": "Not shown to differ",
    "not measured": "Not measured",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRow:
    """One difference `of` a figure as it is shown: `row` has its interval and margin, the rest stands beside them."""

    row: Row
    of: str
    base: str
    variant: str
    adjusted: str
    noise: str
    called: str
    equivalent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlipCards:
    """One asking whose outcome changed, with what was said on either side."""

    item: str
    became: str
    base: tuple[Card, ...]
    variant: tuple[Card, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """One flip matrix as it is shown."""

    flips: Flips
    p: str
    offends: bool
    cards: tuple[FlipCards, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One variant as it is shown."""

    compared: Compared
    anchor: str
    name: str
    word: str
    plain: str
    noisy: bool
    limits: tuple[MoveRow, ...]
    wholes: tuple[MoveRow, ...]
    groups: tuple[MoveRow, ...]
    floors: tuple[FloorRow, ...]
    matrices: tuple[Matrix, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """All that a template shows beside the comparison itself."""

    base: str
    word: str
    plain: str
    by_choice: str
    head: Pairs
    variants: tuple[Variant, ...]


def render_html(comparison: Comparison) -> str:
    """The comparison as one HTML file that asks nothing of any other place and runs no script."""
    return render_page("comparison.html.j2", schema=comparison.schema, comparison=comparison, page=_page(comparison))


def render_markdown(comparison: Comparison) -> str:
    """The same story, short, as Markdown."""
    return render_text("comparison.md.j2", comparison=comparison, page=_page(comparison))


def _page(comparison: Comparison) -> Page:
    variants = tuple(_variant(one, f"v{at}") for at, one in enumerate(comparison.variants, start=1))
    first = comparison.variants[0].record
    level = next((one.level for one in first.findings), None)
    head = (
        ("Base", f"{_name(comparison.base.model)}, run {comparison.base.run}"),
        *(("Variant", f"{one.name}, run {one.compared.variant.run}") for one in variants),
        ("Margins", f"policy {find(first.policy, 'name')}, SHA-256 {find(first.policy, 'sha256')[:16]}\u2026"),
        ("Compared", moment(comparison.created)),
        ("Intervals", f"{100 * level:.6g}{wording.NARROW}% confidence" if level is not None else ""),
    )
    return Page(
        base=_name(comparison.base.model),
        word=wording.WORDS[comparison.verdict],
        plain=PLAIN[comparison.verdict],
        by_choice=wording.by_choice(first),
        head=tuple(pair for pair in head if pair[1]),
        variants=variants,
    )


def _variant(one: Compared, place: str) -> Variant:
    findings = {each.metric: each for each in one.record.findings}
    rows = [_move(each, findings[each.metric], place) for each in one.deltas]
    order = [each.finding.metric for each in worst(each.row for each in rows if each.row.finding.limit)]
    by_name = {each.row.finding.metric: each for each in rows}
    units = {each.metric: each.unit for each in one.record.findings}
    return Variant(
        compared=one,
        anchor=place,
        name=_name(one.variant.model),
        word=wording.WORDS[one.record.verdict],
        plain=PLAIN[one.record.verdict],
        noisy=any(each.noise for each in rows),
        limits=tuple(by_name[name] for name in order),
        wholes=tuple(each for each in rows if not each.row.finding.groups),
        groups=tuple(each for each in rows if each.row.finding.groups),
        floors=tuple(floor_row(each, units.get(each.metric, "share")) for each in one.record.floors),
        matrices=tuple(_matrix(each) for each in one.flips),
    )


def _move(delta: Delta, finding: Finding, place: str) -> MoveRow:
    decimals = wording.places((delta.base, delta.variant, finding.value), (0.0,), finding.unit)

    def told(number: float | None) -> str:
        return "" if number is None else wording.amount(number, finding.unit, decimals)

    return MoveRow(
        row=row(finding, f"{place}-{anchor(finding.metric)}", ""),
        of=finding.metric.replace(".delta", "", 1),
        base=told(delta.base),
        variant=told(delta.variant),
        adjusted="" if delta.adjusted is None else f"{delta.adjusted:.2g}",
        noise=told(delta.noise),
        called=CALLED[delta.called],
        equivalent="" if delta.equivalent is None else "yes" if delta.equivalent else "no",
    )


def _matrix(one: Flips) -> Matrix:
    return Matrix(
        flips=one,
        p="" if one.p is None else f"{one.p:.2g}",
        offends=one.metric.startswith("toxicity."),
        cards=tuple(_flip(each, one.metric) for each in one.flips),
    )


def _flip(one: Flip, metric: str) -> FlipCards:
    name = wording.local_name(metric)
    return FlipCards(
        item=", ".join(filter(None, (one.item, one.part, one.arm))),
        became=f"{name} {one.base:g} \u2192 {one.variant:g}",
        base=_cards(one.base_said),
        variant=_cards(one.variant_said),
    )


def _cards(said: Sequence[Transcript]) -> tuple[Card, ...]:
    return tuple(card(each) for each in said)


def _name(model: Mapping[str, JSON]) -> str:
    return find(model, "name") or "a model without a name"
