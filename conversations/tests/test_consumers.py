"""The chat's socket, with the checks of origin and session in front of it."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.testing import WebsocketCommunicator
from django.contrib.sessions.models import Session
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from conversations import crowding, replies, turns
from conversations.consumers import FRAME_LIMIT, ChatConsumer
from conversations.models import Conversation, Message, MessageStatus, Receipt
from conversations.routing import sockets
from conversations.tests.conftest import UseModel
from conversations.threads import in_thread
from conversations.turns import Said
from memories import profiles
from memories.engine import writing
from memories.engine.types import Candidate
from memories.models import Memory, MemoryEvent, MemoryProfile, PrivacyMode
from memorychat.lib import shutdown
from memorychat.llm import outcomes
from memorychat.llm.fakes import FakeChat
from memorychat.llm.types import ProviderError

pytestmark = pytest.mark.django_db(transaction=True)

Frame = dict[str, Any]
LAST = {"reply.finished", "reply.stopped", "reply.failed", "error"}


class Socket(WebsocketCommunicator):
    """Channels keeps connections to the database from being given back while a test talks; ours are given back."""

    send_input = ApplicationCommunicator.send_input
    receive_output = ApplicationCommunicator.receive_output


class Page:
    """One open page of a person."""

    def __init__(self, cookie: str, path: str = "/ws/chat/", origin: str = "http://localhost") -> None:
        headers = [(b"host", b"localhost"), (b"origin", origin.encode()), (b"cookie", f"sessionid={cookie}".encode())]
        self.socket = Socket(sockets, path, headers=headers)

    async def open(self) -> bool:
        is_open, _ = await self.socket.connect(timeout=5)
        return bool(is_open)

    async def closed_with(self) -> int:
        event = await self.socket.receive_output(5)  # type: ignore[no-untyped-call]  # asgiref has no types
        assert event["type"] == "websocket.close"
        return int(event["code"])

    async def send(self, kind: str, **fields: object) -> None:
        await self.socket.send_to(text_data=json.dumps({"type": kind, **fields}))

    async def receive(self) -> Frame:
        """The next frame, apart from those that only tell that there is something new: they come when they come."""
        while (frame := await self.receive_any())["type"] == "conversation.changed":
            pass
        return frame

    async def receive_any(self) -> Frame:
        frame: Frame = json.loads(await self.socket.receive_from(5))
        return frame

    async def until(self, *kinds: str) -> list[Frame]:
        frames = [await self.receive()]
        while frames[-1]["type"] not in kinds:
            frames.append(await self.receive())
        return frames

    async def say(self, text: str, **fields: object) -> list[Frame]:
        """Say it, and hear all up to the end of the reply."""
        await self.send("message.send", **{"text": text, "client_message_id": uuid.uuid4().hex, **fields})
        return await self.until(*LAST)


OpenPage = Callable[..., Awaitable[Page]]


@pytest.fixture
def cookies(alice: User, bob: User) -> dict[User, str]:
    found = {}
    for person in (alice, bob):
        client = Client()
        client.force_login(person)
        found[person] = client.cookies["sessionid"].value
    return found


@pytest.fixture
async def open_page(cookies: dict[User, str], settings: Settings) -> AsyncIterator[OpenPage]:
    settings.ALLOWED_HOSTS = ["localhost"]
    pages: list[Page] = []

    async def open_page(person: User, path: str = "/ws/chat/") -> Page:
        page = Page(cookies[person], path)
        pages.append(page)
        assert await page.open()
        return page

    yield open_page
    for page in pages:
        await page.socket.disconnect()
    for reply in list(replies.running.values()):
        reply.stop()
        await asyncio.wait([reply.task])


def stored_texts() -> list[str]:
    return [message.text for message in Message.objects.select_related("owner").order_by("pk")]


def kinds(frames: list[Frame]) -> list[str]:
    return list(dict.fromkeys(frame["type"] for frame in frames))


async def test_a_turn_tells_its_frames_in_order(open_page: OpenPage, alice: User, use_model: UseModel) -> None:
    use_model(FakeChat(answer="one two three"))
    page = await open_page(alice)
    frames = await page.say("Hello", client_message_id="m1")
    assert kinds(frames) == [
        "conversation.opened",
        "message.saved",
        "reply.started",
        "reply.step",
        "reply.delta",
        "reply.finished",
    ]
    deltas = [frame for frame in frames if frame["type"] == "reply.delta"]
    assert [delta["seq"] for delta in deltas] == list(range(1, len(deltas) + 1))
    assert "".join(delta["text"] for delta in deltas) == "one two three"
    assert frames[1]["client_message_id"] == "m1"
    assert frames[-1]["html"] == '<p dir="auto">one two three</p>\n'
    assert (frames[-1]["receipt"]["provider"], frames[-1]["receipt"]["output_tokens"]) == ("fake", 3)
    stored = await in_thread(lambda: Message.objects.get(pk=frames[-1]["message_id"]))
    assert (stored.status, str(stored.parent_id)) == (MessageStatus.COMPLETE, frames[1]["id"])


async def test_the_answer_names_the_memory_it_used(open_page: OpenPage, alice: User) -> None:
    def remember() -> None:
        access = profiles.by_hand(alice, profiles.default_for(alice))
        writing.remember(access, Candidate("I live in Porto"))

    await in_thread(remember)
    page = await open_page(alice)
    finished = (await page.say("Where do I live?"))[-1]
    assert finished["html"] == '<p dir="auto">You told me that you live in Porto.<sup class="cite">1</sup></p>\n'
    [recalled] = finished["receipt"]["recalled"]
    assert (recalled["memory_id"], recalled["cited"]) == (str((await in_thread(Memory.objects.get)).pk), True)
    receipt = await in_thread(Receipt.objects.get)
    assert receipt.recalled == [recalled]
    assert "Porto" not in json.dumps(receipt.recalled)


async def test_incognito_keeps_a_stretch_in_the_page_alone(
    open_page: OpenPage, alice: User, use_model: UseModel
) -> None:
    model = use_model(FakeChat(answer="Sure."))
    page = await open_page(alice)
    first = await page.say("My secret is a quince", privacy_mode="incognito")
    assert kinds(first) == ["reply.started", "reply.delta", "reply.finished"]
    assert (first[-1]["message_id"], first[-1]["receipt"]["read"], first[-1]["receipt"]["written"]) == (None, 0, 0)
    await page.say("And what did I say?", privacy_mode="incognito")
    assert [message.text for message in model.prompts[-1].history] == [
        "My secret is a quince",
        "Sure.",
        "And what did I say?",
    ]
    assert model.prompts[-1].memories == []
    await page.say("Hello again", privacy_mode="normal")
    assert [message.text for message in model.prompts[-1].history] == ["Hello again"]
    assert await in_thread(stored_texts) == ["Hello again", "Sure."]


async def test_an_incognito_stretch_outlives_its_socket_for_its_own_person(
    open_page: OpenPage, alice: User, bob: User, use_model: UseModel
) -> None:
    model = use_model(FakeChat(answer="Sure."))
    page = await open_page(alice)
    turn = (await page.say("My secret is a quince", privacy_mode="incognito"))[0]["turn"]
    await page.socket.disconnect()
    for person, expected in ((bob, ["Go on"]), (alice, ["My secret is a quince", "Sure.", "Go on"])):
        again = await open_page(person)
        await again.send("reply.resume", turn=turn, after=1)
        await again.receive()
        await again.say("Go on", privacy_mode="incognito")
        assert [message.text for message in model.prompts[-1].history] == expected


async def test_an_incognito_stretch_that_was_ended_is_not_found_again(
    open_page: OpenPage, alice: User, use_model: UseModel
) -> None:
    model = use_model(FakeChat(answer="Sure."))
    page = await open_page(alice)
    turn = (await page.say("My secret is a quince", privacy_mode="incognito"))[0]["turn"]
    await page.send("privacy.set", mode="normal")
    await page.say("Hello")
    await page.socket.disconnect()
    again = await open_page(alice)
    await again.send("reply.resume", turn=turn, after=1)
    await again.receive()
    await again.say("Go on", privacy_mode="incognito")
    assert [message.text for message in model.prompts[-1].history] == ["Go on"]


@pytest.mark.parametrize("mode", PrivacyMode)
async def test_the_mode_of_the_message_decides_what_is_stored(
    open_page: OpenPage, alice: User, use_model: UseModel, mode: PrivacyMode
) -> None:
    use_model(FakeChat())
    page = await open_page(alice)
    await page.say("I live in Porto", privacy_mode=mode.value)
    stored = await in_thread(lambda: [message.mode for message in Message.objects.all()])
    assert stored == ([] if mode is PrivacyMode.INCOGNITO else [mode, mode])
    assert await in_thread(MemoryEvent.objects.count) == 0


async def test_stop_works_while_it_streams_and_keeps_it_as_far_as_it_went(
    open_page: OpenPage, alice: User, use_model: UseModel
) -> None:
    use_model(FakeChat(answer="word " * 1000, pause=0.02))
    page = await open_page(alice)
    await page.send("message.send", text="Hello", client_message_id="m1")
    await page.until("reply.delta")
    await page.send("reply.stop")
    stopped = (await page.until(*LAST))[-1]
    assert stopped["type"] == "reply.stopped"
    stored = await in_thread(lambda: Message.objects.get(pk=stopped["message_id"]))
    assert stored.status == MessageStatus.STOPPED
    _, text = await in_thread(stored_texts)
    assert text.startswith("word")
    assert len(text) < 4_000


async def test_a_reply_goes_on_when_its_socket_is_lost_and_a_new_one_hears_the_rest(
    open_page: OpenPage, alice: User, use_model: UseModel
) -> None:
    words = " ".join(str(number) for number in range(60))
    use_model(FakeChat(answer=words, pause=0.02))
    page = await open_page(alice)
    await page.send("message.send", text="Hello", client_message_id="m1")
    heard = await page.until("reply.delta")
    await page.socket.disconnect()
    turn, seen = heard[2]["turn"], heard[-1]["seq"]
    again = await open_page(alice, f"/ws/chat/{heard[0]['id']}/")
    await again.send("reply.resume", turn=turn, after=seen)
    rest = await again.until(*LAST)
    text = heard[-1]["text"] + "".join(frame["text"] for frame in rest if frame["type"] == "reply.delta")
    assert (text, rest[-1]["type"]) == (words, "reply.finished")


async def test_a_reply_that_ended_meanwhile_is_told_from_its_row(
    open_page: OpenPage, alice: User, bob: User, use_model: UseModel
) -> None:
    use_model(FakeChat(answer="one"))
    page = await open_page(alice)
    frames = await page.say("Hello")
    await page.send("reply.resume", turn=frames[1]["id"], after=0)
    assert (await page.receive())["html"] == '<p dir="auto">one</p>\n'
    stranger = await open_page(bob)
    await stranger.send("reply.resume", turn=frames[1]["id"], after=0)
    assert (await stranger.receive())["type"] == "reply.failed"


async def test_a_stranger_cannot_resume_a_running_reply(
    open_page: OpenPage, alice: User, bob: User, use_model: UseModel
) -> None:
    use_model(FakeChat(answer="word " * 200, pause=0.02))
    page = await open_page(alice)
    await page.send("message.send", text="Hello", client_message_id="m1", privacy_mode="incognito")
    turn = (await page.until("reply.delta"))[0]["turn"]
    stranger = await open_page(bob)
    await stranger.send("reply.resume", turn=turn, after=0)
    assert (await stranger.receive())["type"] == "reply.failed"


async def test_a_message_sent_again_after_a_lost_socket_is_one_message(
    open_page: OpenPage, alice: User, use_model: UseModel
) -> None:
    use_model(FakeChat(answer="one two"))
    page = await open_page(alice)
    first = await page.say("Hello", client_message_id="m1")
    again = await page.say("Hello", client_message_id="m1")
    assert kinds(again) == ["message.saved", "reply.finished"]
    assert again[0]["id"] == first[1]["id"]
    assert await in_thread(Message.objects.count) == 2


async def test_a_second_tab_is_told_that_an_answer_is_under_way(
    open_page: OpenPage, alice: User, use_model: UseModel
) -> None:
    use_model(FakeChat(answer="word " * 200, pause=0.02))
    page = await open_page(alice)
    await page.send("message.send", text="Hello", client_message_id="m1")
    opened = (await page.until("reply.delta"))[0]["id"]
    other = await open_page(alice, f"/ws/chat/{opened}/")
    assert (await other.say("And this"))[-1]["code"] == "being_answered"
    await other.send("reply.stop")
    assert (await page.until(*LAST))[-1]["type"] == "reply.stopped"
    assert (await other.say("And this", client_message_id="m3"))[0]["type"] == "message.saved"


@pytest.mark.parametrize(
    ("model", "code"),
    [
        (FakeChat(error=ProviderError("x", code="unreachable"), cut_after=0, answer=""), "unreachable"),
        (FakeChat(error=ProviderError("x", code="rate_limited"), answer=""), "rate_limited"),
        (FakeChat(answer="half an ans", finishes=False), "interrupted"),
        (FakeChat(answer=""), "nonsense"),
        (FakeChat(answer="   "), "nonsense"),
        (FakeChat(answer="too slow for you", pause=0.6), "timeout"),
    ],
)
async def test_trouble_of_the_model_is_told_in_a_sentence_and_the_socket_stays_usable(  # fixtures
    open_page: OpenPage, alice: User, use_model: UseModel, settings: Settings, model: FakeChat, code: str
) -> None:
    settings.LLM_TIMEOUT_SECONDS = 0.3
    use_model(model)
    page = await open_page(alice)
    failed = (await page.say("Hello"))[-1]
    assert (failed["type"], failed["code"]) == ("reply.failed", code)
    assert failed["message"].endswith(".")
    assert outcomes.last["fake"].code == code
    assert not await in_thread(lambda: Message.objects.filter(status=MessageStatus.COMPLETE, role="assistant").exists())
    # Who was given the words stands in the receipt of what came, with how they failed.
    receipts = await in_thread(lambda: list(Receipt.objects.all()))
    cut = await in_thread(lambda: list(Message.objects.filter(role="assistant")))
    assert [receipt.seen_by[-1]["code"] for receipt in receipts] == [code] * len(cut)
    use_model(FakeChat(answer="Fine."))
    assert (await page.say("Are you there?"))[-1]["html"] == '<p dir="auto">Fine.</p>\n'
    assert outcomes.last["fake"].code == ""


@pytest.mark.parametrize(
    "text",
    [
        " ",
        "nonsense",
        "[]",
        "null",
        "1e999",
        "{}",
        '{"type": 1}',
        '{"type": "unknown"}',
        '{"type": "memory.changed"}',
        '{"type": "message.send"}',
        '{"type": "message.send", "text": 5}',
        '{"type": "message.send", "text": "a", "client_message_id": "a\\u0000b"}',
        '{"type": "message.send", "text": "a", "privacy_mode": "secret"}',
        '{"type": "reply.resume", "turn": "x"}',
        '{"type": "privacy.set", "mode": ""}',
        '{"type": "message.send", "text": "' + "x" * FRAME_LIMIT + '"}',
        "[" * 900,
    ],
)
async def test_a_frame_that_cannot_be_read_is_answered_with_an_error(
    open_page: OpenPage, alice: User, use_model: UseModel, text: str
) -> None:
    use_model(FakeChat())
    page = await open_page(alice)
    await page.socket.send_to(text_data=text)
    assert (await page.receive())["code"] == "bad_frame"
    assert (await page.say("Hello"))[-1]["type"] == "reply.finished"


async def test_bytes_are_no_frame(open_page: OpenPage, alice: User) -> None:
    page = await open_page(alice)
    await page.socket.send_to(bytes_data=b"{}")
    assert (await page.receive())["code"] == "bad_frame"


@pytest.mark.parametrize("text", ["", " ", "a\x00b", "a\ud800b", "x" * 32_001])
async def test_a_message_that_cannot_be_taken_is_refused_in_a_sentence(
    open_page: OpenPage, alice: User, text: str
) -> None:
    page = await open_page(alice)
    refused = (await page.say(text))[-1]
    assert (refused["type"], refused["code"]) == ("error", "bad_message")
    assert not await in_thread(Conversation.objects.exists)


async def test_the_mode_that_was_set_holds_for_the_next_message(
    open_page: OpenPage, alice: User, use_model: UseModel
) -> None:
    use_model(FakeChat())
    page = await open_page(alice)
    await page.send("privacy.set", mode="incognito")
    assert kinds(await page.say("Hello"))[0] == "reply.started"


async def test_a_page_that_names_no_mode_is_meant_in_the_usual_one_of_its_profile(
    open_page: OpenPage, alice: User, use_model: UseModel
) -> None:
    use_model(FakeChat())

    def choose() -> None:
        MemoryProfile.objects.filter(pk=profiles.default_for(alice).pk).update(default_mode=PrivacyMode.INCOGNITO)

    await in_thread(choose)
    page = await open_page(alice)
    assert kinds(await page.say("Hello"))[0] == "reply.started"
    assert not await in_thread(Message.objects.exists)


async def test_one_incognito_answer_at_a_time_and_stop_ends_it(
    open_page: OpenPage, alice: User, use_model: UseModel
) -> None:
    use_model(FakeChat(answer="word " * 300, pause=0.02))
    page = await open_page(alice)
    await page.send("message.send", text="Hello", privacy_mode="incognito")
    await page.until("reply.delta")
    await page.send("message.send", text="And this", privacy_mode="incognito")
    assert (await page.until("error"))[-1]["code"] == "being_answered"
    await page.send("reply.stop")
    assert (await page.until(*LAST))[-1]["type"] == "reply.stopped"
    await page.send("message.send", text="And this", privacy_mode="incognito")
    await page.until("reply.delta")


async def test_a_stop_that_comes_with_the_message_counts(open_page: OpenPage, alice: User, use_model: UseModel) -> None:
    use_model(FakeChat(answer="word " * 300, pause=0.02))
    page = await open_page(alice)
    await page.send("message.send", text="Hello")
    await page.send("reply.stop")
    assert (await page.until(*LAST))[-1]["type"] == "reply.stopped"


async def test_a_refused_message_leaves_the_mode_and_the_stretch(
    open_page: OpenPage, alice: User, use_model: UseModel
) -> None:
    model = use_model(FakeChat(answer="Sure."))
    page = await open_page(alice)
    await page.say("A quince", privacy_mode="incognito")
    assert (await page.say("a\x00b", privacy_mode="normal"))[-1]["type"] == "error"
    await page.say("Go on")
    assert [message.text for message in model.prompts[-1].history] == ["A quince", "Sure.", "Go on"]


async def test_a_message_of_many_statements_is_told_in_parts(
    open_page: OpenPage, alice: User, run_jobs: Callable[[], int]
) -> None:
    page = await open_page(alice)
    await page.say(" ".join(f"I like dish number {number}." for number in range(45)))
    await in_thread(run_jobs)
    told = [await page.receive() for _ in range(3)]
    assert [len(frame["events"]) for frame in told] == [20, 20, 5]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://localhost:3000", "http://localhost.evil.example", "null", ""]
)
async def test_a_page_of_another_site_or_port_is_turned_away(
    cookies: dict[User, str], alice: User, settings: Settings, origin: str
) -> None:
    settings.ALLOWED_HOSTS = ["localhost"]
    assert not await Page(cookies[alice], origin=origin).open()


async def test_nobody_signed_in_is_turned_away(cookies: dict[User, str], settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["localhost"]
    page = Page("nonsense")
    await page.open()
    assert await page.closed_with() == 4401


async def test_a_stranger_s_conversation_closes_the_socket_like_a_missing_one(
    open_page: OpenPage, alice: User, bob: User, use_model: UseModel
) -> None:
    use_model(FakeChat())
    opened = (await (await open_page(alice)).say("Hello"))[0]["id"]
    for conversation_id in (opened, uuid.uuid4()):
        page = await open_page(bob, f"/ws/chat/{conversation_id}/")
        assert await page.closed_with() == 4404


async def test_a_socket_does_not_outlive_its_sign_in(
    open_page: OpenPage, alice: User, cookies: dict[User, str]
) -> None:
    page = await open_page(alice)
    client = Client()
    client.cookies["sessionid"] = cookies[alice]
    await in_thread(client.logout)
    await page.send("message.send", text="Hello")
    assert await page.closed_with() == 4401
    assert not await in_thread(Message.objects.exists)


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "other"}])
async def test_a_socket_does_not_outlive_its_person_s_rights(
    open_page: OpenPage, alice: User, change: dict[str, object]
) -> None:
    page = await open_page(alice)
    await in_thread(lambda: User.objects.filter(pk=alice.pk).update(**change))
    await page.send("message.send", text="Hello")
    assert await page.closed_with() == 4401


def test_the_process_waits_for_longer_than_its_replies_are_given() -> None:
    """Were both the same, the drain would be cut in the moment in which it marks what is left."""
    assert shutdown.GRACE_SECONDS > replies.GRACE_SECONDS


async def test_draining_takes_no_turn_and_marks_what_is_left_interrupted(
    open_page: OpenPage, alice: User, use_model: UseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replies, "GRACE_SECONDS", 0.2)
    use_model(FakeChat(answer="word " * 1000, pause=0.02))
    page = await open_page(alice)
    await page.send("message.send", text="Hello", client_message_id="m1")
    await page.until("reply.delta")
    draining = asyncio.create_task(replies.drain())
    await asyncio.sleep(0.05)
    await page.send("message.send", text="And this")
    assert [frame["code"] for frame in await page.until("error") if frame["type"] == "error"] == ["stopping"]
    assert (await page.until(*LAST))[-1]["code"] == "stopping"
    await draining
    assert (await in_thread(lambda: Message.objects.get(role="assistant"))).status == MessageStatus.INTERRUPTED


async def test_what_the_worker_did_reaches_the_pages_of_this_person_alone(
    open_page: OpenPage, alice: User, bob: User, use_model: UseModel, run_jobs: Callable[[], int]
) -> None:
    page, stranger = await open_page(alice), await open_page(bob)
    await page.say("I live in Porto")
    await stranger.say("Hello")
    await in_thread(run_jobs)
    changed = await page.receive()
    assert changed["type"] == "memory.changed"
    assert [event["action"] for event in changed["events"]] == ["created"]
    assert "Porto" not in json.dumps(changed)
    while not await stranger.socket.receive_nothing(0.3):
        assert (await stranger.receive_any())["type"] == "conversation.changed"


def test_every_kind_of_frame_has_its_handler() -> None:
    assert set(ChatConsumer.HANDLERS) == {"message.send", "reply.again", "reply.stop", "reply.resume", "privacy.set"}


async def test_the_pages_of_one_person_hear_of_each_other(
    open_page: OpenPage, alice: User, bob: User, use_model: UseModel
) -> None:
    use_model(FakeChat(answer="Fine."))
    page = await open_page(alice)
    opened = (await page.say("Hello"))[0]
    address = f"/ws/chat/{opened['id']}/"
    other, elsewhere, stranger = await open_page(alice, address), await open_page(alice), await open_page(bob)
    await page.say("And this")
    # A page with another conversation, or with none, lists it.
    for hears in (other, elsewhere):
        assert await hears.receive_any() == {"type": "conversation.changed", "id": opened["id"]}
    assert await stranger.socket.receive_nothing(0.2)


async def test_another_answer_streams_beside_the_first(
    open_page: OpenPage, alice: User, bob: User, use_model: UseModel
) -> None:
    use_model(FakeChat(answer="First."))
    page = await open_page(alice)
    saved = next(frame for frame in await page.say("Hello") if frame["type"] == "message.saved")
    use_model(FakeChat(answer="Second."))
    await page.send("reply.again", message_id=saved["id"])
    assert (await page.until(*LAST))[-1]["html"] == '<p dir="auto">Second.</p>\n'
    answers = await in_thread(lambda: Message.objects.filter(parent=saved["id"]).count())
    assert answers == 2
    stranger = await open_page(bob)
    await stranger.send("reply.again", message_id=saved["id"])
    assert (await stranger.receive())["code"] == "not_found"


async def test_an_edited_message_streams_in_its_place(open_page: OpenPage, alice: User, use_model: UseModel) -> None:
    model = use_model(FakeChat(answer="Fine."))
    page = await open_page(alice)
    saved = next(frame for frame in await page.say("Hello") if frame["type"] == "message.saved")
    await page.say("Good morning", edits=saved["id"])
    assert [message.text for message in model.prompts[-1].history] == ["Good morning"]
    await page.send("message.send", text="x", edits=str(uuid.uuid4()))
    assert (await page.receive())["code"] == "not_found"


async def test_a_new_conversation_begins_in_the_profile_that_is_chosen(
    open_page: OpenPage, alice: User, bob: User, use_model: UseModel
) -> None:
    use_model(FakeChat())
    work, foreign = await in_thread(lambda: (profiles.create(alice, "Work"), profiles.default_for(bob)))
    page = await open_page(alice)
    await page.send("message.send", text="Hello", profile_id=str(foreign.pk))
    assert (await page.receive())["code"] == "not_found"
    await page.say("Hello", profile_id=str(work.pk))
    assert (await in_thread(Conversation.objects.get)).profile_id == work.pk


async def test_what_another_process_writes_is_heard_when_it_is_whole(
    open_page: OpenPage, alice: User, use_model: UseModel
) -> None:
    """Its claim is in the row alone, as it is for a process that knows nothing of the reply."""
    turn = await in_thread(turns.begin, alice, Said("Hello", PrivacyMode.NORMAL))
    page = await open_page(alice, f"/ws/chat/{turn.conversation_id}/")
    await page.send("reply.resume", turn=str(turn.id), after=0)
    assert (await page.receive())["type"] == "reply.started"
    await in_thread(turns.finish, turn, "From elsewhere.", MessageStatus.COMPLETE, None)
    assert (await page.receive())["html"] == '<p dir="auto">From elsewhere.</p>\n'


async def test_stop_reaches_the_process_that_writes(open_page: OpenPage, alice: User, use_model: UseModel) -> None:
    use_model(FakeChat(answer="word " * 500, pause=0.02))
    page = await open_page(alice)
    await page.send("message.send", text="Hello", client_message_id="m1")
    opened = (await page.until("reply.delta"))[0]
    await in_thread(turns.ask_to_stop, alice, uuid.UUID(opened["id"]))
    assert (await page.until(*LAST))[-1]["type"] == "reply.stopped"


@pytest.mark.parametrize("how", ["signed out", "another password", "deactivated"])
async def test_a_socket_on_which_nothing_comes_is_closed_when_its_sign_in_ends(
    open_page: OpenPage, cookies: dict[User, str], alice: User, bob: User, how: str
) -> None:
    page, other = await open_page(alice), await open_page(bob)

    def end() -> None:
        if how == "signed out":
            Session.objects.filter(session_key=cookies[alice]).delete()
        elif how == "another password":
            alice.set_password("another long one")
            alice.save()
        else:
            User.objects.filter(pk=alice.pk).update(is_active=False)

    await in_thread(end)
    async with asyncio.timeout(5):
        assert await page.closed_with() == 4401
    assert await other.socket.receive_nothing(0.2)


async def test_one_person_holds_so_many_pages_and_others_are_not_crowded_out(
    open_page: OpenPage, cookies: dict[User, str], alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowding, "MOST_SOCKETS", 3)
    pages = [await open_page(alice) for _ in range(3)]
    one_more = Page(cookies[alice])
    await one_more.open()
    assert await one_more.closed_with() == 4429
    assert await (await open_page(bob)).socket.receive_nothing(0.1)
    await pages[0].socket.disconnect()
    assert await (await open_page(alice)).socket.receive_nothing(0.1)


async def test_a_flood_of_frames_closes_the_socket_that_it_comes_on(
    open_page: OpenPage, alice: User, bob: User, use_model: UseModel
) -> None:
    use_model(FakeChat("Fine."))
    page, other = await open_page(alice), await open_page(bob)
    for _ in range(1_000):
        await page.send("privacy.set", mode="normal")
    assert (await page.receive())["code"] == "too_much"
    assert await page.closed_with() == 4429
    assert (await other.say("Hello"))[-1]["html"] == '<p dir="auto">Fine.</p>\n'


async def test_the_frames_of_all_pages_of_a_person_count_together(
    open_page: OpenPage, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowding, "FRAMES_A_SECOND", 0.001)
    first, second, other = await open_page(alice), await open_page(alice), await open_page(bob)
    for _ in range(crowding.MOST_FRAMES - 1):
        await first.send("privacy.set", mode="normal")
    await first.send("message.send", text="")
    assert (await first.receive())["code"] == "bad_message"

    await second.send("privacy.set", mode="normal")
    assert (await second.receive())["code"] == "too_much"
    assert await second.closed_with() == 4429
    await other.send("message.send", text="")
    assert (await other.receive())["code"] == "bad_message"


async def test_an_answer_with_markup_is_sent_as_it_is_shown_block_by_block(
    use_model: UseModel, alice: User, open_page: OpenPage
) -> None:
    use_model(FakeChat("One *word*.\n\n- two\n- three\n\nAnd so on, and on, and *on*.", pause=0.05))
    frames = await (await open_page(alice)).say("Count")
    rendered = [frame for frame in frames if frame["type"] == "reply.rendered"]
    assert rendered
    assert rendered[-1]["closed"] == sum(len(frame["html"]) for frame in rendered)
    whole = [html for frame in rendered for html in frame["html"]]
    assert frames[-1]["html"].startswith("".join(whole))


async def test_a_page_that_comes_back_gets_the_whole_picture(
    use_model: UseModel, alice: User, open_page: OpenPage
) -> None:
    use_model(FakeChat("One *word*.\n\n- two\n- three " + "and more " * 40, pause=0.05))
    first = await open_page(alice)
    await first.send("message.send", text="Count", client_message_id="1")
    before = await first.until("reply.rendered")
    turn = next(frame["turn"] for frame in before if frame["type"] == "reply.started")
    second = await open_page(alice)
    await second.send("reply.resume", turn=turn, after=0)
    picture = (await second.until("reply.rendered"))[-1]
    assert len(picture["html"]) == picture["closed"]
    await second.send("reply.stop")
    await second.until(*LAST)


async def test_page_and_socket_are_given_the_same_html(
    use_model: UseModel, alice: User, open_page: OpenPage, client: Client
) -> None:
    use_model(FakeChat("# A *word*\n\n```python\nx = 1\n```\n\n[docs](https://example.org) and [1]"))
    page = await open_page(alice)
    frames = await page.say("Count")
    live = frames[-1]["html"]
    turn = next(frame["turn"] for frame in frames if frame["type"] == "reply.started")
    await page.send("reply.resume", turn=turn, after=0)
    resumed = (await page.until(*LAST))[-1]["html"]
    answer = await Message.objects.select_related("owner").aget(role="assistant")
    await in_thread(client.force_login, alice)
    shown = await in_thread(client.get, f"/chat/{answer.conversation_id}/", headers={"host": "localhost"})

    assert live == resumed
    assert live in shown.content.decode()


async def test_an_incognito_message_that_is_sent_again_is_answered_once(
    open_page: OpenPage, alice: User, use_model: UseModel
) -> None:
    model = use_model(FakeChat("word " * 20, pause=0.02))
    page = await open_page(alice)
    sent = {"text": "A secret", "client_message_id": "m1", "privacy_mode": "incognito"}
    await page.send("message.send", **sent)
    await page.until("reply.delta")
    again = await open_page(alice)
    await again.send("message.send", **sent)
    frames = await again.until(*LAST)
    assert frames[-1]["type"] == "reply.finished"
    assert "".join(frame["text"] for frame in frames if frame["type"] == "reply.delta") == model.answer
    assert len(model.prompts) == 1
