"""A whole turn in which the model uses tools, by the chat's own socket and the job that learns."""

import json
from collections.abc import Callable

import pytest

from accounts.models import User
from conversations import turns
from conversations.models import Message, MessageStatus, Receipt
from conversations.replies import MOST_ROUNDS
from conversations.tests.conftest import UseModel
from conversations.tests.test_consumers import OpenPage, cookies, open_page
from conversations.tests.test_turns import answer, say
from conversations.threads import in_thread
from memories import profiles
from memories.engine import writing
from memories.engine.rules import slot_of
from memories.engine.types import Candidate
from memories.models import Action, Memory, MemoryEvent, Status
from memorychat.llm.fakes import FakeChat

__all__ = ["cookies", "open_page"]

pytestmark = pytest.mark.django_db(transaction=True)

NOTHING = '{"memories": [], "forget": []}'


def know(person: User, *contents: str) -> list[Memory]:
    access = profiles.by_hand(person, profiles.default_for(person))
    written = writing.remember_all(access, [Candidate(content, slot=slot_of(content)) for content in contents])
    return [Memory.objects.get(pk=each.memory_id) for each in written if each.memory_id]


def save(content: str, confidence: float = 0.9) -> tuple[str, str]:
    return "save_memory", json.dumps({"content": content, "confidence": confidence})


def delete(**given: object) -> tuple[str, str]:
    return "delete_memory", json.dumps(given, default=str)


def chat(answer: str, *calls: tuple[str, str], found: str = NOTHING) -> FakeChat:
    """Calls one tool a round, then answers; `found` is what the job finds that learns from the message."""
    return FakeChat(answer, calls=[[call] for call in calls], found=found)


async def test_what_the_model_saves_is_written_once_and_supersedes(
    open_page: OpenPage, alice: User, use_model: UseModel, run_jobs: Callable[[], int]
) -> None:
    await in_thread(know, alice, "I live in Porto")
    found = json.dumps({"memories": [{"content": "I live in Lisbon now", "quote": "I live in Lisbon"}]})
    model = use_model(chat("Noted, Lisbon.", save("I live in Lisbon"), found=found))
    page = await open_page(alice)
    frames = await page.say("Actually I live in Lisbon")
    assert frames[-1]["type"] == "reply.finished"
    assert [frame["tool"] for frame in frames if frame["type"] == "reply.step"] == ["search_memories", "save_memory"]
    assert json.loads(model.prompts[1].rounds[0].results[0])["action"] == "queued"
    await in_thread(run_jobs)
    await in_thread(run_jobs)

    def state() -> None:
        assert [memory.content for memory in Memory.objects.active()] == ["I live in Lisbon"]
        [gone] = Memory.objects.with_status(Status.SUPERSEDED)
        assert gone.content == "I live in Porto"
        question = Message.objects.get(role="user")
        assert question.wishes is None
        assert MemoryEvent.objects.filter(message_id=question.pk, action=Action.CREATED).count() == 1

    await in_thread(state)


async def test_what_is_not_sure_waits_for_the_person(
    open_page: OpenPage, alice: User, use_model: UseModel, run_jobs: Callable[[], int]
) -> None:
    use_model(chat("Shall I keep that?", save("I might be allergic to nuts", 0.6)))
    page = await open_page(alice)
    await page.say("I might be allergic to nuts")
    await in_thread(run_jobs)
    [memory] = await in_thread(lambda: list(Memory.objects.all()))
    assert memory.status == Status.PENDING


async def test_what_is_saved_outlives_a_process_that_dies_before_the_answer_ends(
    open_page: OpenPage, alice: User, use_model: UseModel, run_jobs: Callable[[], int]
) -> None:
    model = use_model(chat("word " * 500, save("I moved to Lisbon")))
    model.pause = 0.02
    page = await open_page(alice)
    await page.send("message.send", text="I moved to Lisbon", client_message_id="m1")
    await page.until("reply.delta")
    assert await in_thread(lambda: Message.objects.get(role="user").wishes is not None)


