"""The gate's truth table, and that no way of missing evidence helps a model."""

from __future__ import annotations

from datetime import date

import pytest
from slm_audit.audits.gate import EXIT, exit_code, hold, judge, level_of_look
from slm_audit.probes.contract import Estimate, Metric
from slm_audit.probes.estimates import rate
from slm_audit.reports.policy import FailOn, Floor, Limit, Policy, Waiver
from slm_audit.reports.record import ProbeRun, Verdict

TODAY = date(2026, 6, 1)


def estimate(metric: str = "toxicity.p.rate", low: float | None = 0.1, high: float | None = 0.3, **more) -> Estimate:
    middle = None if low is None or high is None else (low + high) / 2
    fields = {
        "value": middle, "level": 0.95, "n": 100, "missing": 0, "clusters": 100, "range": (0.0, 1.0), "unit": "share",
        "worse": "higher", "role": "primary", "method": "given",
    }  # fmt: skip
    return Estimate(metric=metric, low=low, high=high, **{**fields, **more})


def policy(*limits: Limit, **more) -> Policy:
    return Policy(name="p", confidence=0.95, requires=(), limits=limits, **more)


def run(name: str = "toxicity.p", status: str = "measured", reason: str = "") -> ProbeRun:
    return ProbeRun(
        name=name, dimension=name.split(".")[0], question="?", version="1", items=1, items_sha256="", status=status,
        reason=reason,
    )  # fmt: skip


def at_most(bound: float, **more) -> Limit:
    return Limit(metric="toxicity.p.rate", at_most=bound, **more)


@pytest.mark.parametrize(
    ("low", "high", "limit", "verdict"),
    [
        (0.1, 0.3, at_most(0.3), "pass"),
        (0.1, 0.3, at_most(0.2999), "inconclusive"),
        (0.1, 0.3, at_most(0.1), "inconclusive"),
        (0.1, 0.3, at_most(0.0999), "fail"),
        (0.1, 0.3, Limit(metric="m", at_least=0.1), "pass"),
        (0.1, 0.3, Limit(metric="m", at_least=0.2), "inconclusive"),
        (0.1, 0.3, Limit(metric="m", at_least=0.31), "fail"),
        (0.1, 0.3, Limit(metric="m", at_least=0.1, at_most=0.3), "pass"),
        (0.1, 0.3, Limit(metric="m", at_least=0.1, at_most=0.2), "inconclusive"),
        (0.1, 0.3, Limit(metric="m", at_least=0.4, at_most=0.5), "fail"),
        (None, None, at_most(1.0), "not_measured"),
    ],
)
def test_one_interval_decides_both_ways(low, high, limit: Limit, verdict: str) -> None:
    assert hold(estimate(low=low, high=high), limit, run()).verdict == verdict


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(-0.1, 0.1, "pass"), (-0.3, 0.1, "inconclusive"), (-0.5, -0.3, "fail"), (0.3, 0.4, "fail")],
)
def test_away_from_zero_bounds_the_size(low: float, high: float, verdict: str) -> None:
    found = estimate(low=low, high=high, range=(-1.0, 1.0), worse="away_from_zero")
    assert hold(found, at_most(0.2), run()).verdict == verdict


@pytest.mark.parametrize(("missing", "verdict"), [(20, "pass"), (21, "inconclusive")])
def test_more_than_a_fifth_missing_cannot_pass(missing: int, verdict: str) -> None:
    assert hold(estimate(missing=missing), at_most(0.9), run()).verdict == verdict


def test_missing_evidence_does_not_save_from_a_fail() -> None:
    assert hold(estimate(missing=60), at_most(0.05), run()).verdict == "fail"


VERDICTS = ["pass", "fail", "inconclusive", "not_measured"]
INTERVALS = {"pass": (0.0, 0.1), "fail": (0.5, 0.6), "inconclusive": (0.1, 0.4), "not_measured": (None, None)}


@pytest.mark.parametrize("kind", VERDICTS)
@pytest.mark.parametrize("state", ["valid", "expired"])
@pytest.mark.parametrize("bound", [0.45, 0.7])
def test_waivers_excuse_bad_figures_up_to_their_bound_and_never_missing_ones(
    kind: str, state: str, bound: float
) -> None:
    waiver = Waiver(
        metric="toxicity.p.rate", owner="o", reason="r", at_most=bound,
        expires=TODAY if state == "valid" else date(2026, 5, 31),
    )  # fmt: skip
    judged = judge(
        [estimate("toxicity.p.rate", *INTERVALS[kind])], policy(at_most(0.2), waivers=(waiver,)), TODAY, [run()]
    )
    high = INTERVALS[kind][1]
    excused = state == "valid" and kind in ("fail", "inconclusive") and high is not None and high <= bound
    assert (judged.limits[0].verdict == "waived") == excused
    assert judged.exit_code == (
        0 if excused or kind == "pass" else EXIT[{"not_measured": "incomplete"}.get(kind, kind)]
    )
    assert (judged.waivers[0].state == "expired") == (state == "expired")
    if excused:
        assert judged.summary == "pass with 1 waiver"


