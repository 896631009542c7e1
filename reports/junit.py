"""Write a record as JUnit XML, so that a CI system shows each limit as a test.

One suite for each dimension, one case for each limit: fail and inconclusive are failures (of type "fail" and
"inconclusive"), not measured is an error, a waived limit is skipped with the waiver's words, and so is one whose
missing evidence the policy accepts, or whose verdict is milder than what --fail-on names. The last suite, "verdict",
has one case that repeats the verdict of the whole: some reasons for it (a floor that was not shown, a dimension
without evidence) belong to no limit. The file is red exactly when the exit code is not 0. Floors and circumstances
stand as properties.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

from . import escape, wording
from .facts import find
from .policy import stops
from .record import Finding, Record
from .rows import floor_row
from .view import Dimension, dimensions

Outcome = tuple[str, str, str]
"""The element that says it (empty for a success), its type and its message."""

WHOLE: Mapping[str, str] = {"fail": "failure", "inconclusive": "failure", "incomplete": "error", "pass": ""}


def render_junit(*records: Record) -> str:
    """The records as one JUnit XML; verdicts and exit codes are their own. Of several each suite bears its run."""
    root = ElementTree.Element("testsuites", name="slm-audit")
    for record in records:
        _suites(root, record, f"{record.run}: " if len(records) > 1 else "")
    for total in ("tests", "failures", "errors", "skipped"):
        root.set(total, str(sum(int(suite.get(total, "0")) for suite in root)))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suites(root: ElementTree.Element, record: Record, of: str) -> None:
    accepted = _accepted(record)
    for one in dimensions(record, {}):
        cases = [(row.finding, _outcome(row.finding, accepted, record)) for row in one.limits]
        suite = _suite(root, of + one.name, [outcome for _, outcome in cases], record)
        suite.set("time", f"{sum(section.run.seconds for section in one.probes):.3f}")
        _properties(suite, _about(one))
        for finding, outcome in cases:
            name = finding.metric.split(".", 2)[-1]
            _case(suite, finding.probe, f"{name} {wording.limit(finding)}", outcome)
    kind = WHOLE[record.verdict] if record.verdict == "pass" or stops(record.verdict, record.fail_on) else "skipped"
    outcome = (kind, record.verdict, record.summary)
    suite = _suite(root, f"{of}verdict", [outcome], record)
    _properties(suite, _whole(record))
    _case(suite, "slm_audit", f"verdict of the whole, exit code {record.exit_code}", outcome)


def _accepted(record: Record) -> set[str]:
    """The metrics whose missing evidence the policy accepts: only those whose probe did not break."""
    broken = {one.name for one in record.probes if one.status in ("error", "interrupted")}
    limits = record.policy.get("limits")
    named = {
        find(one, "metric")
        for one in (limits if isinstance(limits, Sequence) else ())
        if isinstance(one, Mapping) and one.get("if_not_measured") == "accept"
    }
    return {
        one.metric
        for one in record.findings
        if (one.metric in named and one.probe not in broken) or record.verdict == "pass"
    }


def _outcome(one: Finding, accepted: set[str], record: Record) -> Outcome:
    verdict = one.verdict or "pass"
    if verdict == "not_measured":
        kind = "skipped" if one.metric in accepted or not stops("incomplete", record.fail_on) else "error"
        return kind, verdict, f"not measured: {one.reason or 'no reason was recorded'}"
    words = wording.numbers(one)
    figure = (
        f"{words.value or 'no value'}, {100 * one.level:.4g} % interval {words.interval or 'none'}, limit "
        f"{words.limit}; n {words.n}, missing {words.missing}, clusters {words.clusters}; {one.method}"
    )
    kind = {"fail": "failure", "inconclusive": "failure", "waived": "skipped"}.get(verdict, "")
    if kind == "failure" and not stops(verdict, record.fail_on):
        kind = "skipped"
    return kind, verdict, f"{figure}; {one.reason}" if one.reason else figure


def _suite(root: ElementTree.Element, name: str, outcomes: Sequence[Outcome], record: Record) -> ElementTree.Element:
    kinds = Counter(kind for kind, _, _ in outcomes)
    suite = ElementTree.SubElement(root, "testsuite", name=escape.xml(name), timestamp=escape.xml(record.created))
    suite.set("tests", str(len(outcomes)))
    suite.set("failures", str(kinds["failure"]))
    suite.set("errors", str(kinds["error"]))
    suite.set("skipped", str(kinds["skipped"]))
    return suite


def _case(suite: ElementTree.Element, classname: str, name: str, outcome: Outcome) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=escape.xml(classname), name=escape.xml(name))
    kind, verdict, message = outcome
    if kind == "":
        ElementTree.SubElement(case, "system-out").text = escape.xml(message)
        return
    said = ElementTree.SubElement(case, kind, message=escape.xml(message))
    if kind != "skipped":
        said.set("type", verdict)
        said.text = escape.xml(message)


def _about(one: Dimension) -> list[tuple[str, str]]:
    told = [("worst verdict of its limits", one.verdict or "no limit")]
    for floor in (floor_row(each, "share") for each in one.floors):
        told.append((f"floor {floor.metric} {floor.floor}", f"{floor.word.lower()}, lower bound {floor.low}"))
    for section in one.probes:
        status = f"{section.status.lower()}: {section.run.reason}" if section.run.reason else section.status.lower()
        told.append((f"probe {section.run.name}", status))
    return told


def _whole(record: Record) -> list[tuple[str, str]]:
    told = [("verdict", record.verdict), ("exit code", str(record.exit_code)), ("run", record.run)]
    told += [("policy", find(record.policy, "name")), ("judged afterwards", str(record.judged_afterwards).lower())]
    told += [("expired waiver", one) for one in wording.expired(record)]
    return told + [("not covered", one) for one in record.not_covered]


def _properties(suite: ElementTree.Element, told: Sequence[tuple[str, str]]) -> None:
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in told:
        ElementTree.SubElement(properties, "property", name=escape.xml(name), value=escape.xml(value))
