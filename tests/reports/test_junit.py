"""The JUnit file is red exactly when the exit code is not 0."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from slm_audit.audits.gate import exit_code
from slm_audit.reports.junit import render_junit
from slm_audit.reports.record import Record

Sample = Callable[..., tuple[Record, list[object]]]


def read(record: Record) -> ElementTree.Element:
    return ElementTree.fromstring(render_junit(record).encode())


def test_counts_are_those_of_the_cases(sample: Sample) -> None:
    root = read(sample()[0])
    for suite in root:
        cases = suite.findall("testcase")
        assert suite.get("tests") == str(len(cases))
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert suite.get(name) == str(sum(case.find(tag) is not None for case in cases))
            assert root.get(name) == str(len(root.findall(f"testsuite/testcase/{tag}")))


def test_each_limit_is_one_case_and_the_whole_is_another(sample: Sample) -> None:
    record, _ = sample()
    root = read(record)
    names = [suite.get("name") for suite in root]
    assert names == ["robustness", "fairness", "privacy", "hallucination", "toxicity", "verdict"]
    assert len(root.findall("testsuite/testcase")) == 1 + sum(one.limit is not None for one in record.findings)


@pytest.mark.parametrize(
    ("metric", "tag", "kind"),
    [
        ("fairness.decisions flip_rate", "failure", "fail"),
        ("robustness.attack success_rate", "failure", "inconclusive"),
        ("privacy.secret_in_context leak_rate", "error", "not_measured"),
        ("robustness.typos accuracy_drop", "skipped", None),
        ("fairness.decisions mean_gap", "system-out", None),
    ],
)
def test_every_verdict_has_its_element(sample: Sample, metric: str, tag: str, kind: str | None) -> None:
    classname, name = metric.split()
    (case,) = [
        one
        for one in read(sample()[0]).iter("testcase")
        if one.get("classname") == classname and (one.get("name") or "").startswith(name)
    ]
    (said,) = case
    assert (said.tag, said.get("type")) == (tag, kind)


@pytest.mark.parametrize(
    ("verdict", "code", "failures", "errors"),
    [("pass", 0, 0, 0), ("fail", 1, 1, 0), ("inconclusive", 3, 1, 0), ("incomplete", 4, 0, 1)],
)
def test_the_whole_is_told_where_no_limit_tells_it(
    sample: Sample, verdict: str, code: int, failures: int, errors: int
) -> None:
    record, _ = sample(verdict=verdict, exit_code=code)
    quiet = dataclasses.replace(
        record, findings=tuple(one for one in record.findings if one.verdict in ("pass", "waived", None))
    )
    root = read(quiet)
    assert (root.get("failures"), root.get("errors")) == (str(failures), str(errors))
    case = root.find("testsuite[@name='verdict']/testcase")
    assert case is not None and f"exit code {code}" in (case.get("name") or "")


def test_missing_evidence_that_the_policy_accepts_is_skipped(sample: Sample) -> None:
    limits = [{"metric": "privacy.secret_in_context.leak_rate", "if_not_measured": "accept"}]
    record, _ = sample(policy={"name": "p", "confidence": 0.95, "limits": limits})
    assert read(record).get("errors") == "0"
    broken = tuple(dataclasses.replace(one, status="error") for one in record.probes)
    assert read(dataclasses.replace(record, probes=broken)).get("errors") == "1"


def test_floors_and_circumstances_are_properties(sample: Sample) -> None:
    root = read(sample(judged_afterwards=True)[0])
    told = {one.get("name"): one.get("value") for one in root.iter("property")}
    assert told["judged afterwards"] == "true"
    assert told["exit code"] == "1"
    assert (told["floor hallucination.closed_book.accuracy at least 0.6"] or "").startswith("not shown")


def test_hostile_text_stays_text(sample: Sample, hostile: list[str]) -> None:
    tags = [one.tag for one in read(sample()[0]).iter()]
    for bad in hostile:
        assert [one.tag for one in read(sample(lambda text, bad=bad: f"{bad}x")[0]).iter()] == tags


@pytest.mark.parametrize("fail_on", ["inconclusive", "incomplete", "fail"])
@pytest.mark.parametrize("verdict", ["pass", "inconclusive", "incomplete", "fail"])
def test_with_a_chosen_exit_code_the_file_is_still_red_exactly_when_the_code_is_not_0(
    sample: Sample, verdict: str, fail_on: str
) -> None:
    code = exit_code(verdict, fail_on)  # type: ignore[arg-type]
    of_limits = {"pass": "pass", "inconclusive": "inconclusive", "incomplete": "not_measured", "fail": "fail"}
    findings = tuple(
        dataclasses.replace(one, verdict=of_limits[verdict] if one.limit else None) for one in sample()[0].findings
    )
    record, _ = sample(verdict=verdict, exit_code=code, fail_on=fail_on, findings=findings)
    root = read(record)
    assert (int(root.get("failures", 0)) + int(root.get("errors", 0)) > 0) == (code != 0)
