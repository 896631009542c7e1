"""Probes are found by name, by file and by entry point; all that are installed keep the contract's form."""

from __future__ import annotations

from pathlib import Path

import pytest
from slm_audit.probes.contract import ContractError
from slm_audit.probes.registry import UnknownProbe, build, find, full_name, installed, load_file, path_options, question

GOOD = Path(__file__).resolve().parents[2] / "examples" / "my_probe.py"


@pytest.mark.parametrize("name", sorted(installed()))
def test_every_installed_probe_is_what_it_is_called_and_asks_a_question(name: str) -> None:
    probe = find(name)
    assert full_name(probe) == name
    assert question(probe).endswith("?")
    assert any(metric.role == "primary" for metric in probe.metrics)
    assert len({metric.name for metric in probe.metrics}) == len(probe.metrics)
    assert all(metric.meaning for metric in probe.metrics)


def test_a_name_that_nobody_has() -> None:
    with pytest.raises(UnknownProbe):
        find("toxicity.nothing")


def test_a_file_gives_its_one_probe_and_its_hash() -> None:
    probe, digest = load_file(GOOD)
    assert full_name(probe) == "toxicity.shouting"
    assert len(digest) == 64


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("class Shouting(Probe)", "class Shouting(object)"), "defines 0 probes"),
        (('name: ClassVar[str] = "shouting"', "pass"), "does not say its name"),
        (("Does the model shout?", "It is about shouting."), "question"),
        (("@dataclass(frozen=True, kw_only=True)", ""), "not a dataclass"),
        (("from collections.abc", "from collections_of_abc"), "cannot be run: ModuleNotFoundError"),
    ],
)
def test_a_file_that_holds_no_whole_probe_is_refused(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    text = GOOD.read_text()
    assert change[0] in text
    (tmp_path / "p.py").write_text(text.replace(*change))
    with pytest.raises(UnknownProbe, match=said):
        load_file(tmp_path / "p.py")


def test_options_are_typed_fields_and_paths_are_known() -> None:
    probe = find("privacy.exposure")
    assert path_options(probe) == {"canaries"}
    with pytest.raises(ContractError, match="unknown option 'x'"):
        build(probe, {"x": 1}, {})
    built = build(probe, {"canaries": "c.jsonl"}, {"canaries": Path("/somewhere/c.jsonl")})
    assert str(built.canaries) == "/somewhere/c.jsonl"
