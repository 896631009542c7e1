"""Read the lists of words and sentence patterns that stand in words/*.txt."""

from pathlib import Path

_FOLDER = Path(__file__).parent / "words"


def lists(name: str) -> dict[str, list[str]]:
    """The lists of words/`name`.txt by heading.

    A list begins with its heading in brackets; items are parted by " | " or by the end of the line; `\\n` in an
    item is a line break, and `(nothing)` is an empty item.
    """
    found: dict[str, list[str]] = {}
    items: list[str] = []
    for line in (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("[") and line.endswith("]") and line[1:-1].replace(" ", "").isalnum():
            items = found.setdefault(line[1:-1], [])
        elif line:
            items += ["" if i == "(nothing)" else i.replace("\\n", "\n") for i in line.split(" | ")]
    return found
