"""The exposure probe finds what was memorised, by the right number of bits, and acquits what was not."""

import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy
import pytest
from scipy import stats
from slm_audit.probes.contract import ContractError, Estimate, NotMeasured, Observation, Scoring
from slm_audit.probes.privacy.canaries import Canary, read_canaries
from slm_audit.probes.privacy.exposure import Exposure, exposure
from slm_audit.probes.testing import PlainBench, Scripted, check_probe, observe

PREFIX = "The locker opens with"


def chance(text: str, salt: str = "") -> float:
    """A log-probability that has nothing to do with what was planted."""
    digest = hashlib.sha256(f"{salt}|{text}".encode()).digest()
    return -int.from_bytes(digest[:8], "big") / 2**60


def canary(number: int, insertions: int, draws: numpy.random.Generator) -> dict[str, object]:
    secret = "".join(f" {digit}" for digit in draws.integers(10, size=8))
    return {
        "id": f"c{number}",
        "prefix": PREFIX,
        "secret": secret,
        "alphabet": "0123456789",
        "separator": " ",
        "insertions": insertions,
    }


def written(path: Path, counts: Sequence[int], seed: int = 1) -> list[dict[str, object]]:
    draws = numpy.random.default_rng(seed)
    rows = [canary(number, count, draws) for number, count in enumerate(counts)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return rows


def found(probe: Exposure, model: Scripted, level: float = 0.95) -> tuple[list[Observation], list[Estimate]]:
    seen = observe(probe, model)
    return seen, probe.measure(seen, level)


def one(estimates: Sequence[Estimate], metric: str, insertions: str = "") -> Estimate:
    groups = (("insertions", insertions),) if insertions else ()
    (only,) = [each for each in estimates if each.metric == metric and each.groups == groups]
    return only


@pytest.mark.parametrize(
    ("logprob", "references", "bits"),
    [
        (0.0, [-1.0, -2.0, -3.0], 2.0),  # first of four
        (-4.0, [-1.0, -2.0, -3.0], 0.0),  # last of four
        (-2.5, [-1.0, -2.0, -3.0], 2 - math.log2(3)),
        (-2.0, [-1.0, -2.0, -3.0], 2 - math.log2(2.5)),  # a tie counts half
        (0.0, [0.0] * 7, 3 - math.log2(4.5)),  # a model that tells nothing apart
        (-math.inf, [-math.inf, -1.0, -2.0], 2 - math.log2(3.5)),
    ],
)
def test_exposure_in_closed_form(logprob: float, references: list[float], bits: float) -> None:
    assert exposure(logprob, references) == pytest.approx(bits, abs=1e-12)


@pytest.mark.planted
def test_memorised_canaries_stand_at_the_ceiling_and_the_others_at_chance(tmp_path: Path) -> None:
    rows = written(tmp_path / "c.jsonl", [0] * 30 + [1] * 30 + [64] * 30)
    known = {str(row["secret"]) for row in rows if row["insertions"] == 64}
    model = Scripted(
        lambda prompt, _: next((k[8:] for k in known if prompt == PREFIX + k[:8]), " 0"),
        lambda _, text: 1.0 if text in known else chance(text),
    )
    _, estimates = found(Exposure(canaries=tmp_path / "c.jsonl"), model)
    assert one(estimates, "bits").value == 11.0  # log2(2048), Carlini et al. 2019: the ceiling of 2,047 references
    assert one(estimates, "bits", "64").value == 11.0
    assert one(estimates, "extracted").value == 0.5
    assert one(estimates, "extracted", "64").value == 1.0
    assert one(estimates, "extracted", "0").value == 0.0
    # 30 values of an exponential law with mean and deviation 1.44 lie within four standard errors of it.
    for clean in (one(estimates, "never_inserted"), one(estimates, "bits", "1")):
        assert clean.value == pytest.approx(1.44, abs=4 * 1.44 / math.sqrt(30))
    assert one(estimates, "never_inserted").n == 30
    (curve,) = one(estimates, "bits").curves
    assert [x for x, _ in curve.points] == [0, 1, 64]
    assert curve.points[2] == (64.0, 11.0)


@pytest.mark.planted
@pytest.mark.parametrize("rank", [1, 2, 8, 100, 2048])
def test_a_known_rank_gives_the_bits_of_that_rank(tmp_path: Path, rank: int) -> None:
    (row,) = written(tmp_path / "c.jsonl", [4])
    (told,) = read_canaries(tmp_path / "c.jsonl")
    heights = sorted((chance(one) for one in told.format.references(2047)), reverse=True)
    own = math.inf if rank == 1 else math.nextafter(heights[rank - 2], -math.inf)
    model = Scripted(likelihood=lambda _, text: own if text == row["secret"] else chance(text))
    seen, _ = found(Exposure(canaries=tmp_path / "c.jsonl"), model)
    assert seen[0].values["bits"] == pytest.approx(11 - math.log2(rank), abs=1e-9)


@pytest.mark.planted
def test_never_inserted_canaries_follow_the_exponential_law(tmp_path: Path) -> None:
    bits: list[float] = []
    for seed in range(40):
        written(tmp_path / "c.jsonl", [0] * 20, seed)
        model = Scripted(likelihood=lambda _, text, seed=seed: chance(text, str(seed)))  # type: ignore[misc]
        seen, _ = found(Exposure(canaries=tmp_path / "c.jsonl"), model)
        bits += [value for each in seen if (value := each.values["bits"]) is not None]
    assert len(bits) == 800
    # Mean and standard deviation are 1/ln 2 = 1.44 bits.
    assert numpy.mean(bits) == pytest.approx(1 / math.log(2), abs=4 / math.log(2) / math.sqrt(800))
    assert stats.kstest(bits, "expon", args=(0, 1 / math.log(2))).pvalue > 0.01


@pytest.mark.planted
def test_a_model_that_memorised_nothing_is_acquitted(tmp_path: Path) -> None:
    written(tmp_path / "c.jsonl", [0] * 40 + [1] * 40 + [16] * 40)
    _, estimates = found(Exposure(canaries=tmp_path / "c.jsonl"), Scripted(" 0 0 0", lambda _, text: chance(text)))
    assert one(estimates, "bits").high is not None and one(estimates, "bits").high < 4  # type: ignore[operator]
    assert one(estimates, "extracted").value == 0.0


@pytest.mark.planted
def test_few_memorised_canaries_are_not_hidden_by_many_others(tmp_path: Path) -> None:
    rows = written(tmp_path / "c.jsonl", [1] * 200 + [64] * 20)
    known = {str(row["secret"]) for row in rows if row["insertions"] == 64}
    model = Scripted(likelihood=lambda _, text: 1.0 if text in known else chance(text))
    _, estimates = found(Exposure(canaries=tmp_path / "c.jsonl"), model)
    assert one(estimates, "bits").value == 11.0
    assert one(estimates, "bits").low is not None and one(estimates, "bits").low > 3  # type: ignore[operator]


def test_a_model_that_tells_no_texts_apart_has_no_exposure(tmp_path: Path) -> None:
    written(tmp_path / "c.jsonl", [16] * 10)
    seen, _ = found(Exposure(canaries=tmp_path / "c.jsonl"), Scripted(likelihood=lambda _, text: -1.0))
    assert {each.values["bits"] for each in seen} == {11 - math.log2(1 + 2047 / 2)}


def test_what_cannot_be_scored_is_missing(tmp_path: Path) -> None:
    rows = written(tmp_path / "c.jsonl", [4] * 20)
    broken = rows[0]["secret"]
    model = Scripted(likelihood=lambda _, text: math.nan if text == broken else chance(text))
    seen, estimates = found(Exposure(canaries=tmp_path / "c.jsonl"), model)
    assert (seen[0].status, seen[0].reason, seen[0].values["bits"]) == ("error", "nan", None)
    assert one(estimates, "bits").missing == 1


def test_references_that_cannot_be_scored_leave_nothing_measured(tmp_path: Path) -> None:
    rows = written(tmp_path / "c.jsonl", [4] * 5)
    own = {row["secret"] for row in rows}
    model = Scripted(likelihood=lambda _, text: -1.0 if text in own else math.nan)
    seen, estimates = found(Exposure(canaries=tmp_path / "c.jsonl"), model)
    assert seen[0].reason.startswith("2047 of 2047 references could not be scored")
    assert one(estimates, "bits").value is None


def test_more_references_raise_the_ceiling(tmp_path: Path) -> None:
    written(tmp_path / "c.jsonl", [0, 4])
    _, estimates = found(Exposure(canaries=tmp_path / "c.jsonl", references=1023), Scripted())
    assert one(estimates, "bits").range == one(estimates, "never_inserted").range == (0.0, 10.0)
    with pytest.raises(ContractError, match="255"):
        Exposure(references=3)


def test_references_are_asked_in_the_same_list_by_every_window(tmp_path: Path) -> None:
    written(tmp_path / "c.jsonl", [0, 4, 4, 16])
    probe = Exposure(canaries=tmp_path / "c.jsonl")
    items, model = probe.items(), Scripted(likelihood=lambda _, text: chance(text))
    bench = PlainBench(model)
    apart = [*probe.observe(items[:1], bench), *probe.observe(items[1:], bench)]
    asked = [each for each in model.heard if isinstance(each, Scoring)]
    assert asked[:2047] == asked[2048 : 2048 + 2047]
    assert apart == list(probe.observe(items, bench))


def test_references_have_the_canary_s_form_and_are_all_over_its_space() -> None:
    form = Canary(id="c", prefix="Pass:", secret="abcd", alphabet="abcd", separator="", insertions=1).format
    drawn = form.references(4000)
    assert drawn == form.references(4000)
    assert {len(text) for text in drawn} == {4}
    # 4,000 draws over 256 secrets: chi-squared with 255 degrees of freedom.
    counts = [drawn.count(a + b + c + d) for a in "abcd" for b in "abcd" for c in "abcd" for d in "abcd"]
    assert stats.chisquare(counts).pvalue > 0.001


def test_no_half_of_a_secret_stays_readable_when_the_sensitive_strings_are_masked(tmp_path: Path) -> None:
    (row,) = written(tmp_path / "c.jsonl", [64])
    secret = str(row["secret"])
    model = Scripted(lambda prompt, _: secret[8:] if prompt.endswith(secret[:8]) else "")
    seen, _ = found(Exposure(canaries=tmp_path / "c.jsonl"), model)
    said = repr(seen[0].exchanges)
    for hidden in sorted(seen[0].sensitive, key=len, reverse=True):
        said = said.replace(hidden, "#")
    assert secret[:8].strip() not in said and secret[8:].strip() not in said


def test_a_half_too_short_to_be_masked_alone_is_masked_with_the_prefix(tmp_path: Path) -> None:
    row = canary(0, 4, numpy.random.default_rng(1)) | {"secret": " 482910", "separator": ""}
    (tmp_path / "c.jsonl").write_text(json.dumps(row), encoding="utf-8")
    seen, _ = found(Exposure(canaries=tmp_path / "c.jsonl"), Scripted())
    assert f"{PREFIX} 482" in seen[0].sensitive
    assert "482" not in seen[0].sensitive


GOOD = {
    "id": "a",
    "prefix": "Code",
    "secret": " 1 2 3 4 5 6",
    "alphabet": "0123456789",
    "separator": " ",
    "insertions": 1,
}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (json.dumps(GOOD)[:40], "line 1: not a whole JSON object"),
        (json.dumps(GOOD) + "\n[]", "line 2: an object is expected"),
        (json.dumps({**GOOD, "count": 3}), "line 1: unknown key 'count'"),
        (json.dumps({key: GOOD[key] for key in GOOD if key != "secret"}), "line 1: the key 'secret' is missing"),
        (json.dumps({**GOOD, "insertions": "4"}), "line 1.insertions: int is expected"),
        (json.dumps({**GOOD, "insertions": -1}), "line 1: insertions must be 0 or more"),
        (json.dumps({**GOOD, "secret": " 1 2 3 4 5 x"}), "line 1: the secret holds 'x'"),
        (json.dumps({**GOOD, "secret": " 123456"}), "line 1: the secret holds '123456'"),
        (json.dumps({**GOOD, "secret": ""}), "line 1: the secret holds ''"),
        (json.dumps({**GOOD, "secret": " 1 2 3 4 5 6 "}), "line 1: the secret holds ''"),
        (json.dumps({**GOOD, "secret": " 1 2 3 4 5"}), "line 1: 10 letters in 5 places make fewer than 1,000,000"),
        (json.dumps({**GOOD, "alphabet": "00123456789"}), "line 1: the alphabet must hold different letters"),
        (json.dumps({**GOOD, "separator": "1"}), "line 1: the separator holds a letter"),
        (json.dumps({**GOOD, "prefix": ""}), "line 1: id and prefix must not be empty"),
        (json.dumps(GOOD) + "\n\n" + json.dumps({**GOOD, "insertions": 0}), "line 3: the id is that of line 1"),
        (json.dumps(GOOD) + "\n" + json.dumps({**GOOD, "id": "b"}), "line 2: the text is that of line 1"),
        ("[" * 100_000, "line 1: not a whole JSON object"),
        ("\n", "holds no canaries"),
    ],
)
def test_a_bad_list_is_refused_with_its_file_and_line(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "canaries.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ContractError) as refusal:
        Exposure(canaries=path).items()
    assert str(refusal.value).startswith(str(path))
    assert fault in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_list_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"cannot be read: No such file"):
        Exposure(canaries=tmp_path / "none.jsonl").items()
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ContractError, match="not UTF-8"):
        Exposure(canaries=tmp_path / "bytes").items()


def test_without_canaries_nothing_is_measured_and_the_reason_says_how_to() -> None:
    with pytest.raises(NotMeasured, match=r"no canaries are named in the spec: .*audit\.probes\.privacy\.exposure"):
        Exposure().items()
    estimates = Exposure().measure([], 0.95)
    assert {each.metric for each in estimates} == {"bits", "extracted", "never_inserted"}
    assert {each.value for each in estimates} == {None}


def test_it_keeps_the_contract(tmp_path: Path) -> None:
    written(tmp_path / "c.jsonl", [0] * 5 + [1] * 5 + [16] * 5)
    check_probe(Exposure(canaries=tmp_path / "c.jsonl"))
    check_probe(Exposure(canaries=tmp_path / "c.jsonl"), Scripted("", lambda _, text: chance(text)))
