import asyncio
import time
from collections.abc import Iterator
from contextlib import aclosing
from datetime import UTC, datetime

import pytest

from memorychat.llm.deadlines import within
from memorychat.llm.openai import OpenAIChat, OpenAIEmbedder
from memorychat.llm.standin import Behaviour, standin
from memorychat.llm.types import ChatMessage, Finished, KnownMemory, Prompt, ProviderError

PROMPT = Prompt("Be brief.", [ChatMessage("user", "Hello")])


@pytest.fixture
def server() -> Iterator[tuple[str, Behaviour]]:
    with standin(Behaviour(answer=lambda request: "One two three")) as (url, behaviour):
        yield url, behaviour


def chat(url: str, *, model: str = "test-model", timeout: float = 5) -> OpenAIChat:
    return OpenAIChat(model, api_key="key", base_url=url, temperature=0.7, max_tokens=100, timeout=timeout)


async def gather(model: OpenAIChat, prompt: Prompt = PROMPT, *, silence: float = 5) -> tuple[str, Finished]:
    try:
        async with aclosing(within(model.stream(prompt, correlation_id="c-1"), silence=silence)) as stream:
            pieces = [piece async for piece in stream]
    finally:
        await model.aclose()
    assert isinstance(pieces[-1], Finished)
    return "".join(piece for piece in pieces if isinstance(piece, str)), pieces[-1]


async def test_another_server_is_asked_by_chat_completions(server: tuple[str, Behaviour]) -> None:
    url, behaviour = server
    text, finished = await gather(chat(url))
    assert (text, finished) == ("One two three", Finished("stop", 10, 3))
    [request] = behaviour.requests
    assert request["path"] == "/v1/chat/completions"
    assert request["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
    assert (request["temperature"], request["max_tokens"]) == (0.7, 100)


async def test_openai_itself_is_asked_by_responses_and_told_not_to_store(server: tuple[str, Behaviour]) -> None:
    url, behaviour = server
    model = chat(url)
    model._is_openai = True
    text, finished = await gather(model)
    assert (text, finished) == ("One two three", Finished("stop", 10, 3))
    [request] = behaviour.requests
    assert request["path"] == "/v1/responses"
    assert request["store"] is False
    assert "previous_response_id" not in request


@pytest.mark.parametrize("name", ["o3-mini", "gpt-5-mini"])
async def test_a_model_that_refuses_a_temperature_gets_none(server: tuple[str, Behaviour], name: str) -> None:
    url, behaviour = server
    await gather(chat(url, model=name))
    assert "temperature" not in behaviour.requests[0]


async def test_memories_are_given_as_fenced_data(server: tuple[str, Behaviour]) -> None:
    url, behaviour = server
    from_1999 = KnownMemory(1, "I live in Porto", datetime(1999, 5, 3, tzinfo=UTC), 0.9)
    await gather(chat(url), Prompt("Be brief.", [ChatMessage("user", "Where?")], memories=[from_1999]))
    system = behaviour.requests[0]["messages"][0]["content"]
    assert system == "Be brief.\n\n<memories>\n[1] (1999-05-03) I live in Porto\n</memories>"


@pytest.mark.parametrize(
    ("trouble", "code", "permanent"),
    [
        ("500", "unreachable", False),
        ("429", "rate_limited", False),
        ("401", "refused", True),
        ("400", "refused", True),
        ("cut", "interrupted", False),
        ("nonsense", "interrupted", False),
    ],
)
async def test_trouble_has_a_name(server: tuple[str, Behaviour], trouble: str, code: str, permanent: bool) -> None:
    url, behaviour = server
    behaviour.trouble = trouble
    with pytest.raises(ProviderError) as caught:
        await gather(chat(url))
    assert (caught.value.code, caught.value.permanent) == (code, permanent)


@pytest.mark.parametrize("pause", [0.0, 0.2])
async def test_silence_and_dripping_end_within_the_deadline(server: tuple[str, Behaviour], pause: float) -> None:
    url, behaviour = server
    behaviour.trouble = "" if pause else "hang"
    behaviour.pause, behaviour.answer = pause, lambda request: "drip " * 100
    started = time.monotonic()
    with pytest.raises(ProviderError) as caught:
        await gather(chat(url, timeout=0.5), silence=0.5)
    assert caught.value.code == "timeout"
    assert time.monotonic() - started < 10


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    with pytest.raises(ProviderError) as caught:
        await gather(chat("http://127.0.0.1:9/v1", timeout=1))
    assert caught.value.code == "unreachable"


def test_each_event_loop_has_a_client_of_its_own(server: tuple[str, Behaviour]) -> None:
    url, _ = server
    model = chat(url)
    assert [asyncio.run(gather(model))[0] for _ in range(2)] == ["One two three"] * 2


def embedder(url: str, dimensions: int = 8) -> OpenAIEmbedder:
    return OpenAIEmbedder("embed", dimensions=dimensions, api_key="key", base_url=url, timeout=5)


def test_embeddings_are_unit_vectors_in_order(server: tuple[str, Behaviour]) -> None:
    url, behaviour = server
    short, long = embedder(url).embed(["a", "a much longer text"])
    assert float(short @ short) == pytest.approx(1)
    assert long[0] > short[0]
    assert behaviour.requests[0]["dimensions"] == 8


def test_vectors_of_another_length_are_refused(server: tuple[str, Behaviour]) -> None:
    url, behaviour = server
    behaviour.dimensions = 4
    with pytest.raises(ProviderError) as caught:
        embedder(url).embed(["a"])
    assert caught.value.code == "nonsense"