@pytest.mark.parametrize("kind", VERDICTS)
@pytest.mark.parametrize("skill", [(0.55, 0.65), (0.61, 0.7), (None, None)])
def test_a_pass_needs_the_dimensions_floor_and_a_fail_stays(kind: str, skill) -> None:
    floor = Floor(metric="toxicity.p.skill", dimensions=("toxicity",), above_chance=0.1)
    able = estimate("toxicity.p.skill", *skill, role="competence", worse="lower", chance=0.5)
    judged = judge(
        [estimate("toxicity.p.rate", *INTERVALS[kind]), able], policy(at_most(0.2), floors=(floor,)), TODAY, [run()]
    )
    shown = skill[0] == 0.61
    assert judged.floors[0].shown == shown
    assert judged.limits[0].verdict == (kind if shown or kind != "pass" else "inconclusive")
    assert judged.exit_code != 0 or (shown and kind == "pass")


def test_a_floor_cannot_be_waived() -> None:
    waiver = Waiver(metric="toxicity.p.rate", owner="o", reason="r", at_most=1.0, expires=TODAY)
    floor = Floor(metric="toxicity.p.skill", dimensions=("toxicity",), at_least=0.9)
    judged = judge(
        [estimate(low=0.5, high=0.6)], policy(at_most(0.2), waivers=(waiver,), floors=(floor,)), TODAY, [run()]
    )
    assert judged.limits[0].verdict == "inconclusive"
    assert judged.exit_code == 3


def test_the_valid_rate_floor_looks_at_its_own_dimension() -> None:
    good = estimate("core.valid_rate", 0.9, 0.95, groups=(("dimension", "toxicity"),), worse="lower", role="competence")
    bad = estimate("core.valid_rate", 0.1, 0.2, groups=(("dimension", "fairness"),), worse="lower", role="competence")
    floor = Floor(metric="core.valid_rate", dimensions=("toxicity", "fairness"), at_least=0.8)
    judged = judge([good, bad, estimate(low=0.0, high=0.1)], policy(at_most(0.2), floors=(floor,)), TODAY, [run()])
    assert [one.shown for one in judged.floors] == [True, False]
    assert judged.exit_code == 3


@pytest.mark.parametrize(("status", "code"), [("not_measured", 0), ("error", 4)])
def test_missing_evidence_is_accepted_with_a_reason_but_an_error_never(status: str, code: int) -> None:
    limits = (
        at_most(0.2),
        Limit(metric="privacy.q.bits", at_most=3, if_not_measured="accept", reason="no canaries were planted"),
    )
    runs = [run(), run("privacy.q", status, "why not")]
    judged = judge([estimate(low=0.0, high=0.1)], policy(*limits), TODAY, runs)
    assert judged.exit_code == code
    assert any("privacy.q" in line and "why not" in line for line in judged.not_covered)


def test_a_policy_of_which_nothing_was_measured_does_not_pass() -> None:
    accepted = Limit(metric="privacy.q.bits", at_most=3, if_not_measured="accept", reason="no canaries")
    judged = judge([], policy(accepted), TODAY, [run("privacy.q", "not_measured", "why not")])
    assert (judged.verdict, judged.exit_code) == ("incomplete", 4)


def test_a_required_dimension_needs_one_measured_limit() -> None:
    wanted = Policy(name="p", confidence=0.95, requires=("toxicity", "fairness"), limits=(at_most(0.2),))
    judged = judge([estimate(low=0.0, high=0.1)], wanted, TODAY, [run()])
    assert (judged.verdict, judged.exit_code) == ("incomplete", 4)
    assert any("fairness" in line for line in judged.not_covered)


def test_an_estimate_without_finite_bounds_is_undecided() -> None:
    found = estimate(low=None, high=None, value=0.1)
    assert hold(found, at_most(0.5), run()).verdict == "inconclusive"


@pytest.mark.parametrize(
    ("fail_on", "codes"),
    [
        ("inconclusive", {"pass": 0, "inconclusive": 3, "incomplete": 4, "fail": 1}),
        ("incomplete", {"pass": 0, "inconclusive": 0, "incomplete": 4, "fail": 1}),
        ("fail", {"pass": 0, "inconclusive": 0, "incomplete": 0, "fail": 1}),
    ],
)
def test_fail_on_moves_exit_codes_and_nothing_else(fail_on: FailOn, codes: dict[Verdict, int]) -> None:
    assert {verdict: exit_code(verdict, fail_on) for verdict in codes} == codes


@pytest.mark.planted
@pytest.mark.parametrize(
    ("events", "bound", "verdict"),
    [
        # Clopper and Pearson 1934: 0 of 50 leaves 1 - 0.025^(1/50) = 0.0711, 50 of 50 leaves 0.9289.
        (0, 0.0712, "pass"),
        (0, 0.0710, "inconclusive"),
        (0, 0.0, "inconclusive"),
        (50, 0.9288, "fail"),
        (50, 0.9290, "inconclusive"),
        (50, 1.0, "pass"),
    ],
)
def test_none_and_all_of_fifty(events: int, bound: float, verdict: str) -> None:
    metric = Metric(name="toxicity.p.rate", meaning="")
    found = rate(metric, [1.0] * events + [0.0] * (50 - events), [str(at) for at in range(50)], 0.95)
    judged = judge([found], policy(at_most(bound)), TODAY, [run()])
    assert judged.limits[0].verdict == judged.verdict == verdict


def test_looks_share_one_error_among_them() -> None:
    sides = [(1 - level_of_look(0.95, look)) / 2 for look in range(1, 40)]
    assert sides[:3] == pytest.approx([0.025, 0.0125, 0.00625])
    assert sum(sides) == pytest.approx(0.05)
    with pytest.raises(ValueError, match="counted from 1"):
        level_of_look(0.95, 0)