async def test_only_what_the_person_confirmed_in_a_later_message_is_forgotten(
    open_page: OpenPage, alice: User, use_model: UseModel
) -> None:
    porto, _ = await in_thread(know, alice, "I live in Porto", "My dog is called Bruno")
    model = use_model(
        chat("Which one?", delete(description="where I live"), delete(confirm=True, memory_ids=[porto.pk]))
    )
    page = await open_page(alice)
    await page.say("Forget where I live")
    offered, refused = (json.loads(step.results[0]) for step in model.prompts[-1].rounds)
    assert str(porto.pk) in offered["memory_ids"]
    assert refused["action"] == "nothing_found"
    assert await in_thread(Memory.objects.active().count) == 2
    model.calls = [[delete(confirm=True, memory_ids=[porto.pk])]]
    await page.say("Yes, that one")
    assert [memory.content for memory in await in_thread(list, Memory.objects.active())] == ["My dog is called Bruno"]


async def test_found_memories_join_the_receipt_under_their_numbers(
    open_page: OpenPage, alice: User, use_model: UseModel
) -> None:
    await in_thread(know, alice, "I live in Porto", "My dog is called Bruno")
    use_model(chat("You live in Porto [1].", ("search_memories", '{"query": "dog"}')))
    page = await open_page(alice)
    last = (await page.say("Where do I live?"))[-1]
    receipt = await in_thread(Receipt.objects.get)
    assert [row["number"] for row in receipt.recalled] == list(range(1, len(receipt.recalled) + 1))
    assert len({row["memory_id"] for row in receipt.recalled}) == len(receipt.recalled)
    assert receipt.prompt["steps"] == [{"tool": "search_memories", "action": "found"}]
    assert (receipt.input_tokens, receipt.output_tokens) == (20, 10)
    assert last["receipt"]["seen_by"] == receipt.seen_by == [{"provider": "fake", "model": "fake", "code": ""}] * 2


async def test_a_model_that_only_calls_tools_is_stopped(open_page: OpenPage, alice: User, use_model: UseModel) -> None:
    model = use_model(chat("At last.", *[("search_memories", '{"query": "dog"}')] * 50))
    page = await open_page(alice)
    last = (await page.say("Hello"))[-1]
    assert last["html"] == '<p dir="auto">At last.</p>\n'
    assert len(model.prompts) == MOST_ROUNDS + 1
    assert not model.prompts[-1].may_call


@pytest.mark.parametrize("call", [("search_memories", "{bad"), ("launch_rocket", "{}"), ("save_memory", "[]")])
async def test_a_wrong_call_is_answered_and_the_reply_goes_on(
    open_page: OpenPage, alice: User, use_model: UseModel, call: tuple[str, str]
) -> None:
    model = use_model(chat("Fine.", call))
    page = await open_page(alice)
    assert (await page.say("Hello"))[-1]["html"] == '<p dir="auto">Fine.</p>\n'
    assert json.loads(model.prompts[1].rounds[0].results[0])["action"] == "bad_call"
    receipt = await in_thread(Receipt.objects.get)
    assert "rocket" not in json.dumps(receipt.prompt)


async def test_incognito_has_no_tools_and_leaves_nothing(open_page: OpenPage, alice: User, use_model: UseModel) -> None:
    await in_thread(know, alice, "I live in Porto")
    model = use_model(chat("Hello.", save("I moved to Lisbon")))
    page = await open_page(alice)
    frames = await page.say("I moved to Lisbon", privacy_mode="incognito")
    assert [frame["type"] for frame in frames if frame["type"] == "reply.step"] == []
    assert (frames[-1]["receipt"]["read"], frames[-1]["receipt"]["written"]) == (0, 0)
    assert not model.prompts[0].tools
    assert not await in_thread(Message.objects.exists)


async def test_paused_offers_searching_alone(open_page: OpenPage, alice: User, use_model: UseModel) -> None:
    model = use_model(chat("Hello.", save("I moved to Lisbon")))
    page = await open_page(alice)
    await page.say("I moved to Lisbon", privacy_mode="pause_memories")
    assert [tool.name for tool in model.prompts[0].tools] == ["search_memories"]
    assert json.loads(model.prompts[1].rounds[0].results[0])["action"] == "not_allowed"
    assert await in_thread(lambda: Message.objects.get(role="user").wishes) is None
    assert not await in_thread(Memory.objects.exists)


def test_a_stopped_answer_is_kept_beside_the_next_one(alice: User) -> None:
    turn = say(alice, "Hello")
    first = answer(turn, "Half a", MessageStatus.STOPPED)
    again = turns.begin_again(alice, turn.id, turn.conversation_id)
    second = answer(again, "A whole one.")
    assert set(Message.objects.filter(parent=turn.id)) == {first, second}
