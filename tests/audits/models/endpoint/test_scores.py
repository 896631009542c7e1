"""What a server says of a text against what the local engine says of it, in both dialects."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from slm_audit.audits.model_file import EndpointFile
from slm_audit.audits.models import Leave
from slm_audit.audits.models.endpoint.model import EndpointModel
from slm_audit.audits.models.transformers import TransformersModel
from slm_audit.probes.contract import Access, Decoding, Generation, Message, Scoring

TEMPLATE = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}</{{ m.role }}>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
CHAT = (Message(role="system", content="Be brief."), Message(role="user", content="Is the request approved?"))
PAIRS = [
    ("The review says", " that the meal was good"),
    ("A request", " is approved or denied"),
    ("A", " b"),
    ("Question: what is the capital of France? Answer:", " Paris"),
    ("The vault code is", " 1 2 3 ünï"),
]
Pair = tuple[EndpointModel, TransformersModel]


def ask(url: str, **more: object) -> EndpointModel:
    return EndpointModel(EndpointFile.model_validate({"kind": "endpoint", "url": url, "name": "tiny", **more}), Leave())


@pytest.fixture(scope="module")
def url(serve, make_model: Callable[..., Path]) -> str:
    return serve("vllm_formats.py", str(make_model(template=TEMPLATE, seed=4)), "vllm")[0]


@pytest.fixture(scope="module")
def vllm(url: str, make_model: Callable[..., Path]) -> Pair:
    return ask(url), TransformersModel(str(make_model(template=TEMPLATE, seed=4)))


@pytest.fixture(scope="module", params=["echo", "unstarted"])
def echo(request: pytest.FixtureRequest, serve, small_model: Path) -> Pair:
    url, _ = serve("vllm_formats.py", str(small_model), request.param)
    return ask(url), TransformersModel(str(small_model))


def agree(pair: Pair, asked: list[Scoring]) -> None:
    served, local = pair
    for there, here in zip(served.score(asked), local.score(asked), strict=True):
        assert there.error == here.error
        assert there.logprob == pytest.approx(here.logprob, abs=1e-4)
        assert (there.tokens, there.unscored, there.greedy) == (here.tokens, here.unscored, here.greedy)
        assert there.token_logprobs == pytest.approx(here.token_logprobs, abs=1e-4)
        assert there.offsets is None or there.offsets == here.offsets


def test_scores_agree_in_vllms_dialect_of_plain_text_and_chats(vllm: Pair) -> None:
    assert {Access.score, Access.chat, Access.system, Access.prefill, Access.seeded} <= vllm[0].access
    assert vllm[0].identity.versions == {"server": "0.0.tests"}
    plain = [Scoring(context=a, continuation=b, per_token=True) for a, b in PAIRS]
    agree(vllm, [*plain, *(Scoring(context=CHAT, continuation=b.strip(), per_token=True) for _, b in PAIRS)])


def test_scores_agree_in_the_dialect_of_echo(echo: Pair) -> None:
    assert Access.score in echo[0].access
    assert Access.chat not in echo[0].access
    agree(echo, [Scoring(context=a, continuation=b, per_token=True) for a, b in PAIRS])


def test_the_likeliest_continuation_is_known_as_greedy(vllm: Pair, echo: Pair) -> None:
    for pair in (vllm, echo):
        served, local = pair
        text = local.generate([Generation(prompt="A request", decoding=Decoding(max_tokens=3))])[0][0].text
        asked = [Scoring(context="A request", continuation=text)]
        # Text that is encoded again may fall into other tokens: only where it does not must it be greedy.
        assert served.score(asked)[0].greedy == local.score(asked)[0].greedy
    assert any(
        pair[0].score([Scoring(context=a, continuation=b)])[0].greedy is False
        for pair in (vllm, echo)
        for a, b in PAIRS
    )


def test_greedy_texts_of_plain_prompts_chats_and_begun_turns_are_the_local_ones(vllm: Pair) -> None:
    served, local = vllm
    decoding = Decoding(max_tokens=8)
    asked = [
        Generation(prompt="The review says", decoding=decoding, token_logprobs=True),
        Generation(prompt=CHAT, decoding=decoding, token_logprobs=True),
        Generation(prompt=CHAT, decoding=decoding, prefill="It is"),
        Generation(prompt="The review", decoding=decoding, prefill=" says"),
    ]
    for (there,), (here,) in zip(served.generate(asked), local.generate(asked), strict=True):
        assert (there.text, there.finish, there.prompt_tokens) == (here.text, here.finish, here.prompt_tokens)
        assert there.token_logprobs == pytest.approx(here.token_logprobs, abs=1e-4)


def test_few_samples_are_the_first_of_many_and_differ(vllm: Pair) -> None:
    def texts(samples: int, seed: int) -> list[str]:
        drawn = Decoding(max_tokens=8, temperature=1.0, top_p=0.9)
        asked = Generation(prompt="The review says", decoding=drawn, samples=samples, seed=seed)
        return [one.text for one in vllm[0].generate([asked])[0]]

    assert texts(2, 1) == texts(5, 1)[:2]
    assert len(set(texts(5, 1))) > 1
    assert texts(5, 2) != texts(5, 1)


def test_what_does_not_fit_comes_back_as_too_long_and_nothing_as_empty(vllm: Pair) -> None:
    long = "a b c " * 300
    ((reply,),) = vllm[0].generate([Generation(prompt=long, decoding=Decoding(max_tokens=4))])
    assert (reply.finish, reply.error.split(":")[0]) == ("error", "too_long")
    scores = vllm[0].score([Scoring(context=long, continuation=" d"), Scoring(context="A", continuation="")])
    assert [one.error.split(":")[0] for one in scores] == ["too_long", "empty"]


def test_without_its_template_a_chat_model_is_asked_plainly(url: str, vllm: Pair) -> None:
    raw = ask(url, template="never")
    assert Access.chat not in raw.access
    assert Access.score in raw.access
    agree((raw, vllm[1]), [Scoring(context=a, continuation=b, per_token=True) for a, b in PAIRS])
