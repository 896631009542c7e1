"""Each figure leads to the transcripts that tell most of it."""

from __future__ import annotations

from slm_audit.reports.evidence import of_probe, unusable
from slm_audit.reports.record import Finding
from slm_audit.reports.transcripts import Transcript, Turn


def figure(name: str, role: str = "primary", worse: str = "higher") -> Finding:
    return Finding(
        metric=f"robustness.typos.{name}", meaning="", value=0.1, low=0.0, high=0.2, level=0.95, n=9, missing=0,
        clusters=9, range=(0.0, 1.0), unit="share", worse=worse, role=role, method="m",  # type: ignore[arg-type]
        correction="none needed",
    )  # fmt: skip


def said(item: str, arm: str = "", **values: float | None) -> Transcript:
    return Transcript(probe="robustness.typos", item=item, cluster=item, status="judged", values=values, arm=arm)


def items(figures: list[Finding], seen: list[Transcript], name: str) -> list[str]:
    return [one.item for one in of_probe(figures, seen)[f"robustness.typos.{name}"].cards]


def test_a_figure_with_values_of_its_own_shows_the_worst_first() -> None:
    seen = [said("a", rate=0.2), said("b", rate=0.9), said("c", rate=None), said("d", rate=0.5)]
    assert items([figure("rate")], seen, "rate") == ["b", "d", "a"]
    assert items([figure("rate", worse="lower")], seen, "rate") == ["a", "d", "b"]


def test_a_paired_figure_shows_the_items_whose_variants_differ() -> None:
    seen = [said(item, arm, accuracy=value) for item, values in (("same", (1, 1)), ("lost", (1, 0)))
            for arm, value in zip(("clean", "typed"), values, strict=True)]  # fmt: skip
    assert items([figure("drop"), figure("accuracy", "competence", "lower")], seen, "drop")[:2] == ["lost", "lost"]


def test_many_samples_of_one_item_are_not_variants() -> None:
    seen = [said("a", str(at), rate=0.0) for at in range(9)] + [said("b", str(at), rate=at / 9) for at in range(9)]
    block = of_probe([figure("any_of_k", "diagnostic"), figure("rate")], seen)["robustness.typos.any_of_k"]
    assert block.order == "the worst rate first"
    assert block.cards[0].value == "rate = 0.8889"


def test_a_value_of_which_no_figure_says_what_is_worse_is_not_called_worst() -> None:
    seen = [said("a", correct=0.0), said("b", correct=1.0)]
    block = of_probe([figure("rate")], seen)["robustness.typos.rate"]
    assert (block.order, block.cards[0].item) == ("the highest correct first", "b")


def test_figures_with_one_order_share_their_transcripts() -> None:
    found = of_probe([figure("rate"), figure("any", "diagnostic"), figure("all", "diagnostic")], [said("a", rate=1.0)])
    assert len(set(map(id, found.values()))) == 1
    assert {one.anchor for one in found.values()} == {"t-robustness.typos.rate"}


def test_twelve_are_shown_for_a_primary_figure_and_four_for_others() -> None:
    seen = [said(str(at), rate=at / 50, accuracy=at / 50) for at in range(50)]
    figures = [figure("rate"), figure("accuracy", "competence", "lower")]
    assert len(items(figures, seen, "rate")) == 12
    assert len(items(figures, seen, "accuracy")) == 4


def test_nothing_said_is_no_evidence() -> None:
    assert of_probe([figure("rate")], []) == {}


def test_long_text_is_cut_and_the_cut_is_told() -> None:
    turn = Turn(kind="generate", asked="q", reply="r" * 5000, key="k" * 64)
    seen = [Transcript(probe="robustness.typos", item="a", cluster="a", status="judged", values={}, turns=(turn,))]
    (card,) = of_probe([figure("rate")], seen)["robustness.typos.rate"].cards
    assert (len(card.said[0].reply), card.said[0].cut) == (4000, 1000)


def test_unusable_replies_are_those_of_the_dimension_that_were_not_judged() -> None:
    other = Transcript(probe="toxicity.x", item="t", cluster="t", status="empty", values={})
    empty = Transcript(probe="robustness.typos", item="e", cluster="e", status="empty", values={})
    found = unusable("robustness", {"robustness.typos": [said("a", rate=1.0), empty], "toxicity.x": [other]}, "u", "d")
    assert [one.item for one in found.cards] == ["e"]
