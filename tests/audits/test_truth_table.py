"""Every combination of what can befall two limits, against the gate's rules written down a second time as a table.

The first limit, on privacy, may have a floor, a waiver, accepted evidence and a dimension that is required; the second
one stands beside it. Then every output must say the same of each case.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from xml.etree import ElementTree

import pytest
from slm_audit.audits.assemble import Circumstances, record_of
from slm_audit.audits.commands.said import say_verdict
from slm_audit.audits.outputs import render
from slm_audit.audits.seen import Seen
from slm_audit.probes.contract import Estimate
from slm_audit.reports.policy import Floor, Limit, Policy, Waiver
from slm_audit.reports.record import ProbeRun, Record

TODAY = date(2026, 6, 1)
A, B, SKILL = "privacy.a.rate", "toxicity.b.rate", "privacy.c.skill"
LIMIT = 0.2
STATES = {
    # What is seen: low, high, missing of 100, status of the probe. The limit is 0.2.
    "pass": (0.0, 0.1, 0, "measured"),
    "fail": (0.5, 0.6, 0, "measured"),
    "open": (0.1, 0.4, 0, "measured"),
    "thin": (0.0, 0.1, 30, "measured"),
    "unasked": (None, None, 0, "not_measured"),
    "unjudged": (None, None, 0, "measured"),
    "error": (None, None, 0, "error"),
}
FLOORS = {"none": None, "shown": (0.6, 0.7), "not shown": (0.4, 0.6)}
MILDER = {"inconclusive": (), "incomplete": ("inconclusive",), "fail": ("inconclusive", "incomplete")}
"""What `fail_on` lets end with exit code 0; the verdict stays."""

WAIVERS = {"none": None, "wide": (0.7, TODAY), "narrow": (0.3, TODAY), "expired": (0.7, date(2026, 5, 31))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    a: str
    b: str
    floor: str
    waiver: str
    accept: bool
    required: bool
    quick: bool
    fail_on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What the rules demand."""

    a: str
    b: str
    verdict: str
    code: int
    said: str


def cases() -> Iterator[Case]:
    yes_no = (False, True)
    every = itertools.product(STATES, STATES, FLOORS, WAIVERS, yes_no, yes_no, yes_no, MILDER)
    for a, b, floor, waiver, accept, required, quick, fail_on in every:
        yield Case(
            a=a, b=b, floor=floor, waiver=waiver, accept=accept, required=required, quick=quick, fail_on=fail_on
        )  # fmt: skip


PLAIN = {
    "pass": "pass", "fail": "fail", "open": "inconclusive", "thin": "inconclusive",
    "unasked": "not_measured", "unjudged": "not_measured", "error": "not_measured",
}  # fmt: skip
EXCUSED = {("fail", "wide"), ("open", "wide")}
"""A waiver excuses what is bad or undecided up to its bound; 0.1 to 0.4 lies beyond 0.3, thin is missing evidence."""


def due(case: Case) -> Due:
    """The rules of design, read from the top: the first line of `table` that holds decides."""
    a, b = PLAIN[case.a], PLAIN[case.b]
    if (case.a, case.waiver) in EXCUSED:
        a = "waived"
    if case.floor == "not shown" and a in ("pass", "waived"):
        a = "inconclusive"
    accepted = case.accept and case.a in ("unasked", "unjudged")
    missing = [name for name, one in ((A, a), (B, b)) if one == "not_measured" and not (name == A and accepted)]
    uncovered = ["privacy"] if case.required and a == "not_measured" else []
    undecided = (a, b).count("inconclusive")
    hold = f"all {2 - accepted} measured limits hold" if a != "waived" else "pass with 1 waiver"
    table = [
        ("fail", 1, "fail" in (a, b), f"{(a, b).count('fail')} of 2 limits failed"),
        ("incomplete", 4, missing or uncovered, f"required evidence is missing: {', '.join(missing or uncovered)}"),
        (
            "inconclusive", 3, undecided or case.floor == "not shown",
            f"{undecided} of 2 limits undecided, {int(case.floor == 'not shown')} floors not shown",
        ),
        (
            "inconclusive", 3, case.quick,
            "no limit failed, but this suite is for trying out and does not gate; run the standard suite",
        ),
        ("pass", 0, True, hold),
    ]  # fmt: skip
    verdict, code, _, said = next(row for row in table if row[2])
    return Due(a=a, b=b, verdict=verdict, code=0 if verdict in MILDER[case.fail_on] else code, said=said)


def estimate(metric: str, low: float | None, high: float | None, missing: int = 0, **more) -> Estimate:
    fields = {
        "value": None if low is None or high is None else (low + high) / 2, "level": 0.95, "n": 100, "clusters": 100,
        "range": (0.0, 1.0), "unit": "share", "worse": "higher", "role": "primary", "method": "given",
    }  # fmt: skip
    return Estimate(metric=metric, low=low, high=high, missing=missing, **{**fields, **more})


def seen(metric: str, state: str) -> Seen:
    low, high, missing, status = STATES[state]
    name = metric.rsplit(".", 1)[0]
    run = ProbeRun(
        name=name, dimension=name.split(".")[0], question="?", version="1", items=1, items_sha256="", status=status,
        reason="" if status == "measured" else "why not",
    )  # fmt: skip
    return Seen(run=run, estimates=(estimate(metric, low, high, missing),), meanings={})


