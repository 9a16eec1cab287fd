"""A model in trouble behind a real HTTP server: each ends in a sentence that is true, and the socket goes on."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from accounts.models import User
from conversations.manuscript import manuscript_of
from conversations.models import Conversation, Message, MessageStatus
from conversations.tests.test_consumers import LAST, OpenPage, cookies, open_page
from conversations.threads import in_thread
from memorychat.llm import breakers
from memorychat.llm.providers import forget_models
from memorychat.llm.standin import Behaviour, Request, Said, standin

__all__ = ["cookies", "open_page"]

pytestmark = pytest.mark.django_db(transaction=True)

SILENCE = 1.0


@pytest.fixture
def model(settings: Settings) -> Iterator[Behaviour]:
    """The server that is asked, which does as it is told."""
    with standin(Behaviour(answer=lambda request: "All is well.")) as (url, behaviour):
        settings.LLM_PROVIDERS, settings.OPENAI_BASE_URL = ["openai", "builtin"], url
        settings.LLM_TIMEOUT_SECONDS = SILENCE
        yield behaviour
    breakers.forget()


@pytest.mark.parametrize(
    ("trouble", "code", "again_after"),
    [
        ("hang", "timeout", ""),
        ("cut", "interrupted", ""),
        ("drip", "timeout", ""),
        ("429", "rate_limited", "60"),
        ("500", "unreachable", ""),
        ("503", "unreachable", ""),
        ("401", "refused", ""),
        ("nonsense", "interrupted", ""),
        ("empty", "nonsense", ""),
        ("endless", "too_long", ""),
        ("huge", "too_long", ""),
    ],
)
async def test_trouble_ends_within_its_deadline_in_a_sentence(
    open_page: OpenPage, alice: User, model: Behaviour, settings: Settings, trouble: str, code: str, again_after: str
) -> None:
    model.trouble, model.again_after = trouble, again_after
    if trouble == "drip":
        model.answer = lambda request: "one more " * 200
    page = await open_page(alice)
    await page.send("message.send", text="Hello", client_message_id="m1")
    async with asyncio.timeout(SILENCE * 4 + 10):
        last = (await page.until(*LAST))[-1]
    assert (last["type"], last["code"]) == ("reply.failed", code)
    assert last["message"].endswith(".")
    # Nothing that was cut passes for an answer.
    assert not await in_thread(lambda: Message.objects.filter(status=MessageStatus.COMPLETE, role="assistant").exists())
    model.trouble, model.answer = "", lambda request: "All is well."
    assert (await page.say("Are you there?"))[-1]["html"] == '<p dir="auto">All is well.</p>\n'


async def test_a_server_that_is_not_there_is_told_too(open_page: OpenPage, alice: User, settings: Settings) -> None:
    settings.LLM_PROVIDERS, settings.OPENAI_BASE_URL = ["openai", "builtin"], "http://127.0.0.1:9/v1"
    page = await open_page(alice)
    last = (await page.say("Hello"))[-1]
    assert (last["type"], last["code"]) == ("reply.failed", "unreachable")
    forget_models()


@pytest.mark.parametrize(
    "call", [("save_memory", '{"content": '), ("launch_rocket", "{}"), ("search_memories", '{"query": 7}')]
)
async def test_a_broken_call_of_a_tool_is_answered(
    open_page: OpenPage, alice: User, model: Behaviour, call: tuple[str, str]
) -> None:
    def call_then_answer(request: Request) -> Said:
        answered = [message for message in request["messages"] if message["role"] == "tool"]
        if not answered:
            return [call]
        assert json.loads(answered[0]["content"])["action"] == "bad_call"
        return "I could not do that."

    model.answer = call_then_answer
    page = await open_page(alice)
    assert (await page.say("Hello"))[-1]["html"] == '<p dir="auto">I could not do that.</p>\n'


async def test_a_wait_that_the_provider_asks_for_is_kept(open_page: OpenPage, alice: User, model: Behaviour) -> None:
    model.trouble, model.again_after, model.troubles_left = "429", "0.2", 1
    page = await open_page(alice)
    assert (await page.say("Hello"))[-1]["html"] == '<p dir="auto">All is well.</p>\n'
    assert len(model.requests) == 2


async def test_an_answer_that_was_cut_for_its_length_says_so(
    open_page: OpenPage, alice: User, model: Behaviour
) -> None:
    model.reason = "length"
    page = await open_page(alice)
    await page.say("Hello")

    def trouble() -> str:
        [turn] = manuscript_of(Conversation.objects.get()).turns
        return turn.trouble

    assert await in_thread(trouble) == "Cut here: the answer has reached the length that is allowed."
