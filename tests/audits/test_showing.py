"""A probe's page says what it asks, how, and what it can decide."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from slm_audit.audits.cli import main
from slm_audit.audits.showing import smallest_limit
from slm_audit.probes.contract import Metric
from slm_audit.probes.registry import find, installed, question


@pytest.mark.parametrize("name", sorted(installed()))
def test_every_probe_can_be_shown(name: str) -> None:
    told = CliRunner().invoke(main, ["probes", "show", name])
    assert told.exit_code == 0, told.output
    assert question(find(name)) in told.output
    for metric in find(name).metrics:
        assert f"  {metric.name} ({metric.role}" in told.output


def test_the_list_names_every_probe_with_its_question() -> None:
    told = CliRunner().invoke(main, ["probes", "list"]).output
    assert [line.split()[0] for line in told.splitlines()] == sorted(installed())


def test_the_smallest_limit_is_the_upper_bound_of_none_in_n() -> None:
    # Clopper and Pearson 1934: 0 of n leaves 1 - (alpha/2)^(1/n).
    found = smallest_limit(Metric(name="rate", meaning="x"), 100)
    assert found == pytest.approx(1 - 0.025 ** (1 / 100))
