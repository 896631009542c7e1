"""The contract between probes, models and the bench: the only thing that a probe must know."""

from .codec import JSON, ContractError, canonical, from_json, to_json
from .evidence import (
    Correction,
    Curve,
    Estimate,
    Exchange,
    Groups,
    Item,
    Judgement,
    Metric,
    Observation,
    Role,
    Status,
    Worse,
)
from .parties import Access, Bench, Footprint, Model, ModelIdentity, NotMeasured, Probe
from .requests import Completion, Decoding, Generation, Message, Score, Scoring, Tool, ToolCall

__all__ = [
    "JSON",
    "Access",
    "Bench",
    "Completion",
    "ContractError",
    "Correction",
    "Curve",
    "Decoding",
    "Estimate",
    "Exchange",
    "Footprint",
    "Generation",
    "Groups",
    "Item",
    "Judgement",
    "Message",
    "Metric",
    "Model",
    "ModelIdentity",
    "NotMeasured",
    "Observation",
    "Probe",
    "Role",
    "Score",
    "Scoring",
    "Status",
    "Tool",
    "ToolCall",
    "Worse",
    "canonical",
    "from_json",
    "to_json",
]
