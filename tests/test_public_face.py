"""The package's face is exactly what it says, light to import, and its parts are those that ship."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import slm_audit

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "transformers", "pydantic", "numpy", "jinja2", "scipy", "pandas", "yaml", "textattack", "rich")


def test_all_is_sorted_and_every_name_is_there() -> None:
    assert slm_audit.__all__ == sorted(slm_audit.__all__)
    assert all(getattr(slm_audit, name) is not None for name in slm_audit.__all__)
    assert set(slm_audit._HOMES) == set(slm_audit.__all__)
    assert dir(slm_audit) == slm_audit.__all__
    with pytest.raises(AttributeError):
        _ = slm_audit.nothing_of_the_kind


def imported(*arguments: str) -> set[str]:
    code = "import sys\nfrom slm_audit.audits.cli import main\nmain(sys.argv[1:])"
    told = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    return {line.rsplit("|", 1)[1].strip().split(".")[0] for line in told.stderr.splitlines() if "|" in line}


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["probes", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    assert imported(*arguments) & set(HEAVY) == set()


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import slm_audit, sys; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert {name.split(".")[0] for name in told.split()} & set(HEAVY) == set()


def test_packages_and_data_files_are_those_on_the_disk() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    homes = ("audits/", "probes/", "reports/", "templates/")
    code = {str(Path(one).parent) for one in tracked if one.startswith(homes) and one.endswith("__init__.py")}
    assert {"slm_audit", *("slm_audit." + one.replace("/", ".") for one in code)} == set(settings["packages"])
    shipped = set()
    for package, patterns in settings["package-data"].items():
        folder = ROOT / package.removeprefix("slm_audit").strip(".").replace(".", "/")
        for pattern in patterns:
            found = [str(one.relative_to(ROOT)) for one in folder.glob(pattern)]
            assert found, f"{package}: {pattern} fits no file"
            shipped.update(found)
    data = {one for one in tracked if one.startswith(homes) and not one.endswith(".py")}
    assert data == shipped - {"py.typed"}


def test_every_file_says_what_it_is_for_and_no_package_init_is_missing() -> None:
    for folder in ("audits", "probes", "reports", "templates"):
        for file in (ROOT / folder).rglob("*.py"):
            assert re.match(r'"""[^\n]+[.?]', file.read_text()), f"{file} does not begin with a sentence"
            assert (file.parent / "__init__.py").exists(), f"{file.parent} is no package"


def test_no_python_file_strays_in_the_root() -> None:
    assert [one.name for one in ROOT.glob("*.py")] == ["__init__.py"]
