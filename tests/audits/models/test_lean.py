"""Opening a model does not load what transformers loads for others; its version 5 insists on scipy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import transformers

NEEDLESS = ("sklearn", "pandas") + ("scipy",) * (int(transformers.__version__.split(".")[0]) < 5)


@pytest.mark.parametrize("room", ["transformers", "attention", "network"])
def test_nothing_needless_comes_with_a_model(room: str, small_model: Path) -> None:
    code = (
        f"import sys, slm_audit.audits.models.{room}\n"
        "from slm_audit.audits.models.transformers import TransformersModel\n"
        f"TransformersModel({str(small_model)!r}, threads=1)\n"
        f"print([one for one in {NEEDLESS} if one in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "[]"
