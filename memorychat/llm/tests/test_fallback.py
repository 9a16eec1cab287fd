import time
from collections.abc import Iterator
from contextlib import aclosing

import pytest

from memorychat.llm import breakers, outcomes
from memorychat.llm.anthropic import AnthropicChat
from memorychat.llm.deadlines import LONGEST_ANSWER
from memorychat.llm.fakes import FakeChat
from memorychat.llm.fallback import FallbackChat
from memorychat.llm.openai import OpenAIChat
from memorychat.llm.standin import Behaviour, standin
from memorychat.llm.types import Asked, ChatMessage, ChatModel, Finished, Piece, Prompt, ProviderError

PROMPT = Prompt("Be brief.", [ChatMessage("user", "Hello")])
DOWN = ProviderError("down", code="unreachable")


@pytest.fixture(autouse=True)
def closed_breakers() -> Iterator[None]:
    breakers.forget()
    yield
    breakers.forget()


async def gather(*models: ChatModel, silence: float = 1.0) -> list[Piece]:
    async with aclosing(FallbackChat(models, silence=silence).stream(PROMPT, correlation_id="c-1")) as pieces:
        return [piece async for piece in pieces]


def words(pieces: list[Piece]) -> str:
    return "".join(piece for piece in pieces if isinstance(piece, str))


async def test_the_next_model_answers_when_the_first_one_fails_twice() -> None:
    down, up = FakeChat(error=DOWN, cut_after=0), FakeChat("Fine.", provider="second", model="m-2")
    pieces = await gather(down, up)
    assert words(pieces) == "Fine."
    assert len(down.prompts) == 2
    asked = [piece for piece in pieces if isinstance(piece, Asked)]
    assert asked == [Asked("fake", "fake")] * 2 + [Asked("second", "m-2")]
    assert (outcomes.last["fake"].code, outcomes.last["second"].code) == ("unreachable", "")


async def test_a_refused_key_is_not_tried_again() -> None:
    refusing = FakeChat(error=ProviderError("no", code="refused", permanent=True), cut_after=0)
    assert words(await gather(refusing, FakeChat("Fine.", provider="second"))) == "Fine."
    assert len(refusing.prompts) == 1


async def test_after_the_first_word_nobody_else_is_asked() -> None:
    other = FakeChat("Never said.", provider="second")
    with pytest.raises(ProviderError) as raised:
        await gather(FakeChat("one two three", error=DOWN, cut_after=2), other)
    assert raised.value.code == "unreachable"
    assert not other.prompts


async def test_a_model_that_is_silent_leaves_the_others_their_share_of_the_time() -> None:
    silent = FakeChat("too late", pause=10)
    started = time.monotonic()
    assert words(await gather(silent, FakeChat("Fine.", provider="second"), silence=0.4)) == "Fine."
    assert time.monotonic() - started < 5
    assert len(silent.prompts) == 1


async def test_the_last_trouble_is_told_when_nobody_answers() -> None:
    with pytest.raises(ProviderError) as raised:
        await gather(FakeChat(error=DOWN, cut_after=0), FakeChat("", provider="second"))
    assert raised.value.code == "nonsense"


async def test_a_provider_that_failed_five_times_is_left_alone_and_tried_again_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    down, up = FakeChat(error=DOWN, cut_after=0), FakeChat("Fine.", provider="second")
    for _ in range(3):
        await gather(down, up)
    assert breakers.state("fake") == "opened"
    assert len(down.prompts) == breakers.FAILURES
    pieces = await gather(down, up)
    assert words(pieces) == "Fine."
    # It was not asked, and so is not named among those who saw the words.
    assert len(down.prompts) == breakers.FAILURES
    assert [piece for piece in pieces if isinstance(piece, Asked)] == [Asked("second", "fake")]
    later = time.time() + breakers.CLOSED_AGAIN_AFTER + 1
    monkeypatch.setattr(time, "time", lambda: later)
    down.error, down.cut_after = None, None
    assert words(await gather(down, up)) == "An answer."
    assert breakers.state("fake") == "closed"


async def test_what_cannot_be_helped_by_waiting_opens_no_breaker() -> None:
    refusing = FakeChat(error=ProviderError("no", code="refused", permanent=True), cut_after=0)
    for _ in range(breakers.FAILURES + 1):
        await gather(refusing, FakeChat("Fine.", provider="second"))
    assert breakers.state("fake") == "closed"


async def test_an_endless_answer_is_stopped() -> None:
    with pytest.raises(ProviderError) as raised:
        await gather(FakeChat(f"one {'x' * LONGEST_ANSWER}"))
    assert raised.value.code == "too_long"


async def test_a_wait_that_the_provider_asks_for_is_kept_within_the_deadline() -> None:
    with standin(Behaviour(trouble="429", again_after="0")) as (url, behaviour):
        model = OpenAIChat("m", api_key="k", base_url=url, temperature=0, max_tokens=9, timeout=5)
        behaviour.troubles_left = 1
        pieces = await gather(model, silence=5)
        assert words(pieces) == "An answer."
        assert len(behaviour.requests) == 2
        behaviour.trouble, behaviour.again_after, behaviour.troubles_left = "429", "60", None
        started = time.monotonic()
        second = FakeChat("Fine.", provider="second")
        assert words(await gather(model, second, silence=2)) == "Fine."
        assert time.monotonic() - started < 2
        await model.aclose()


async def test_anthropic_is_asked_in_its_own_format() -> None:
    with standin(Behaviour(answer=lambda request: "One two")) as (url, behaviour):
        model = AnthropicChat("claude", api_key="k", base_url=url.removesuffix("/v1"), max_tokens=9, timeout=5)
        pieces = await gather(model)
        await model.aclose()
    assert words(pieces) == "One two"
    assert pieces[-1] == Finished("stop", 10, 2)
    [request] = behaviour.requests
    assert request["path"] == "/v1/messages"
    assert (request["system"], request["max_tokens"]) == ("Be brief.", 9)
    assert request["messages"] == [{"role": "user", "content": "Hello"}]
