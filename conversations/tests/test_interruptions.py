"""What comes between a message and its answer: lost sockets, programs that hang up, a process that is told to stop."""

import asyncio
import json
import threading
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.core.asgi import get_asgi_application
from pytest_django import Settings

from accounts.models import User
from accounts.tests.programs import Program
from conversations import replies, turns
from conversations.models import Conversation, Message, MessageStatus, Role
from conversations.tests.conftest import UseModel
from conversations.tests.test_consumers import LAST, OpenPage, Page, cookies, open_page
from conversations.threads import in_thread
from conversations.turns import Said, Turn
from memories.models import Memory, PrivacyMode
from memorychat.llm.fakes import FakeChat
from memorychat.llm.types import Finished, Pieces, Prompt, ToolCall

__all__ = ["cookies", "open_page"]

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 20.0


class Slow:
    """Stands before a function: `began` is set when it is called, and it goes on when `may_go` is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, module: object, name: str, *, after: bool = False) -> None:
        self.began, self.may_go = threading.Event(), threading.Event()
        real = getattr(module, name)

        def slowly(*args: Any, **kwargs: Any) -> Any:
            done = real(*args, **kwargs) if after else None
            self.began.set()
            assert self.may_go.wait(PATIENCE)
            return done if after else real(*args, **kwargs)

        monkeypatch.setattr(module, name, slowly)

    async def has_begun(self) -> None:
        assert await asyncio.to_thread(self.began.wait, PATIENCE)


async def test_a_first_message_that_is_sent_again_opens_no_second_conversation(
    open_page: OpenPage, alice: User, use_model: UseModel
) -> None:
    """Its page lost the socket before it heard which conversation it is in."""
    model = use_model(FakeChat("Fine."))
    lost = await open_page(alice)
    first = await lost.say("I live in Porto", client_message_id="m1")
    page = await open_page(alice)
    again = await page.say("I live in Porto", client_message_id="m1")
    await page.say("And I like tea")

    assert [frame["type"] for frame in again[:2]] == ["conversation.opened", "message.saved"]
    assert again[0]["id"] == first[0]["id"]
    assert again[-1]["message_id"] == first[-1]["message_id"]
    assert await in_thread(Conversation.objects.count) == 1
    assert await in_thread(lambda: Message.objects.filter(role=Role.USER).count()) == 2
    assert len(model.prompts) == 2


async def test_what_waits_to_begin_while_the_process_is_told_to_stop_is_not_taken(
    open_page: OpenPage, alice: User, use_model: UseModel
) -> None:
    use_model(FakeChat("Fine."))
    page = await open_page(alice)
    holds = threading.Event()
    others = [asyncio.create_task(in_thread(holds.wait, PATIENCE)) for _ in range(4)]
    await asyncio.sleep(0)
    await page.send("message.send", text="Hello", client_message_id="m1")
    await asyncio.sleep(0.01)
    replies.draining.set()
    frames = await page.until("error", *LAST)
    holds.set()
    await asyncio.gather(*others)

    assert frames[-1]["code"] == "stopping"
    assert not await in_thread(Message.objects.exists)


async def test_an_answer_from_elsewhere_is_looked_for_once_and_as_long_as_there_is_a_page(
    open_page: OpenPage, alice: User
) -> None:
    turn: Turn = await in_thread(turns.begin, alice, Said("Hello", PrivacyMode.NORMAL))
    page = await open_page(alice, f"/ws/chat/{turn.conversation_id}/")
    for _ in range(5):
        await page.send("reply.resume", turn=str(turn.id), after=0)
        assert (await page.receive())["type"] == "reply.started"
    await asyncio.sleep(0)
    looking = _looking()
    await page.socket.disconnect()
    await asyncio.sleep(0.05)

    assert (looking, _looking()) == (1, 0)


def _looking() -> int:
    return sum("_look_elsewhere" in repr(task.get_coro()) for task in asyncio.all_tasks())


class Announcing(FakeChat):
    """Says what it is about to do before it calls a tool."""

    async def stream(self, prompt: Prompt, *, correlation_id: str) -> Pieces:
        if not prompt.rounds:
            yield "Let me look that up."
            yield ToolCall("c1", "search_memories", json.dumps({"query": "Porto"}))
            yield Finished("tool_calls", 1, 1)
            return
        yield "Done."
        yield Finished("stop", 1, 1)


async def test_what_is_said_before_a_tool_is_heard_before_it(
    open_page: OpenPage, alice: User, use_model: UseModel
) -> None:
    use_model(Announcing())
    page = await open_page(alice)
    frames = await page.say("Where do I live?")
    told = [
        frame.get("text") or frame.get("tool") for frame in frames if frame["type"] in ("reply.delta", "reply.step")
    ]

    assert told[:3] == ["search_memories", "Let me look that up.", "search_memories"]


async def test_what_a_tool_began_belongs_to_the_answer_that_is_stopped(
    open_page: OpenPage, alice: User, use_model: UseModel, run_jobs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    saving = ("save_memory", json.dumps({"content": "I live in Lisbon", "confidence": 0.9}))
    use_model(FakeChat("Noted.", calls=[[saving]], found=json.dumps({"memories": [], "forget": []})))
    keeping = Slow(monkeypatch, turns, "keep_wish")
    page = await open_page(alice)
    await page.send("message.send", text="I live in Lisbon", client_message_id="m1")
    await keeping.has_begun()
    await page.send("reply.stop")
    await asyncio.sleep(0.05)
    keeping.may_go.set()
    await page.until(*LAST)
    await in_thread(run_jobs)

    assert await in_thread(lambda: [memory.content for memory in Memory.objects.all()]) == ["I live in Lisbon"]
    assert not await in_thread(Message.objects.filter(wishes__isnull=False).exists)


async def test_the_first_word_has_one_time_however_often_tools_are_called(
    open_page: OpenPage, alice: User, use_model: UseModel, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    given: list[float] = []

    class Calling(FakeChat):
        async def stream(self, prompt: Prompt, *, correlation_id: str) -> Pieces:
            yield ToolCall("c1", "search_memories", json.dumps({"query": "Porto"}))
            yield Finished("tool_calls", 1, 1)

    real = replies.Reply._patience

    def patience(reply: replies.Reply, since: float) -> float:
        given.append(real(reply, since))
        return given[-1]

    monkeypatch.setattr(replies.Reply, "_patience", patience)
    use_model(Calling())
    page = await open_page(alice)
    end = (await page.say("Where do I live?"))[-1]

    assert end["type"] == "reply.failed"
    assert settings.LLM_TIMEOUT_SECONDS > given[0] > given[-1]


@pytest.mark.parametrize("key", ['"a\\000b"', "short", "A" * 32, "ä" * 32, "x" * 200])
async def test_what_is_no_session_opens_no_socket(alice: User, key: str) -> None:
    page = Page(key)
    await page.open()

    assert await page.closed_with() == 4401


async def test_a_program_that_hangs_up_while_its_turn_begins_is_answered_all_the_same(
    program: Program, use_model: UseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_model(FakeChat("Fine."))
    beginning = Slow(monkeypatch, turns, "begin", after=True)
    headers = [(b"authorization", f"Bearer {program.key.text}".encode()), (b"host", b"localhost")]
    scope = {"type": "http", "method": "POST", "path": "/api/v1/chat", "headers": headers}
    connected: Any = ApplicationCommunicator(get_asgi_application(), scope)  # type: ignore[no-untyped-call]
    await connected.send_input({"type": "http.request", "body": json.dumps({"message": "Hello"}).encode()})
    await beginning.has_begun()
    await connected.send_input({"type": "http.disconnect"})
    await asyncio.sleep(0.05)
    beginning.may_go.set()
    while not (running := list(replies.running.values())):  # noqa: ASYNC110  # it begins in a thread
        await asyncio.sleep(0.01)
    await running[0].task

    answers = await in_thread(lambda: [(row.text, row.status) for row in Message.objects.filter(role=Role.ASSISTANT)])
    assert answers == [("Fine.", MessageStatus.COMPLETE)]
