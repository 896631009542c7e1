"""The fast path says what the plain one says, whatever the batch, the order, the budget and the number of workers."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from slm_audit.audits.models.transformers import TransformersModel
from slm_audit.audits.models.tree_attention import rounded
from slm_audit.audits.models.trees import Tree
from slm_audit.probes.contract import Decoding, Generation, Scoring
from transformers import AutoModelForCausalLM, AutoTokenizer

WORDS = ["the", "review", "says", "that", "meal", "was", "good", "request", "is", "denied", "what", "capital"]
SHOTS = "Question: what is good? Answer: the meal. Question: what is denied? Answer: the request. "


def words(stream: random.Random, count: int) -> str:
    return " ".join(stream.choices(WORDS, k=count))


def asked(before: str = "") -> list[Scoring]:
    stream = random.Random(4)
    pairs = []
    for length in (3, 9, 20, 21, 22):
        context = before + words(stream, length)
        pairs += [(context, " " + words(stream, stream.randint(1, 5))) for _ in range(4)]
        pairs.append((context, " " + stream.choice(WORDS)))
    return [Scoring(context=context, continuation=continuation) for context, continuation in [*pairs, *pairs[:3]]]


@pytest.fixture(scope="module")
def fast(small_model: Path) -> TransformersModel:
    model = TransformersModel(str(small_model), threads=2)
    assert model.identity.settings["path"] == "shared"
    return model


@pytest.fixture(scope="module")
def plain(small_model: Path) -> TransformersModel:
    model = TransformersModel(str(small_model), plain=True)
    assert model.identity.settings["path"] == "plain"
    return model


@pytest.mark.parametrize("before", ["", SHOTS * 4], ids=["contexts", "few-shot"])
@pytest.mark.parametrize("budget", [16, 1024])
def test_scores_are_those_of_the_plain_path(
    fast: TransformersModel, plain: TransformersModel, monkeypatch: pytest.MonkeyPatch, before: str, budget: int
) -> None:
    monkeypatch.setattr(fast._engine.room, "tokens", budget)
    found, wanted = fast.score(asked(before)), plain.score(asked(before))
    assert max(abs(a.logprob - b.logprob) for a, b in zip(found, wanted, strict=True)) < 1e-4
    assert [(a.tokens, a.unscored, a.greedy) for a in found] == [(b.tokens, b.unscored, b.greedy) for b in wanted]


def test_whole_texts_longer_than_a_pass_are_scored_too(
    fast: TransformersModel, plain: TransformersModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fast._engine.room, "tokens", 32)
    texts = [Scoring(context="", continuation=words(random.Random(at), 90), per_token=True) for at in range(3)]
    for found, wanted in zip(fast.score(texts), plain.score(texts), strict=True):
        assert found.tokens == wanted.tokens > 100
        assert found.logprob == pytest.approx(wanted.logprob, abs=3e-4)
        assert found.token_logprobs == pytest.approx(wanted.token_logprobs, abs=1e-4)


def test_moments_are_those_of_the_whole_distribution(fast: TransformersModel, small_model: Path) -> None:
    network = AutoModelForCausalLM.from_pretrained(small_model, dtype=torch.float64)
    tokenizer = AutoTokenizer.from_pretrained(small_model)
    context, continuation = "The review says", " that the meal was good"
    ids = tokenizer(context + continuation, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        likely = network(ids).logits[0, len(tokenizer(context)["input_ids"]) - 1 : -1].log_softmax(-1)
    mean = (likely.exp() * likely).sum(-1)
    variance = (likely.exp() * likely**2).sum(-1) - mean**2
    both = [Scoring(context=context, continuation=continuation, moments=more) for more in (True, False)]
    with_them, without = fast.score(both)
    assert with_them.means == pytest.approx(mean.tolist(), abs=1e-4)
    assert with_them.variances == pytest.approx(variance.tolist(), abs=1e-3)
    assert (without.means, without.variances) == (None, None)


def prompts(samples: int) -> list[Generation]:
    stream = random.Random(9)
    decoding = Decoding(max_tokens=24, temperature=1.0)
    return [
        Generation(prompt=words(stream, length), decoding=decoding, samples=samples, seed=3)
        for length in (1, 2, 5, 9, 14, 14, 20)
    ]


def drawn(model: TransformersModel, requests: list[Generation]) -> list[str]:
    return [one.text for some in model.generate(requests) for one in some]


def test_the_same_texts_alone_in_any_company_and_on_any_number_of_workers(
    small_model: Path, fast: TransformersModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = prompts(samples=12)
    wanted = [text for one in requests for text in drawn(fast, [one])]
    single = TransformersModel(str(small_model), threads=1)
    assert drawn(single, requests) == wanted
    assert drawn(fast, requests) == wanted
    monkeypatch.setattr(fast._engine.room, "tokens", 16)  # prompts are read in parts
    assert drawn(fast, requests) == wanted
    monkeypatch.setattr(fast._engine.room, "most_rows", 5)  # rows land and are replaced at every step
    assert drawn(fast, requests) == wanted
    few = [text for at in range(len(requests)) for text in wanted[12 * at : 12 * at + 3]]
    assert drawn(fast, prompts(samples=3)) == few
    assert len(set(wanted)) > 60


def test_a_prompt_of_few_samples_is_read_once_however_many_workers_there_are(
    small_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = TransformersModel(str(small_model), threads=4)
    passing = model._engine._passing
    trees, read = passing.trees, list[Tree]()

    def counted(some: list[Tree], *more: object, **given: object) -> object:
        read.extend(some)
        return trees(some, *more, **given)

    monkeypatch.setattr(passing, "trees", counted)
    (request,) = prompts(samples=8)[-1:]
    ((first, *_),) = model.generate([request])
    assert [one.tokens for one in read] == [first.prompt_tokens]


def test_a_shared_beginning_changes_no_text(fast: TransformersModel, plain: TransformersModel) -> None:
    stream = random.Random(2)
    decoding = Decoding(max_tokens=10, temperature=0.8, top_p=0.95)
    requests = [Generation(prompt=SHOTS * 3 + words(stream, 6), decoding=decoding, samples=4) for _ in range(6)]
    assert drawn(fast, requests) == drawn(plain, requests)


@pytest.mark.slow
def test_at_most_one_token_in_ten_thousand_differs_from_the_plain_path(
    make_model: Callable[..., Path],
) -> None:
    folder = str(make_model(seed=21))
    decoding = Decoding(max_tokens=40, temperature=1.0, top_p=0.9)
    stream = random.Random(6)
    requests = [Generation(prompt=words(stream, 8), decoding=decoding, samples=8) for _ in range(100)]
    found = [one for some in TransformersModel(folder, threads=2).generate(requests) for one in some]
    wanted = [one for some in TransformersModel(folder, plain=True).generate(requests) for one in some]
    tokens = sum(one.tokens or 0 for one in wanted)
    differing = sum(a.text != b.text for a, b in zip(found, wanted, strict=True))  # a text parts at one token
    assert tokens > 20_000
    assert differing <= tokens / 10_000


def test_passes_come_in_few_sizes_and_waste_little() -> None:
    sizes = [rounded(tokens) for tokens in range(1, 4097)]
    assert all(tokens <= size <= tokens * 17 / 16 for tokens, size in enumerate(sizes, start=1))
    assert len(set(sizes)) < 170
