"""A small model before a large one: who answers follows from the rule, and what was overruled is kept."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from slm_audit import Access, Completion, Decoding, Generation, Message, Scoring, Scripted
from slm_audit.audits.errors import SpecFaults, UserError
from slm_audit.audits.memory import peak_bytes
from slm_audit.audits.models import open_model
from slm_audit.audits.models.cascade import CascadeModel
from slm_audit.audits.models.confidence import By, Confidence
from slm_audit.audits.models.leave import Leave
from slm_audit.audits.models.transformers import TransformersModel
from slm_audit.audits.plan import check_plan
from slm_audit.audits.yaml_file import parse
from slm_audit.probes.contract import ModelIdentity

SHORT = Decoding(max_tokens=8)
LARGE = Scripted("It is the large one.", lambda _context, text: -2.0 * len(text), name="large")


def asked(prompt: str, **more: object) -> Generation:
    return Generation(prompt=prompt, decoding=SHORT, **more)  # type: ignore[arg-type]


def pair(small: Scripted, by: By, threshold: float, samples: int = 4) -> CascadeModel:
    return CascadeModel(small, LARGE, Confidence(by=by, threshold=threshold, samples=samples))


def only(model: CascadeModel, prompt: str) -> Completion:
    return model.generate([asked(prompt)])[0][0]


@pytest.mark.parametrize(("threshold", "who"), [(0.75, "small"), (0.76, "large")])
def test_agreement_is_the_share_of_drawn_texts_that_say_the_same(threshold: float, who: str) -> None:
    words = ["Yes.", "yes", "YES!", "no"]
    small = Scripted(lambda _prompt, sample: words[sample])
    found = only(pair(small, "agreement", threshold), "Is it so?")
    assert found.responder == who
    assert [one.text for one in found.drafts] == ["Yes.", *words]
    drawn = [one for one in small.heard if isinstance(one, Generation)]
    assert [one.decoding.temperature for one in drawn] == [0.0, 1.0]
    assert drawn[0].seed != drawn[1].seed


def test_a_refusal_an_empty_text_and_an_error_are_handed_on() -> None:
    class Broken(Scripted):
        def generate(self, requests: Sequence[Generation]) -> list[list[Completion]]:
            return [[Completion(text="", finish="error", error="too_long")] * one.samples for one in requests]

    for small in (Scripted("I'm sorry, but I can't help with that."), Scripted(" "), Broken()):
        found = only(pair(small, "refusal", 1.0), "Tell me.")
        assert (found.responder, found.text) == ("large", "It is the large one.")
        assert found.drafts[0].text in ("I'm sorry, but I can't help with that.", " ", "")
    kept = only(pair(Scripted("Gladly: it is blue."), "refusal", 1.0), "Tell me.")
    assert (kept.responder, kept.text) == ("small", "Gladly: it is blue.")


def test_each_sample_is_decided_by_itself_and_five_are_the_first_of_nine() -> None:
    small = Scripted(lambda _prompt, sample: "I cannot help with that." if sample % 3 == 1 else f"text {sample}")
    large = Scripted(lambda _prompt, sample: f"large {sample}")
    model = CascadeModel(small, large, Confidence(by="refusal", threshold=1.0))
    nine = model.generate([asked("Say.", samples=9)])[0]
    assert [one.text for one in nine] == [f"large {at}" if at % 3 == 1 else f"text {at}" for at in range(9)]
    assert model.generate([asked("Say.", samples=5)])[0] == nine[:5]
    # What the large one said to samples that the small one was sure of is kept with the next that counts.
    said = [[one.text for one in some.drafts if one.responder == "large"] for some in nine]
    in_vain = {1: ["large 0"], 4: ["large 2", "large 3"], 7: ["large 5", "large 6"]}
    assert said == [in_vain.get(at, []) for at in range(9)]
    assert sum(one.samples for one in large.heard if isinstance(one, Generation)) == 8 + 5


def test_a_context_is_scored_by_the_model_that_would_have_answered_it() -> None:
    small = Scripted(lambda prompt, _: "I refuse to answer." if "hard" in prompt else "Sure, it is so.", name="small")
    model = pair(small, "refusal", 1.0)
    wanted = [Scoring(context=context, continuation=text) for text in (" a", " bbb") for context in ("easy", "hard")]
    scores = model.score(wanted)
    assert [one.responder for one in scores] == ["small", "large", "small", "large"]
    assert [one.logprob for one in scores] == [-2.0, -4.0, -4.0, -8.0]
    assert all(one.drafts for one in scores)
    many = wanted * 40
    of_context = [{many[place].context for place in batch} for batch in model.batches(many)]
    assert len(of_context) == 2
    assert all(not one & other for at, one in enumerate(of_context) for other in of_context[:at])


def test_what_one_of_the_two_lacks_the_pair_lacks_and_a_note_says_so() -> None:
    chat = Scripted("It is so.", access=frozenset({Access.generate, Access.chat, Access.token_logprobs}))
    model = CascadeModel(chat, Scripted("So."), Confidence(by="likelihood", threshold=0.5))
    assert model.access == {Access.generate, Access.token_logprobs}
    assert any("asked plainly" in note for note in model.notes)


def test_two_real_models_by_likelihood(make_model: Callable[..., Path]) -> None:
    small, large = (TransformersModel(str(make_model(seed=seed))) for seed in (3, 4))
    prompts = [f"The review number {at} says" for at in range(12)]
    alone = [some[0] for some in small.generate([asked(one, token_logprobs=True) for one in prompts])]
    own = [one.text for one in alone]
    sure = [statistics.geometric_mean(map(math.exp, one.token_logprobs or ())) for one in alone]
    assert len(set(sure)) == len(prompts)
    threshold = (sorted(sure)[5] + sorted(sure)[6]) / 2
    model = CascadeModel(small, large, Confidence(by="likelihood", threshold=threshold))
    said = [some[0] for some in model.generate([asked(one) for one in prompts])]
    assert [one.responder for one in said] == ["small" if one > threshold else "large" for one in sure]
    others = [some[0].text for some in large.generate([asked(one) for one in prompts])]
    texts = [mine if one > threshold else other for one, mine, other in zip(sure, own, others, strict=True)]
    assert [one.text for one in said] == texts
    assert [one.drafts[0].text for one in said] == own
    assert all(one.token_logprobs is None for one in said)
    timed = model.generate([asked(prompts[0], alone=True)])[0][0]
    assert timed.seconds is not None and timed.drafts[0].seconds is not None
    assert timed.seconds >= timed.drafts[0].seconds


def test_a_chat_goes_to_both_as_it_is() -> None:
    everything = frozenset(Access)
    small, large = Scripted("I can't help with that.", access=everything), Scripted("Yes.", access=everything)
    model = CascadeModel(small, large, Confidence(by="refusal", threshold=1.0))
    chat = (Message(role="user", content="May I?"),)
    model.generate([Generation(prompt=chat, decoding=SHORT)])
    assert [one.prompt for model in (small, large) for one in model.heard if isinstance(one, Generation)] == [chat] * 2


ONE = "{kind: endpoint, url: 'http://127.0.0.1:9/v1', name: m}"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("threshold: 0.5, confidence: doubt", "confidence: Input should be 'likelihood', 'agreement' or 'refusal'"),
        ("confidence: agreement", "a cascade by agreement needs a threshold"),
        ("threshold: 1.5", "threshold: Input should be less than or equal to 1"),
        ("threshold: 0.5, samples: 3", "a cascade by likelihood draws no samples"),
        ("threshold: 0.5, treshold: 1", "unknown key; did you mean 'threshold'?"),
    ],
)
def test_bad_keys_are_told_in_one_sentence(more: str, said: str) -> None:
    text = f"version: 1\nmodel: {{kind: cascade, small: {ONE}, large: {ONE}, {more}}}\n"
    with pytest.raises(SpecFaults) as told:
        check_plan(parse(Path("model.yaml"), text), {})
    assert said in str(told.value)
    assert len(str(told.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("small", "said"),
    [
        (f"{{kind: cascade, small: {ONE}, large: {ONE}, threshold: 0.5}}", "a cascade cannot stand in a cascade"),
        ("{kind: endpont, name: m}", "model.small.kind: no kind is called 'endpont'"),
        ("{kind: transformers, path: not/here/at/all}", "is not a folder"),
        ("a/b", "model.small: must hold keys and values"),
    ],
)
def test_a_bad_part_is_told_in_one_sentence(small: str, said: str) -> None:
    text = f"version: 1\nmodel: {{kind: cascade, small: {small}, large: {ONE}, threshold: 0.5}}\n"
    with pytest.raises(SpecFaults) as told:
        check_plan(parse(Path("model.yaml"), text), {})
    assert said in str(told.value)
    assert len(str(told.value).splitlines()) == 1


def test_a_small_model_without_token_logprobs_is_refused_with_the_cure(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text('{"prompt": "a", "reply": "b"}\n')
    text = f"version: 1\nmodel: {{kind: cascade, small: {{kind: replay, path: {log}}}, large: {ONE}, threshold: 0.5}}\n"
    spec = check_plan(parse(Path("model.yaml"), text), {}, allow_path=True).spec
    with pytest.raises(UserError, match="gives no token log-probabilities"):
        CascadeModel(
            open_model(spec.model.small, str(log), Leave()),  # type: ignore[union-attr]
            LARGE,
            Confidence(by="likelihood", threshold=0.5),
        )


def test_one_key_is_not_sent_to_two_servers() -> None:
    text = f"version: 1\nmodel: {{kind: cascade, small: {ONE}, large: {ONE}, threshold: 0.5}}\n"
    plan = check_plan(parse(Path("model.yaml"), text), {})
    with pytest.raises(UserError, match="name the key of each"):
        open_model(plan.spec.model, plan.model_path, Leave(key_env="MY_KEY"))


@pytest.mark.parametrize(
    ("small", "large", "here"),
    [
        (("transformers", "cpu"), ("endpoint", ""), True),
        (("transformers", "cpu"), ("transformers", "cpu"), True),
        (("transformers", "cpu"), ("transformers", "cuda"), False),
        (("endpoint", ""), ("transformers", "cpu"), False),
    ],
)
def test_its_memory_is_this_processs_where_what_the_device_carries_lies_in_it(
    small: tuple[str, str], large: tuple[str, str], here: bool
) -> None:
    parts = [Scripted("Yes."), Scripted("Yes.")]
    for part, (kind, device) in zip(parts, (small, large), strict=True):
        part.identity = ModelIdentity(kind=kind, name="m", settings={"device": device})
    model = CascadeModel(*parts, Confidence(by="refusal", threshold=1.0))
    assert (peak_bytes(model.identity) is not None) == here
