"""Minutes become clusters once: what is gated goes first, what does not fit is named, and the counts are journalled."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slm_audit import Scripted
from slm_audit.audits import engine
from slm_audit.audits.asking import Silent
from slm_audit.audits.budget import allot
from slm_audit.audits.forecast import Cost
from slm_audit.audits.plan import check_plan
from slm_audit.audits.power import Need
from slm_audit.audits.prospect import Outlook, Prospect
from slm_audit.audits.sampling import Spent
from slm_audit.audits.verify import faults_of

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@dataclass
class Priced:
    """A forecast of `once` seconds and `each` more for every one of `clusters`."""

    clusters: int
    each: float
    once: float = 0.0
    sample: SimpleNamespace = field(init=False)

    def __post_init__(self) -> None:
        self.sample = SimpleNamespace(order=[[None]] * self.clusters)

    def of(self, clusters: int) -> Cost:
        cpu = self.once + self.each * clusters if clusters else 0.0
        return Cost(clusters=clusters, items=clusters, spent=Spent(cpu=cpu, clock=cpu / 2))


def outlook(name: str, priced: Priced, *, needed: int | None = None, gated: bool = True) -> Outlook:
    need = Need(
        metric=f"{name}.rate", limit="at most 0.1", truth=0.05, source="", clusters=needed, available=priced.clusters
    )
    selected = SimpleNamespace(name=name)
    return Outlook(selected=selected, needs=(need,) if gated else (), forecast=priced)  # type: ignore[arg-type]


def prospect(*outlooks: Outlook) -> Prospect:
    return Prospect(outlooks=outlooks, start=Spent(), writing=Spent(), looking=Spent(), repeats=1)


def test_needs_are_met_first_then_the_rest_of_the_gated_then_the_others() -> None:
    some = prospect(
        outlook("a.gated", Priced(100, 1.0), needed=60),
        outlook("b.gated", Priced(100, 1.0), needed=30),
        outlook("c.shown", Priced(100, 1.0), gated=False),
    )
    assert dict(allot(some, 45 / 60).clusters) == {"a.gated": 30, "b.gated": 15, "c.shown": 0}
    assert dict(allot(some, 90 / 60).clusters) == {"a.gated": 60, "b.gated": 30, "c.shown": 0}
    half = allot(some, 240 / 60).clusters
    assert (half["a.gated"], half["b.gated"], half["c.shown"]) == (100, 100, 40)
    assert allot(some, 301 / 60).lacking == ()


def test_what_cannot_be_decided_any_more_is_said() -> None:
    some = prospect(outlook("a.gated", Priced(100, 1.0), needed=60), outlook("b.gated", Priced(100, 1.0), needed=None))
    said = allot(some, 80 / 60).lacking
    assert any(line.startswith("a.gated.rate: that is too few") and "about 60" in line for line in said)
    assert any(line.startswith("b.gated: 1.33333 minutes leave 50 of its 100") for line in said)


def test_what_does_not_fit_at_all_gets_nothing_and_is_named() -> None:
    some = prospect(
        outlook("a.dear", Priced(100, 1.0, once=500.0), needed=50), outlook("b.cheap", Priced(100, 1.0), needed=50)
    )
    found = allot(some, 1.0)
    assert (found.clusters["a.dear"], found.clusters["b.cheap"]) == (0, 60)
    assert any("a.dear: 1 minutes leave 0 of its 100" in line for line in found.lacking)


@settings(max_examples=60, deadline=None)
@given(
    probes=st.lists(
        st.tuples(st.integers(1, 300), st.floats(0.01, 5), st.floats(0, 30), st.booleans(), st.integers(1, 400)),
        min_size=1,
        max_size=5,
    ),
    minutes=st.floats(0.05, 30),
)
def test_the_budget_is_kept_and_more_minutes_never_give_less(
    probes: list[tuple[int, float, float, bool, int]], minutes: float
) -> None:
    some = prospect(
        *(
            outlook(f"d.p{at}", Priced(clusters, each, once), needed=needed, gated=gated)
            for at, (clusters, each, once, gated, needed) in enumerate(probes)
        )
    )
    less, more = allot(some, minutes), allot(some, 2 * minutes)
    spent = some.total(less.clusters).spent if any(less.clusters.values()) else Spent()
    assert max(spent.cpu, spent.clock) <= 60 * minutes * (1 + 1e-9)
    assert sum(less.clusters.values()) <= sum(more.clusters.values())
    assert all(0 <= less.clusters[one.selected.name] <= one.clusters for one in some.outlooks)
    cut = {one.selected.name for one in some.outlooks if less.clusters[one.selected.name] < one.clusters}
    assert all(any(line.startswith(f"{name}:") for line in less.lacking) for name in cut)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cluster takes a second."""
    from slm_audit.audits import forecast

    honest = forecast.Forecast.of

    def dear(self: forecast.Forecast, clusters: int) -> Cost:
        cost = honest(self, clusters)
        return Cost(clusters=cost.clusters, items=cost.items, spent=Spent(cpu=float(clusters), clock=float(clusters)))

    monkeypatch.setattr(forecast.Forecast, "of", dear)


@pytest.mark.usefixtures("few")
def test_a_run_keeps_to_the_counts_that_it_began_with(
    tmp_path: Path, small_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = check_plan(str(small_model), {"audit.only": ["hallucination.fabrication"], "audit.minutes": 2})
    ended = engine.run(plan, Scripted("I don't know."), tmp_path, now=NOW)
    (run,) = ended.record.probes
    assert 0 < run.clusters < 120
    line = f"hallucination.fabrication: 2 minutes leave {run.clusters} of its 260 clusters (budget)"
    assert line in ended.record.not_covered
    assert line in (ended.folder / "scorecard.md").read_text()
    # Nobody looks at the clock again: not to verify, to judge anew, or to go on.
    monkeypatch.setattr(engine, "foresee", None)
    assert faults_of(ended.folder) == []
    (ended.folder / "record.json").unlink()
    again = engine.resume(ended.folder, lambda *_: Scripted("I don't know."), allow_code=False, progress=Silent())
    assert again.record.probes[0].clusters == run.clusters


@pytest.mark.usefixtures("few")
def test_a_probe_that_no_time_is_left_for_is_not_measured_with_the_reason(tmp_path: Path, small_model: Path) -> None:
    keys = {"audit.only": ["hallucination.fabrication"], "audit.minutes": 0.001}
    record = engine.run(check_plan(str(small_model), keys), Scripted("I don't know."), tmp_path, now=NOW).record
    (run,) = record.probes
    assert (run.status, run.reason) == ("not_measured", "the budget of minutes left no time for it")
    assert record.exit_code == 4
