"""The local model against transformers itself, and against a published text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from slm_audit.audits.models.batching import TOKENS_A_BATCH
from slm_audit.audits.models.transformers import TransformersModel
from slm_audit.probes.contract import Access, Decoding, Generation, Message, Scoring
from transformers import AutoModelForCausalLM, AutoTokenizer

PROMPTS = ["The review says", "A request", "Question: what is the capital of France?", "x", ""]
SAMPLED = Decoding(max_tokens=12, temperature=1.0, top_p=0.9)


@pytest.fixture(scope="module")
def model(small_model: Path) -> TransformersModel:
    return TransformersModel(str(small_model))


def test_greedy_text_is_that_of_generate(model: TransformersModel, small_model: Path) -> None:
    network = AutoModelForCausalLM.from_pretrained(small_model, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(small_model)
    replies = model.generate([Generation(prompt=one, decoding=Decoding(max_tokens=12)) for one in PROMPTS[:4]])
    for prompt, (reply,) in zip(PROMPTS, replies, strict=False):
        ids = tokenizer(prompt, return_tensors="pt")["input_ids"]
        out = network.generate(ids, max_new_tokens=12, do_sample=False)[0]
        assert reply.text == tokenizer.decode(out[ids.shape[1] :], skip_special_tokens=True)


def test_a_score_is_the_sum_of_the_plain_log_softmax(model: TransformersModel, small_model: Path) -> None:
    network = AutoModelForCausalLM.from_pretrained(small_model, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(small_model)
    pairs = [("The review says", " that the meal was good"), ("A", " request is denied"), ("Question: what", " is")]
    scores = model.score([Scoring(context=a, continuation=b, per_token=True) for a, b in pairs])
    for (context, continuation), score in zip(pairs, scores, strict=True):
        ids = tokenizer(context + continuation, return_tensors="pt")["input_ids"]
        start = len(tokenizer(context)["input_ids"])
        with torch.no_grad():
            plain = network(ids).logits[0].double().log_softmax(-1)
        wanted = plain[start - 1 : -1].gather(1, ids[0, start:, None]).sum()
        assert score.logprob == pytest.approx(float(wanted), abs=1e-4)
        assert score.tokens == ids.shape[1] - start
        assert sum(score.token_logprobs) == pytest.approx(score.logprob)
        assert score.offsets[0] == 0


def test_replies_do_not_depend_on_the_batch(model: TransformersModel) -> None:
    asked = [Generation(prompt=one, decoding=SAMPLED, samples=3, seed=5) for one in PROMPTS]
    together = model.generate(asked)
    alone = [model.generate([one])[0] for one in reversed(asked)][::-1]
    assert [[reply.text for reply in one] for one in together] == [[reply.text for reply in one] for one in alone]


def test_few_samples_are_the_first_of_many_and_seeds_differ(model: TransformersModel) -> None:
    def texts(samples: int, seed: int) -> list[str]:
        asked = Generation(prompt="The review says", decoding=SAMPLED, samples=samples, seed=seed)
        return [one.text for one in model.generate([asked])[0]]

    many = texts(6, 1)
    assert texts(2, 1) == many[:2]
    assert len(set(many)) > 1
    assert texts(6, 2) != many


def test_sampling_follows_the_models_distribution(model: TransformersModel, small_model: Path) -> None:
    network = AutoModelForCausalLM.from_pretrained(small_model, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(small_model)
    ids = tokenizer("A request", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        chances = network(ids).logits[0, -1].softmax(-1)
    asked = Generation(prompt="A request", decoding=Decoding(max_tokens=1, temperature=1.0), samples=3000)
    drawn = [reply.text for reply in model.generate([asked])[0]]
    top = int(chances.argmax())
    share = drawn.count(tokenizer.decode([top])) / len(drawn)
    p = float(chances[top])
    assert abs(share - p) < 4 * (p * (1 - p) / len(drawn)) ** 0.5


def test_top_p_keeps_to_the_smallest_set(model: TransformersModel) -> None:
    narrow = Decoding(max_tokens=8, temperature=1.0, top_p=1e-9)
    greedy = model.generate([Generation(prompt="A request", decoding=Decoding(max_tokens=8))])[0][0].text
    assert model.generate([Generation(prompt="A request", decoding=narrow, seed=9)])[0][0].text == greedy


def test_a_stop_ends_the_text_before_it(model: TransformersModel) -> None:
    whole = model.generate([Generation(prompt="The review", decoding=Decoding(max_tokens=20))])[0][0].text
    stop = whole[len(whole) // 2 :][:2]
    cut = model.generate([Generation(prompt="The review", decoding=Decoding(max_tokens=20, stop=(stop,)))])[0][0]
    assert cut.text == whole.split(stop)[0]
    assert cut.finish == "stop"


def test_what_does_not_fit_the_context_comes_back_as_too_long(make_model: Callable[..., Path]) -> None:
    short = TransformersModel(str(make_model(context=16)))
    long = Generation(prompt="a b c " * 20, decoding=Decoding(max_tokens=4), samples=2)
    fits = Generation(prompt="a b", decoding=Decoding(max_tokens=4))
    replies = short.generate([long, fits])
    assert [one.finish for one in replies[0]] == ["error", "error"]
    assert replies[0][0].error.startswith("too_long")
    assert replies[1][0].error == ""
    assert short.score([Scoring(context="a b c " * 20, continuation=" d")])[0].error.startswith("too_long")


def test_logits_that_are_not_finite_are_an_error(make_model: Callable[..., Path]) -> None:
    folder = make_model()
    network = AutoModelForCausalLM.from_pretrained(folder)
    with torch.no_grad():
        network.lm_head.weight[:] = float("nan")
    network.save_pretrained(folder)
    broken = TransformersModel(str(folder))
    reply = broken.generate([Generation(prompt="a", decoding=Decoding(max_tokens=4))])[0][0]
    assert (reply.finish, reply.error[:3]) == ("error", "nan")
    assert broken.score([Scoring(context="a", continuation=" b")])[0].error.startswith("nan")


def test_a_chat_template_is_found_and_used(make_model: Callable[..., Path]) -> None:
    template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>"
    strict = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}" + template
    chat, no_system = (TransformersModel(str(make_model(template=one))) for one in (template, strict))
    assert {Access.chat, Access.system} <= chat.access
    assert Access.chat in no_system.access
    assert Access.system not in no_system.access
    asked = Generation(prompt=(Message(role="user", content="A request"),), decoding=Decoding(max_tokens=5))
    raw = Generation(prompt="<user>A request<assistant>", decoding=Decoding(max_tokens=5))
    assert chat.generate([asked])[0][0].text == chat.generate([raw])[0][0].text


def test_batches_hold_each_request_once_and_keep_the_budget(model: TransformersModel) -> None:
    asked = [Scoring(context="a " * (at % 60 + 1), continuation=" b") for at in range(500)]
    plan = model.batches(asked)
    assert sorted(place for batch in plan for place in batch) == list(range(500))
    for batch in plan:
        tokens = sum(len(one.ids) for one in model._tokens.continued([asked[place] for place in batch]))
        assert len(batch) == 1 or tokens <= TOKENS_A_BATCH


@pytest.mark.replay
def test_c5_stories260k_tells_its_published_story(shared: Path) -> None:
    stories = TransformersModel(str(shared / "models" / "stories260k"))
    text = stories.generate([Generation(prompt="", decoding=Decoding(max_tokens=200))])[0][0].text
    assert len(text.encode()) == 464
    assert text.startswith(
        "Once upon a time, there was a little girl named Lily. She loved to play outside in the park."
    )
    assert text.endswith("so she")
