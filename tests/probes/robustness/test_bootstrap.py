"""textattack comes in without network and without traces, and the audit goes on without it."""

import os
import random
import subprocess
import sys
from importlib import resources
from pathlib import Path

import numpy
import pytest
from slm_audit.probes.contract import NotMeasured, canonical
from slm_audit.probes.robustness import bootstrap
from slm_audit.probes.robustness.attack import Attack
from slm_audit.probes.testing import Scripted, observe

SEARCH = "slm_audit.probes.robustness.search"


def states() -> tuple[object, list[object]]:
    return random.getstate(), [str(one) for one in numpy.random.get_state()]


def test_seeded_draws_are_repeated_and_the_old_state_comes_back() -> None:
    before = states()
    drawn = []
    for _ in range(2):
        with bootstrap.seeded(numpy.random.default_rng(4)):
            drawn.append((random.random(), numpy.random.random()))
    assert drawn[0] == drawn[1]
    assert states() == before


def test_the_old_state_comes_back_after_an_error() -> None:
    before = states()
    with pytest.raises(RuntimeError), bootstrap.seeded(numpy.random.default_rng(4)):
        random.random()
        raise RuntimeError
    assert states() == before


def test_without_textattack_the_probe_is_not_measured(monkeypatch: pytest.MonkeyPatch, by_heart: Scripted) -> None:
    bootstrap.import_textattack.cache_clear()
    monkeypatch.delitem(sys.modules, SEARCH, raising=False)
    monkeypatch.setitem(sys.modules, "textattack", None)
    with pytest.raises(NotMeasured, match="textattack cannot be imported: ModuleNotFoundError"):
        observe(Attack(), by_heart, most_items=1)
    bootstrap.import_textattack.cache_clear()


def test_the_probe_itself_needs_no_textattack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "textattack", None)
    assert Attack().items()


def test_a_cache_that_cannot_be_written_is_replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = bootstrap._cache_folder()
    assert folder.parent == tmp_path and (folder / "post_install_check_3").is_file()


def test_stop_words_stand_one_a_line_sorted_and_once() -> None:
    file = resources.files("slm_audit.probes.robustness") / "nltk_data" / "corpora" / "stopwords" / "english"
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines == sorted(set(lines)) and all(line == line.lower().strip() and line for line in lines)
    assert {"the", "with", "The", "With"} <= bootstrap.stop_words()


@pytest.mark.slow
def test_the_import_leaves_home_and_environment_alone(tmp_path: Path) -> None:
    code = (
        "import os; before = dict(os.environ)\n"
        "from slm_audit.probes.robustness.bootstrap import import_textattack\n"
        "import_textattack(); import textattack\n"
        "changed = {k for k in {*before, *os.environ} if before.get(k) != os.environ.get(k)}\n"
        "assert not changed, changed\n"
        "import huggingface_hub.constants as hub, nltk; assert 'slm-audit' not in hub.HF_HOME, hub.HF_HOME\n"
        "assert not any('robustness' in one for one in nltk.data.path)\n"
    )
    kept = {name: value for name, value in os.environ.items() if "CACHE" not in name and not name.startswith("HF_")}
    root = Path(bootstrap.__file__).resolve().parents[2]
    links = tmp_path / "links"
    links.mkdir()
    (links / "slm_audit").symlink_to(root)
    home = tmp_path / "home"
    home.mkdir()
    settings = {
        **kept,
        "HOME": str(home),
        "PYTHONPATH": str(links),
        "no_proxy": "",
        "https_proxy": "http://127.0.0.1:9",
    }
    done = subprocess.run([sys.executable, "-c", code], env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "nltk" not in done.stderr and "TextAttack" not in done.stderr
    written = {path.relative_to(home).parts[:2] for path in home.rglob("*") if path.is_file()}
    assert written == {(".cache", "slm-audit")}


@pytest.mark.slow
def test_without_flair_the_attack_is_the_same_and_no_false_flair_is_left_behind(by_heart: Scripted) -> None:
    code = (
        "import importlib.util, sys; sys.path.insert(0, sys.argv[1])\n"
        "from conftest import lead_by_heart, read_by\n"
        "from slm_audit.probes.contract import canonical\n"
        "from slm_audit.probes.robustness import bootstrap\n"
        "from slm_audit.probes.robustness.attack import Attack\n"
        "from slm_audit.probes.testing import observe\n"
        "bootstrap.find_spec = lambda name: None if name == 'flair' else importlib.util.find_spec(name)\n"
        "print(canonical(observe(Attack(), read_by(lead_by_heart), most_items=4)))\n"
        "assert 'flair' not in sys.modules and not [one for one in sys.modules if one.startswith('flair.')]\n"
    )
    links = ":".join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent)],
        env={**os.environ, "PYTHONPATH": links},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == canonical(observe(Attack(), by_heart, most_items=4))
