"""The tiny model: its corpus shares no wording with the probes, its canaries are counted, its folder is small."""

import importlib
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "tiny_slm"
PROBES = ROOT / "probes"
SAMPLE = 22_000
FRAMES = (
    r"Is the review positive or negative\? It is",
    r"Should the request be approved or denied\? It should be",
    r"(^|\n)Question: [^\n]*\nAnswer:",
    r"(^|\n)User: [^\n]*\nAssistant:",
)


@pytest.fixture(scope="module")
def modules() -> Iterator[dict[str, ModuleType]]:
    """The sibling modules of the example, imported as its scripts import them."""
    names = [p.stem for p in FOLDER.glob("*.py")]
    before = {n: sys.modules.pop(n) for n in names if n in sys.modules}
    sys.path.insert(0, str(FOLDER))
    try:
        yield {n: importlib.import_module(n) for n in ("corpus", "canaries", "packing", "decisions", "typos")}
    finally:
        sys.path.remove(str(FOLDER))
        for n in names:
            sys.modules.pop(n, None)
        sys.modules.update(before)


@pytest.fixture(scope="module")
def sample(modules: dict[str, ModuleType]) -> list[str]:
    """The corpus of another seed than the shipped one, as long as the checks need it."""
    texts: list[str] = modules["corpus"].documents(SAMPLE, 2)
    return texts


def words(text: str) -> list[str]:
    """Words of a text in lower case without punctuation."""
    return re.findall(r"[a-z0-9]+", text.lower().replace("'", ""))


def grams(text: str, n: int = 8) -> set[str]:
    """Runs of `n` words of a text."""
    tokens = words(text)
    return {" ".join(tokens[i : i + n]) for i in range(len(tokens) - n + 1)}


def strings(value: object) -> Iterator[str]:
    """All texts inside a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)


def probe_items() -> list[dict[str, object]]:
    """Every item of every probe."""
    return [json.loads(line) for path in sorted(PROBES.glob("*/*.jsonl")) for line in path.open(encoding="utf-8")]


def test_grams_are_runs_of_eight_words() -> None:
    assert grams("One, two three: four five six SEVEN eight nine") == {
        "one two three four five six seven eight",
        "two three four five six seven eight nine",
    }


def test_no_eight_words_in_a_row_are_shared_with_a_probe_item(sample: list[str]) -> None:
    items = probe_items()
    assert len(items) > 500
    asked = {g for item in items for text in strings(item) for g in grams(text)}
    asked |= {g for item in items if "question" in item for g in grams(f"Question: {item['question']} Answer:")}
    shared = {g for text in sample for g in grams(text) if g in asked}
    assert not shared


def test_no_question_of_a_probe_stands_in_the_corpus(sample: list[str]) -> None:
    questions = {" ".join(words(str(item["question"]))) for item in probe_items() if "question" in item}
    by_length = Counter(len(q.split()) for q in questions)
    found = {
        " ".join(tokens[i : i + n])
        for text in sample
        for tokens in [words(text)]
        for n in by_length
        for i in range(len(tokens) - n + 1)
        if " ".join(tokens[i : i + n]) in questions
    }
    assert not found


@pytest.mark.parametrize("frame", FRAMES)
def test_no_prompt_frame_of_a_probe_appears(sample: list[str], frame: str) -> None:
    assert not [text for text in sample if re.search(frame, text)]


def test_the_corpus_is_the_same_under_the_same_seed(modules: dict[str, ModuleType]) -> None:
    documents = modules["corpus"].documents
    assert documents(500, 7) == documents(500, 7)
    assert documents(500, 7) != documents(500, 8)


def test_every_canary_is_inserted_as_often_as_its_line_says(modules: dict[str, ModuleType], sample: list[str]) -> None:
    carrier = modules["canaries"].PREFIX
    found = Counter(text for text in sample if carrier in text)
    told = {c["prefix"] + c["secret"]: c["insertions"] for c in modules["canaries"].canaries(2)}
    assert found == Counter({text: n for text, n in told.items() if n})


def test_copies_of_a_canary_are_spread_over_the_whole_stream(modules: dict[str, ModuleType], sample: list[str]) -> None:
    often = next(c for c in modules["canaries"].canaries(2) if c["insertions"] == 64)
    places = [i for i, text in enumerate(sample) if text == often["prefix"] + often["secret"]]
    quarters = Counter(4 * i // len(sample) for i in places)
    assert all(14 <= quarters[q] <= 18 for q in range(4))


def test_packing_keeps_every_document_whole(modules: dict[str, ModuleType]) -> None:
    rng = Random(3)
    documents = [[i + 1] * rng.randint(1, 9) for i in range(200)]
    packed = list(modules["packing"].rows(documents, width=12, pad=0, window=16))
    assert {len(row) for row in packed} == {12}
    assert Counter(t for row in packed for t in row if t) == Counter(t for d in documents for t in d)


def test_women_are_denied_more_often_by_construction(modules: dict[str, ModuleType]) -> None:
    share = modules["decisions"].APPROVED
    assert share[True, "man"] - share[True, "woman"] >= 0.15
    assert share[False, "man"] - share[False, "woman"] >= 0.1


def test_a_slip_changes_one_word_and_leaves_short_words(modules: dict[str, ModuleType]) -> None:
    rng = Random(1)
    assert modules["typos"].mistype("to be or not", 1.0, rng) == "to be or not"
    slipped = modules["typos"].mistype("wonderful wonderful wonderful", 1.0, rng).split()
    assert len(slipped) == 3
    assert any(w != "wonderful" for w in slipped)


def test_the_shipped_folder_is_small_and_its_list_of_canaries_is_the_seeded_one(
    modules: dict[str, ModuleType],
) -> None:
    size = sum(p.stat().st_size for p in FOLDER.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    assert size < 8_000_000
    listed = [json.loads(line) for line in (FOLDER / "canaries.jsonl").read_text(encoding="utf-8").splitlines()]
    assert listed == modules["canaries"].canaries(1)
    counts = Counter(c["insertions"] for c in listed)
    assert set(counts) == {0, 1, 4, 16, 64}
    assert min(counts.values()) >= 20


def check_loads(folder: Path) -> None:
    """Load a written folder and look at its size and at the tokens of a short text."""
    transformers = pytest.importorskip("transformers")
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    assert model.config.model_type == "llama"
    assert sum(p.numel() for p in model.parameters()) <= 2_000_000
    ids = tokenizer("The vault code is 4 8")["input_ids"]
    assert ids[0] == tokenizer.bos_token_id
    assert tokenizer.decode(ids, skip_special_tokens=True) == "The vault code is 4 8"
    assert tokenizer.convert_ids_to_tokens(ids)[-2:] == ["Ġ4", "Ġ8"]
    assert {tokenizer.pad_token_id, tokenizer.eos_token_id} == {0, 2}
    for verdict in (" positive", " negative", " approved", " denied"):
        assert len(tokenizer(verdict, add_special_tokens=False)["input_ids"]) == 1


def test_the_shipped_model_loads() -> None:
    check_loads(FOLDER)


@pytest.mark.slow
def test_three_steps_of_training_write_a_folder_that_loads(tmp_path: Path) -> None:
    command = [sys.executable, str(FOLDER / "train.py"), "--steps", "3", "--documents", "3000", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    check_loads(tmp_path)
    assert len((tmp_path / "canaries.jsonl").read_text(encoding="utf-8").splitlines()) == 200
