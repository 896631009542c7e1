"""Hostile text stays text in every output."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from xml.etree import ElementTree

import pytest
from slm_audit.reports import escape


def test_nothing_that_hides_reorders_or_controls_is_left(hostile: list[str]) -> None:
    for text in hostile:
        shown = escape.visible(text)
        shown.encode()
        assert not [
            one
            for one in shown
            if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp") and one not in "\n\t\u200c\u200d"
        ], repr(text)


def test_every_such_character_of_unicode_is_named() -> None:
    for code in range(0x110000):
        one = chr(code)
        hides = unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp") or code & 0xFFFE == 0xFFFE
        if hides and one not in "\n\t":
            assert escape.visible(f"a{one}b") == f"a«U+{code:04X}»b"


@pytest.mark.parametrize(
    "kept", ["naïve café", "日本語", "\u0645\u06cc\u200c\u062e\u0648\u0627", "👩\u200d🔬", "a\tb\nc", "\u22125 ≤ x"]
)
def test_honest_text_is_left_as_it_is(kept: str) -> None:
    assert escape.visible(kept) == kept


def test_a_joiner_that_joins_nothing_is_shown() -> None:
    assert escape.visible("pass\u200dword") == "pass«U+200D»word"
    assert escape.visible("é\u200b\u200d") == "é«U+200B»«U+200D»"


def test_windows_line_ends_are_line_ends_and_a_lone_return_is_not() -> None:
    assert escape.visible("a\r\nb") == "a\nb"
    assert escape.visible("safe\rforged") == "safe«U+000D»forged"


def test_xml_can_be_read_back(hostile: list[str]) -> None:
    for text in hostile:
        node = ElementTree.Element("a", b=escape.xml(text))
        node.text = escape.xml(text)
        back = ElementTree.fromstring(ElementTree.tostring(node, encoding="utf-8"))
        assert [one.tag for one in back.iter()] == ["a"]
        assert back.text == escape.xml(text)
        assert list(back.attrib) == ["b"]


@pytest.mark.parametrize("way", [escape.markdown, escape.markdown_code])
def test_markdown_gives_neither_markup_nor_links_nor_cells(way: object, hostile: list[str]) -> None:
    reader = pytest.importorskip("markdown_it").MarkdownIt("commonmark").enable("table").enable("strikethrough")
    plain = {
        "table_open",
        "thead_open",
        "tbody_open",
        "tr_open",
        "th_open",
        "td_open",
        "inline",
        "text",
        "paragraph_open",
        "bullet_list_open",
        "list_item_open",
        "code_inline",
    }
    for text in hostile:
        said = way(text)  # type: ignore[operator]
        for page, cells in ((f"| a | b |\n|---|---|\n| {said} | x |\n", 4), (f"- {said}\n", 0), (f"{said}\n", 0)):
            tokens = [inner for token in reader.parse(page) for inner in (token, *(token.children or []))]
            kinds = {one.type for one in tokens if not one.type.endswith("_close")}
            assert kinds <= plain, (text, said, kinds - plain)
            assert sum(one.type in ("th_open", "td_open") for one in tokens) == cells, (text, said)
        assert "://" not in escape.markdown(text)
        assert "www." not in escape.markdown(text).lower()


def test_markdown_keeps_what_was_written(hostile: list[str]) -> None:
    reader = pytest.importorskip("markdown_it").MarkdownIt("commonmark")
    for text in hostile:
        inline = reader.parseInline(escape.markdown(text))[0]
        told = "".join(one.content for one in inline.children or [])
        assert told == " ".join(escape.visible(text).split())


def test_numbers_are_not_mangled_in_markdown() -> None:
    assert escape.markdown("12.61 bits") == "12.61 bits"


def test_rich_sees_no_tag(hostile: list[str]) -> None:
    render = pytest.importorskip("rich.markup").render
    for text in [*hostile, "[red]x", "[/]", "\\[b]", "x\\", "[link=file:///etc]x[/link]", "[bold\n]x"]:
        shown = render(f"[bold]{escape.rich_markup(text)}[/bold]", emoji=False)
        assert shown.plain == escape.visible(text), repr(text)
        assert [str(one.style) for one in shown.spans] == (["bold"] if shown.plain else [])


def test_one_log_entry_stays_one(hostile: list[str]) -> None:
    for text in hostile:
        assert len(f"INFO {escape.log_line(text)}".splitlines()) == 1


def test_terminal_codes_are_shown(hostile: list[str]) -> None:
    for text in hostile:
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", escape.terminal(text))


def test_no_cell_begins_like_a_formula(hostile: list[str]) -> None:
    for text in [*hostile, "=1+1", "+cmd", "-2+3", "@SUM(A1)", " =1+1", "\t=1", "\uff1d1+1", "%0A-1+1"]:
        cell = escape.csv_cell(text)
        sheet = io.StringIO()
        csv.writer(sheet).writerow([cell, "x"])
        assert next(csv.reader(io.StringIO(sheet.getvalue()))) == [cell, "x"]
        assert cell.lstrip()[:1] not in set("=+-@\t\r\uff1d\uff0b\uff0d\uff20"), repr(text)


@pytest.mark.parametrize("number", ["-0.5", "+3", "1e-6", "-12"])
def test_a_negative_number_stays_a_number(number: str) -> None:
    assert escape.csv_cell(number) == number


def test_a_file_name_stays_in_its_folder(hostile: list[str]) -> None:
    for text in [*hostile, "../../etc/passwd", "/etc/passwd", "..", ".", "", "CON", "nul.txt", "a\\b", "a" * 999]:
        name = escape.file_name(text)
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,81}", name), repr(text)
        assert ".." not in name
        assert name.split(".")[0].lower() not in {"con", "nul", "prn", "aux"}


def test_anchors_of_different_names_differ(hostile: list[str]) -> None:
    names = {*hostile, "a b", "a-b", "a.b", "a/b", "fairness.decisions.flip_rate"}
    anchors = {escape.anchor(one) for one in names}
    assert len(anchors) == len({escape.visible(one) for one in names})
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", one) for one in anchors)
    assert escape.anchor("fairness.decisions.flip_rate") == "fairness.decisions.flip_rate"
