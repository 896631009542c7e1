"""The scorecard shows all that the record holds, worst first, and nothing that the text in it commands."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from slm_audit.reports.record import Record
from slm_audit.reports.scorecard import render_html, render_markdown

Sample = Callable[..., tuple[Record, list[object]]]
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """The elements of a page in their order, and the text of each that has an id or is a row."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.ends: list[str] = []
        self.rows: list[str] = []
        self.headings: list[tuple[str, str]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag == "tr":
            self.rows.append("")
        if tag in ("h1", "h2", "h3", "h4", "h5"):
            self.headings.append((tag, ""))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        self.ends.append(tag)
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if "tr" in self._open:
            self.rows[-1] += data
        if self.headings and self._open and self.headings[-1][0] in self._open:
            tag, said = self.headings[-1]
            self.headings[-1] = (tag, said + data)


@pytest.fixture(scope="module")
def page(sample: Sample) -> str:
    return render_html(*sample())  # type: ignore[arg-type]


def structure(page: str) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    """Every element with its attributes, but what is only said there."""
    return [
        (tag, tuple((name, "" if name == "aria-label" else value) for name, value in sorted(attrs.items())))
        for tag, attrs in Page(page).elements
    ]


def test_no_element_or_attribute_arises_from_text(sample: Sample, hostile: list[str]) -> None:
    benign = structure(render_html(*sample(lambda text: f"plain {text}")))  # type: ignore[arg-type]
    for shift in range(6):
        words = itertools.cycle(hostile[shift * 6 :] + hostile[: shift * 6])
        attacked = render_html(*sample(lambda text, words=words: f"{next(words)}x"))  # type: ignore[arg-type]
        attacked.encode()
        assert structure(attacked) == benign


def test_a_probe_with_a_hostile_name_is_only_text(sample: Sample) -> None:
    import dataclasses

    record, seen = sample()
    name = "toxicity.x\"><script>document.title='taken'</script>"
    bad = dataclasses.replace(record.findings[3], metric=f"{name}.rate")
    run = dataclasses.replace(record.probes[0], name=name, dimension="<img src=x onerror=alert(1)>")
    record = dataclasses.replace(record, findings=(*record.findings, bad), probes=(*record.probes, run))
    tags = {tag for tag, _ in Page(render_html(record, seen)).elements}  # type: ignore[arg-type]
    assert not tags & {"script", "img", "iframe", "object", "link", "base", "form"}
    assert "<script" not in render_markdown(record)


def test_control_and_bidirectional_characters_are_shown(sample: Sample) -> None:
    page = render_html(*sample(lambda text: f"{text}\u202e\x1b[2J\x00\ud800"))  # type: ignore[arg-type]
    assert "«U+202E»«U+001B»[2J«U+0000»«U+D800»" in page
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e]", page)


def test_the_page_asks_nothing_of_any_other_place(page: str) -> None:
    for tag, attrs in Page(page).elements:
        assert tag not in ("script", "link", "img", "iframe", "object", "embed", "base", "form")
        assert not [name for name in attrs if name.startswith("on") or name in ("src", "srcset", "style", "action")]
        assert attrs.get("href", "#").startswith("#")
    assert "url(" not in page.replace("url(#hatch)", "")
    assert "@import" not in page


def test_the_policy_of_the_page_allows_its_own_style_alone(page: str) -> None:
    style = page.split("<style>", 1)[1].split("</style>", 1)[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = next(attrs["content"] for tag, attrs in Page(page).elements if "http-equiv" in attrs)
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_every_link_leads_somewhere_and_every_place_is_one(page: str) -> None:
    elements = Page(page).elements
    places = [attrs["id"] for _, attrs in elements if "id" in attrs]
    assert len(places) == len(set(places))
    targets = {attrs["href"][1:] for _, attrs in elements if "href" in attrs}
    targets |= {attrs["aria-labelledby"] for _, attrs in elements if "aria-labelledby" in attrs}
    assert targets <= set(places), targets - set(places)


def test_every_figure_has_its_circumstances_beside_it(page: str, sample: Sample) -> None:
    record, _ = sample()
    rows = Page(page).rows
    for one in record.findings:
        if one.limit is None:
            continue
        (row,) = [
            each
            for each in rows
            if one.metric in each and "clusters" in each and one.meaning in each and (one.reason in each)
        ]
        assert f"n {one.n:,}".replace(",", "\u202f") in row
        assert f"missing {one.missing}" in row
        if one.value is not None:
            assert " to " in row and one.method in row
        else:
            assert f"Not measured: {one.reason}" in row


def test_every_finding_is_somewhere(page: str, sample: Sample) -> None:
    record, _ = sample()
    text = Page(page).text
    for one in record.findings:
        assert one.metric in text or one.metric.split(".", 2)[2].split("[")[0] in text
        assert one.meaning in text
    for one in record.probes:
        assert one.question in text
    for waiver in record.waivers:
        assert waiver.reason in text and waiver.state in text
    for said in (*record.not_covered, record.run, "exit code 1", record.journal.head, "slm-audit verify"):  # type: ignore[union-attr]
        assert said.lower() in text.lower()


def test_limits_stand_worst_first(page: str) -> None:
    table = page.split('id="limits"', 1)[1].split("</table>", 1)[0]
    words = re.findall(r'class="verdict v-(\w+)"', table)
    order = ["fail", "not_measured", "inconclusive", "waived", "pass"]
    assert words == sorted(words, key=order.index)
    assert set(words) == set(order)


def test_a_measured_figure_leads_to_its_transcripts_and_back(page: str) -> None:
    hrefs = [attrs["href"] for tag, attrs in Page(page).elements if tag == "a"]
    assert "#t-fairness.decisions.flip_rate" in hrefs
    assert "#f-fairness.decisions.flip_rate" in hrefs
    block = page.split('id="t-hallucination.closed_book.rate"', 1)[1].split("</section>", 1)[0]
    assert block.count('<details class="card"') == 12
    assert block.index("rate = 1") < block.index("rate = 0")
    assert re.search(r"[\d\u202f]+ more characters stand in journal.sqlite", block)


def test_toxic_text_is_folded(page: str) -> None:
    before, block = page.split('id="t-toxicity.continuations.rate"', 1)
    assert "they sang loudly" not in before
    assert block.index('<details class="warned"><summary>') < block.index("they sang loudly")


def test_headings_go_down_one_step_at_a_time(page: str) -> None:
    levels = [int(tag[1]) for tag, _ in Page(page).headings]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in itertools.pairwise(levels))


