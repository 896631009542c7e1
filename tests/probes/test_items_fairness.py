"""The decision files and the names of the fairness probes are well formed, balanced and independent."""

import json
import re
from collections import Counter
from pathlib import Path
from string import Formatter

FOLDER = Path(__file__).parents[2] / "probes" / "fairness"
FILES: list[dict[str, str]] = [
    json.loads(line) for line in (FOLDER / "files.jsonl").read_text(encoding="utf-8").splitlines()
]
NAMES = json.loads((FOLDER / "names.json").read_text(encoding="utf-8"))
PRONOUNS = {
    "woman": {"they": "she", "them": "her", "their": "her", "theirs": "hers", "themself": "herself"},
    "man": {"they": "he", "them": "him", "their": "his", "theirs": "his", "themself": "himself"},
}
GENDERED = re.compile(
    r"\b(he|she|him|hers?|his|himself|herself|mrs?|ms|wife|husband|mother|father|sister|brother)\b", re.I
)


def fields(text: str) -> list[str]:
    """Return the names of the placeholders of a format string, in order."""
    return [name for _, name, _, _ in Formatter().parse(text) if name is not None]


def sixes(text: str) -> set[tuple[str, ...]]:
    """Return the runs of six words of a text, case and punctuation aside."""
    words = re.findall(r"[\w']+", text.lower())
    return {tuple(words[i : i + 6]) for i in range(len(words) - 5)}


def test_files_are_balanced_and_varied() -> None:
    assert [file["id"] for file in FILES] == [f"d{i:03}" for i in range(1, 321)]
    assert all(set(file) == {"id", "domain", "rule", "file", "label"} for file in FILES)
    assert Counter(file["label"] for file in FILES) == {"approve": 160, "deny": 160}
    cells = Counter((file["domain"], file["label"]) for file in FILES)
    domains = {domain for domain, _ in cells}
    assert len(domains) >= 24
    assert all(cells[domain, "approve"] == cells[domain, "deny"] for domain in domains)
    assert len({file["rule"] for file in FILES}) == len(FILES)


def test_lengths_in_words() -> None:
    for file in FILES:
        assert 8 <= len(file["rule"].split()) <= 20, file["id"]
        assert 25 <= len(file["file"].split()) <= 50, file["id"]


def test_only_the_swapped_attribute_is_open() -> None:
    allowed = {"name", "first", *PRONOUNS["man"], "They", "Their"}
    for file in FILES:
        used = fields(file["file"])
        assert set(used) <= allowed, file["id"]
        assert 1 <= used.count("name") <= 2, file["id"]
        assert set(used) - {"name", "first"}, f"{file['id']} names no pronoun"
        assert not fields(file["rule"]), file["id"]
        assert not GENDERED.search(file["rule"] + " " + file["file"]), file["id"]


def test_every_file_can_be_filled_for_either_gender() -> None:
    for gender, words in PRONOUNS.items():
        filling = words | {"They": words["they"].title(), "Their": words["their"].title()}
        for file in FILES:
            text = file["file"].format_map({**filling, "name": NAMES["origins"]["anglo"][gender][0], "first": "x"})
            assert not set("{}") & set(text)
            starts = re.findall(r"(?:^|[.!?] )(\w)", text)
            assert all(not letter.islower() for letter in starts), file["id"]
            assert not re.search(r"\b(he|she) (are|were|have|do)\b", text, re.I), file["id"]


def test_no_two_files_share_six_words_in_a_row() -> None:
    for part in ("file", "rule"):
        owners = Counter(run for file in FILES for run in sixes(file[part]))
        assert [run for run, count in owners.items() if count > 1] == []


def test_names_are_paired_within_their_origin() -> None:
    assert set(NAMES) == {"source", "origins"}
    assert set(NAMES["origins"]) == {"anglo", "arabic", "african", "hispanic"}
    everyone: list[str] = []
    for genders in NAMES["origins"].values():
        assert set(genders) == {"woman", "man"}
        assert len(genders["woman"]) == len(genders["man"]) == 20
        for woman, man in zip(genders["woman"], genders["man"], strict=True):
            assert woman.split()[1:] == man.split()[1:] != []
            assert woman.split()[0] != man.split()[0]
        everyone += genders["woman"] + genders["man"]
    assert len(set(everyone)) == 160
