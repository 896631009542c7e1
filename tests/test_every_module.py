"""Every module can be imported, whichever of the supported versions of its libraries are installed."""

from __future__ import annotations

import importlib
import pkgutil

import slm_audit


def test_every_module_can_be_imported() -> None:
    names = [one.name for one in pkgutil.walk_packages(slm_audit.__path__, "slm_audit.")]
    assert {"slm_audit.audits.models.transformers", "slm_audit.probes.robustness.search"} <= set(names)
    for name in names:
        importlib.import_module(name)