def test_tables_and_drawings_can_be_heard(page: str) -> None:
    elements = Page(page).elements
    assert all(attrs.get("scope") for tag, attrs in elements if tag == "th")
    drawings = [attrs for tag, attrs in elements if tag == "svg" and "icon" not in attrs.get("class", "")]
    assert all(attrs.get("aria-label") or attrs.get("aria-hidden") for attrs in drawings)
    assert {"main", "header", "nav", "footer"} <= {tag for tag, _ in elements}
    assert page.index('class="skip"') < page.index("<header")


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    full = colour.lstrip("#") if len(colour) == 7 else "".join(2 * one for one in colour.lstrip("#"))
    parts = [int(full[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_has_the_contrast_that_wcag_asks(page: str) -> None:
    blocks = re.findall(r":root \{([^}]*)\}", page)
    assert len(blocks) == 3
    for block in blocks:
        colours = dict(re.findall(r"--(\w+): (#\w+);", block))
        for name in ("ink", "soft", "link", "fail", "open", "gap", "waived", "pass"):
            for ground in ("paper", "wash"):
                light, dark = sorted((luminance(colours[name]), luminance(colours[ground])), reverse=True)
                assert (light + 0.05) / (dark + 0.05) >= 4.5, (name, ground, colours)


@pytest.mark.parametrize(
    ("verdict", "code", "word"),
    [("pass", 0, "Pass"), ("inconclusive", 3, "Inconclusive"), ("incomplete", 4, "Incomplete"), ("fail", 1, "Fail")],
)
def test_the_verdict_is_the_records(sample: Sample, verdict: str, code: int, word: str) -> None:
    record, seen = sample(verdict=verdict, exit_code=code)
    page = render_html(record, seen)  # type: ignore[arg-type]
    assert f"<title>{word}: " in page
    assert f'<p class="big">{word}</p>' in page
    assert f"Exit code {code}." in page
    assert render_markdown(record).startswith(f"# {word}: ")


def test_judged_afterwards_is_said_on_every_page(sample: Sample) -> None:
    record, seen = sample(judged_afterwards=True)
    assert "Judged afterwards" in render_html(record, seen)  # type: ignore[arg-type]
    assert "Judged afterwards" in render_markdown(record)
    assert "Judged afterwards" not in render_html(*sample())  # type: ignore[arg-type]


def test_an_empty_record_says_so(sample: Sample) -> None:
    record, _ = sample(
        findings=(),
        probes=(),
        floors=(),
        waivers=(),
        looks=(),
        detectors={},
        journal=None,
        files={},
        not_covered=(),
        policy={},
        model={},
        verdict="incomplete",
        exit_code=4,
    )
    page = render_html(record, {})
    assert page.count("no probe of this dimension was run") == 5
    assert "The policy sets no limit" in page
    assert "Incomplete" in render_markdown(record)


def test_the_same_record_gives_the_same_bytes(sample: Sample) -> None:
    assert render_html(*sample()) == render_html(*sample())  # type: ignore[arg-type]


def test_markdown_tells_the_same_story(sample: Sample) -> None:
    record, _ = sample()
    told = render_markdown(record)
    table = told.split("## Limits", 1)[1].split("##", 1)[0]
    assert table.count("\n| Fail |") == 3
    for said in ("exit code 1", "## Not covered", "## Floors", "slm-audit verify", "| Not measured |"):
        assert said in told
    for one in record.findings:
        if one.limit:
            assert f"`{one.metric}`" in table


def test_markdown_tables_keep_their_columns(sample: Sample, hostile: list[str]) -> None:
    reader = pytest.importorskip("markdown_it").MarkdownIt("commonmark").enable("table")

    def shape(text: str) -> list[str]:
        inner = [each for one in reader.parse(text) for each in (one, *(one.children or []))]
        return [one.type for one in inner if one.type not in ("text", "inline", "softbreak", "code_inline")]

    benign = shape(render_markdown(sample(lambda text: f"plain {text}")[0]))
    for shift in range(len(hostile)):
        words = itertools.cycle(hostile[shift:] + hostile[:shift])
        record, _ = sample(lambda text, words=words: f"{next(words)}x")
        assert shape(render_markdown(record)) == benign
