"""Calls of tools, by each of the formats: what the model is offered, what it calls, and how it is answered."""

from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import replace

import pytest

from memorychat.llm.anthropic import AnthropicChat
from memorychat.llm.openai import OpenAIChat, _Calls
from memorychat.llm.standin import Behaviour, Request, Said, standin
from memorychat.llm.types import ChatMessage, ChatModel, Piece, Prompt, ToolCall, ToolRound, ToolSpec

TOOL = ToolSpec("look_up", "Looks something up.", {"type": "object", "properties": {"query": {"type": "string"}}})
PROMPT = Prompt("Be brief.", [ChatMessage("user", "Where?")], tools=[TOOL])
CALL = ToolCall("call-0", "look_up", '{"query": "town"}')
ROUNDS = [ToolRound("I look.", [CALL], ["Porto"])]


def completions(url: str) -> ChatModel:
    return OpenAIChat("m", api_key="k", base_url=url, temperature=0, max_tokens=9, timeout=5)


def responses(url: str) -> ChatModel:
    model = OpenAIChat("m", api_key="k", base_url=url, temperature=0, max_tokens=9, timeout=5)
    model._is_openai = True
    return model


def messages(url: str) -> ChatModel:
    return AnthropicChat("m", api_key="k", base_url=url.removesuffix("/v1"), max_tokens=9, timeout=5)


def call_or_tell(request: Request) -> Said:
    told = "Porto" in str(request)
    return "In Porto" if told else [(CALL.name, CALL.arguments)]


@pytest.fixture
def server() -> Iterator[tuple[str, Behaviour]]:
    with standin(Behaviour(answer=call_or_tell)) as found:
        yield found


async def gather(model: ChatModel, prompt: Prompt) -> list[Piece]:
    try:
        async with aclosing(model.stream(prompt, correlation_id="c-1")) as pieces:
            return [piece async for piece in pieces]
    finally:
        await model.aclose()


@pytest.mark.parametrize("make", [completions, responses, messages])
async def test_a_tool_is_called_and_its_answer_heard(
    server: tuple[str, Behaviour], make: Callable[[str], ChatModel]
) -> None:
    url, behaviour = server
    first = await gather(make(url), PROMPT)
    assert [piece for piece in first if isinstance(piece, ToolCall)] == [CALL]
    then = await gather(make(url), replace(PROMPT, rounds=ROUNDS))
    assert "".join(piece for piece in then if isinstance(piece, str)) == "In Porto"
    offered, answered = behaviour.requests
    assert "look_up" in str(offered["tools"])
    assert all(part in str(answered) for part in ("I look.", "call-0", "Porto", "town"))


def test_a_call_that_comes_in_parts_is_put_together() -> None:
    """As servers send it: the name first, then the arguments bit by bit."""

    calls = _Calls()
    calls.take([{"index": 0, "id": "a", "function": {"name": "look_up", "arguments": ""}}])
    calls.take([{"index": 0, "id": None, "function": {"name": None, "arguments": '{"query":'}}])
    calls.take([{"index": 0, "function": {"arguments": ' "town"}'}}])
    assert calls.whole() == [ToolCall("a", "look_up", '{"query": "town"}')]


@pytest.mark.parametrize("given", ["", "nonsense", "[1]", '{"a": ', "[" * 100_000])
def test_arguments_that_are_no_object_are_none(given: str) -> None:
    assert ToolCall("1", "look_up", given).given() is None


async def test_a_model_that_knows_no_tools_is_asked_without_them(server: tuple[str, Behaviour]) -> None:
    url, behaviour = server
    behaviour.trouble, behaviour.answer = "no_tools", lambda request: "In Porto"
    model = completions(url)
    for _ in range(2):
        said = await gather(model, PROMPT)
        assert "".join(piece for piece in said if isinstance(piece, str)) == "In Porto"
    # It is offered them once.
    assert ["tools" in request for request in behaviour.requests] == [True, False, False]
