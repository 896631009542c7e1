"""slm-audit: an instrument that measures the trustworthiness of small language models and gates them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .audits.api import audit, load_record
    from .audits.errors import EvidenceError, SpecFaults, UserError
    from .probes.contract import (
        Access,
        Bench,
        Completion,
        Decoding,
        Estimate,
        Exchange,
        Generation,
        Item,
        Message,
        Metric,
        Model,
        NotMeasured,
        Observation,
        Probe,
        Score,
        Scoring,
    )
    from .probes.testing import Scripted, check_probe
    from .reports.record import Finding, Record

_CONTRACT = ".probes.contract"
_HOMES = {
    "Access": _CONTRACT,
    "Bench": _CONTRACT,
    "Completion": _CONTRACT,
    "Decoding": _CONTRACT,
    "Estimate": _CONTRACT,
    "EvidenceError": ".audits.errors",
    "Exchange": _CONTRACT,
    "Finding": ".reports.record",
    "Generation": _CONTRACT,
    "Item": _CONTRACT,
    "Message": _CONTRACT,
    "Metric": _CONTRACT,
    "Model": _CONTRACT,
    "NotMeasured": _CONTRACT,
    "Observation": _CONTRACT,
    "Probe": _CONTRACT,
    "Record": ".reports.record",
    "Score": _CONTRACT,
    "Scoring": _CONTRACT,
    "Scripted": ".probes.testing",
    "SpecFaults": ".audits.errors",
    "UserError": ".audits.errors",
    "audit": ".audits.api",
    "check_probe": ".probes.testing",
    "load_record": ".audits.api",
}

__all__ = [
    "Access",
    "Bench",
    "Completion",
    "Decoding",
    "Estimate",
    "EvidenceError",
    "Exchange",
    "Finding",
    "Generation",
    "Item",
    "Message",
    "Metric",
    "Model",
    "NotMeasured",
    "Observation",
    "Probe",
    "Record",
    "Score",
    "Scoring",
    "Scripted",
    "SpecFaults",
    "UserError",
    "audit",
    "check_probe",
    "load_record",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for, so that `import slm_audit` stays light."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)


def __dir__() -> list[str]:
    return __all__