def record(case: Case) -> Record:
    accepted = {"if_not_measured": "accept", "reason": "there is none"} if case.accept else {}
    excuse = WAIVERS[case.waiver]
    waivers = excuse and (Waiver(metric=A, owner="head", reason="known", expires=excuse[1], at_most=excuse[0]),)
    skill = FLOORS[case.floor]
    policy = Policy(
        name="p",
        confidence=0.95,
        requires=("privacy",) if case.required else (),
        limits=(Limit(metric=A, at_most=LIMIT, **accepted), Limit(metric=B, at_most=LIMIT)),
        floors=(Floor(metric=SKILL, dimensions=("privacy",), at_least=0.5),) if skill else (),
        waivers=waivers or (),
    )
    shown = estimate(SKILL, *(skill or (0.6, 0.7)), worse="lower", role="competence")
    able = replace(seen(SKILL, "pass"), estimates=(shown,))
    about = Circumstances(
        run="r", created="2026-06-01T00:00:00+00:00", seed=0, suite="quick" if case.quick else "standard",
        gates=not case.quick, model={"identity": {"name": "m"}}, environment={}, judged_on=TODAY, level=0.95,
        fail_on=case.fail_on,
    )  # fmt: skip
    return record_of([seen(A, case.a), seen(B, case.b), able], policy, about)


def verdict_of(record: Record, metric: str) -> str | None:
    return next(one.verdict for one in record.findings if one.metric == metric)


def test_the_gate_keeps_the_table() -> None:
    wrong = []
    for case in cases():
        found, expected = record(case), due(case)
        told = Due(
            a=str(verdict_of(found, A)), b=str(verdict_of(found, B)), verdict=found.verdict, code=found.exit_code,
            said=found.summary,
        )  # fmt: skip
        if told != expected:
            wrong.append((case, told, expected))
    assert not wrong, f"{len(wrong)} cases differ, the first: {wrong[0]}"


def one_of_each() -> list[Case]:
    """One case for every outcome of limits, whole, waiver, quick and acceptance that the table has."""
    kinds: dict[object, Case] = {}
    for case in cases():
        told = due(case)
        kinds.setdefault((told, case.waiver, case.floor, case.accept and told.a == "not_measured"), case)
    return list(kinds.values())


WORDS = {
    "pass": "Pass", "fail": "Fail", "inconclusive": "Inconclusive", "incomplete": "Incomplete", "waived": "Waived",
    "not_measured": "Not measured",
}  # fmt: skip


@pytest.mark.slow
def test_every_output_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    sample = one_of_each()
    assert len(sample) > 100
    for case in sample:
        found, expected = record(case), due(case)
        limits = {A: expected.a, B: expected.b}
        for output in (of_json, of_junit, of_markdown, of_html):
            assert output(found) == (expected.verdict, expected.code, limits), (output.__name__, case)
        say_verdict(found)
        told = capsys.readouterr().out
        last = told.rstrip().splitlines()[-1]
        choice = "" if case.fail_on == "inconclusive" else f" (fail_on: {case.fail_on})"
        assert last == f"Verdict: {expected.verdict.upper()}, exit {expected.code}{choice}: {expected.said}"
        texts = [told, *(render(form, found, {}) for form in ("junit", "markdown", "html"))]
        expired = f"The waiver of head for {A} expired on 2026-05-31 and has no effect."
        for text in texts:
            plain = re.sub(r"[\\`]", "", text)
            assert (expired in plain) == (case.waiver == "expired"), case
            assert expected.said in text


Told = tuple[str, int, dict[str, str]]


def of_json(record: Record) -> Told:
    told = json.loads(render("json", record, {}))
    limits = {one["metric"]: one["verdict"] for one in told["findings"] if one["limit"]}
    return told["verdict"], told["exit_code"], limits


def of_junit(record: Record) -> Told:
    """JUnit has three marks: red for what is bad, skipped for what is excused; the type tells which."""
    root = ElementTree.fromstring(render("junit", record, {}).encode())
    red = int(root.get("failures", 0)) + int(root.get("errors", 0))
    whole = {one.get("name"): one.get("value") for one in root.findall("testsuite[@name='verdict']//property")}
    assert (red == 0) == (whole["exit code"] == "0"), "the file is red exactly when the exit code is not 0"
    limits = {}
    for metric in (A, B):
        probe, name = metric.rsplit(".", 1)
        (case,) = [
            one for one in root.iter("testcase") if one.get("classname") == probe and name in one.get("name", "")
        ]
        (mark,) = case
        said = mark.get("message", "")
        skipped = (
            "not_measured" if said.startswith("not measured") else "waived" if "waived by" in said else "inconclusive"
        )
        limits[metric] = {"system-out": "pass", "skipped": skipped}.get(mark.tag) or mark.get("type", "")
    return str(whole["verdict"]), int(whole["exit code"] or ""), limits


def of_markdown(record: Record) -> Told:
    text = render("markdown", record, {})
    head = re.search(r"^\*\*(.+?)\*\*, exit code (\d+):", text, re.MULTILINE)
    assert head is not None
    rows = re.findall(r"^\| ([A-Z][a-z ]+) \| `([a-z.]+)` \| at most", text, re.MULTILINE)
    return key(head[1]), int(head[2]), {metric: key(word) for word, metric in rows}


def of_html(record: Record) -> Told:
    text = render("html", record, {})
    head = re.search(r'class="whole v-(\w+)">.*?class="big">([^<]+)<.*?Exit code (\d+)\.', text, re.DOTALL)
    assert head is not None
    assert key(head[2]) == head[1]
    table = text[text.index('id="h-limits"') : text.index("<section", text.index('id="h-limits"'))]
    row = r'class="verdict v-(\w+)">.*?<span>([^<]+)</span></span></td>.*?<code>([a-z.]+)</code>'
    rows = re.findall(row, table, re.DOTALL)
    assert all(key(word) == kind for kind, word, _ in rows)
    return head[1], int(head[3]), {metric: kind for kind, _, metric in rows}


def key(word: str) -> str:
    return next(name for name, said in WORDS.items() if said == word)
