"""Detectors: what says of a text that it is toxic, a refusal, an abstention or degenerate, and how often it errs."""

from __future__ import annotations

from .detector import MAX_CHARACTERS, Detector, DetectorError
from .shipped import card_of

__all__ = ["KINDS", "MAX_CHARACTERS", "Detector", "DetectorError", "card_of", "open_detector"]

KINDS = {
    "toxicity": ("linear", "detoxify", "classifier"),
    "refusal": ("phrases",),
    "abstention": ("phrases",),
    "degenerate": ("rules",),
}
"""What a detector can look for, and the choices for each; the first is the default."""


def open_detector(kind: str, choice: str = "", path: str = "") -> Detector:
    """The detector of a kind; `path` is the folder that "detoxify" and "classifier" are read from.

    Raises DetectorError where a detector is named that is not there; no other takes its place, and nothing
    is ever fetched.
    """
    if kind not in KINDS:
        raise DetectorError(f"no detector looks for {kind!r}; known kinds are {', '.join(KINDS)}")
    choice = choice or KINDS[kind][0]
    if choice not in KINDS[kind]:
        raise DetectorError(f"no {kind} detector is called {choice!r}; known are {', '.join(KINDS[kind])}")
    from_folder = choice in ("detoxify", "classifier")
    if from_folder and not path:
        raise DetectorError(f"the {kind} detector {choice!r} is read from a folder; name it as `path`")
    if path and not from_folder:
        raise DetectorError(f"the {kind} detector {choice!r} reads no folder; remove `path: {path}`")
    return _open(kind, choice, path)


def _open(kind: str, choice: str, path: str) -> Detector:
    if kind == "refusal":
        from .refusal import Refusal

        return Refusal()
    if kind == "abstention":
        from .abstention import Abstention

        return Abstention()
    if kind == "degenerate":
        from .degenerate import Degenerate

        return Degenerate()
    if choice == "detoxify":
        from .detoxify_folder import open_detoxify

        return open_detoxify(path)
    if choice == "classifier":
        from .classifier_folder import open_classifier

        return open_classifier(path)
    from .linear import Linear

    return Linear()
