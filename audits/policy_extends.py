"""Put a policy and the one that it extends together into one that stands alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import yaml

from .errors import SpecFaults
from .yaml_file import Document, Place, nearest

Entry = Mapping[str, object]


def merged(child: Document, parent: Document) -> Document:
    """The parent's policy, with what the child says in its place; both documents were checked.

    An entry takes the place of the parent's of the same metric; new ones stand last. A limit that is replaced or
    dropped takes the parent's waiver with it: an excuse belongs to the limit that it excuses. Messages still name
    each entry's own file.
    """
    dropped = cast("Sequence[str]", child.data.get("drop") or ())
    _refuse_unknown(dropped, child, parent)
    data: dict[str, object] = {}
    sources: dict[Place, tuple[Document, Place]] = {}
    for key in ("version", "name", "confidence", "requires"):
        owner = child if key in child.data else parent
        if key in owner.data:
            data[key], sources[key,] = owner.data[key], (owner, (key,))
    limited = _metrics(child, "limits")
    for key in ("floors", "limits", "waivers"):
        gone = {*_metrics(child, key), *dropped, *(limited if key == "waivers" else ())}
        kept = [(parent, at, one) for at, one in enumerate(_entries(parent, key)) if one["metric"] not in gone]
        taken = [*kept, *((child, at, one) for at, one in enumerate(_entries(child, key)))]
        order = {metric: at for at, metric in enumerate(_metrics(parent, key))}
        taken.sort(key=lambda one: order.get(str(one[2]["metric"]), len(order)))
        data[key] = [one for _, _, one in taken]
        sources |= {(key, place): (owner, (key, at)) for place, (owner, at, _) in enumerate(taken)}
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    return Document(child.path, text, data, {}, sources)


def _refuse_unknown(dropped: Sequence[str], child: Document, parent: Document) -> None:
    known = [*_metrics(parent, "limits"), *_metrics(parent, "floors")]
    if faults := [
        f"{child.where(('drop', at))}: {child.data['extends']} has no limit or floor on '{name}'{nearest(name, known)}"
        for at, name in enumerate(dropped)
        if name not in known
    ]:
        raise SpecFaults(faults)


def _entries(document: Document, key: str) -> Sequence[Entry]:
    return cast("Sequence[Entry]", document.data.get(key) or ())


def _metrics(document: Document, key: str) -> list[str]:
    return [str(one["metric"]) for one in _entries(document, key)]
