"""What each figure of fitness.resources means."""

from __future__ import annotations

from ..contract import Metric

_MOST = 1e6

LATENCY = Metric(
    name="latency_ms",
    meaning="time to a whole reply that 95 % of requests keep to, one at a time",
    unit="ms",
    range=(0.0, _MOST),
)
MEDIAN = Metric(
    name="median_latency_ms",
    meaning="time to a whole reply of the middle request",
    unit="ms",
    range=(0.0, _MOST),
    role="diagnostic",
)
FIRST = Metric(
    name="first_token_ms",
    meaning="time to the first token that 95 % of requests keep to",
    unit="ms",
    range=(0.0, _MOST),
    role="diagnostic",
)
SPEED = Metric(
    name="tokens_per_second",
    meaning="tokens a second after the first one, of the middle request; over the whole time where a cascade gives all "
    "of a reply at once",
    unit="tokens/s",
    worse="lower",
    range=(0.0, _MOST),
)
ENERGY = Metric(
    name="joules_per_token",
    meaning="energy that this machine's processor packages, with their memory where it is counted, and a GPU that "
    "holds the model spent during a request for each token that was written, of the middle request; the reading of the "
    "prompt, what the parts spend when idle and what other processes spent meanwhile are in it, the rest of the "
    "machine is not",
    unit="J/token",
    range=(0.0, _MOST),
)
MEMORY = Metric(
    name="memory_gb",
    meaning="most memory held by a process that does no more than load the model and answer a long prompt, with its "
    "libraries, of the middle process",
    unit="GB",
    range=(0.0, _MOST),
)
LOADED = Metric(
    name="loaded_memory_gb",
    meaning="most memory that such a process had held when the model was loaded, of the middle process",
    unit="GB",
    range=(0.0, _MOST),
    role="diagnostic",
)
AUDIT = Metric(
    name="audit_memory_gb",
    meaning="most memory that the audit's own process had held by then, as the system counts it (/usr/bin/time)",
    unit="GB",
    range=(0.0, _MOST),
    role="diagnostic",
)
DISK = Metric(
    name="disk_gb",
    meaning="size of the weight files that were loaded, an adapter's too; what is quantised when loaded lies whole",
    unit="GB",
    range=(0.0, _MOST),
    role="diagnostic",
)
LOAD = Metric(
    name="load_seconds",
    meaning="time to load the model once its libraries are there, of the middle process; the files were read before, "
    "so a first load from a slow disk takes longer",
    unit="s",
    range=(0.0, _MOST),
    role="diagnostic",
)
PARAMETERS = Metric(
    name="parameters_millions", meaning="parameters", unit="millions", range=(0.0, _MOST), role="diagnostic"
)
