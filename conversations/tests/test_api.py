"""The chat through the door of programs; what every route must do is in memorychat/tests/test_api.py."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.core.asgi import get_asgi_application
from django.db import connection
from django.http import HttpResponse
from django.test import AsyncClient
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import IdempotencyRecord, User
from accounts.tests.programs import Program, error_of
from conversations import exchanges, replies, turns
from conversations.models import Conversation, Message, MessageStatus, Receipt
from conversations.tests.conftest import UseModel
from conversations.threads import in_thread
from conversations.turns import Said
from memories import profiles
from memories.engine import writing
from memories.engine.types import Candidate
from memories.models import Memory, PrivacyMode
from memorychat.llm.fakes import FakeChat
from memorychat.llm.types import ChatMessage, ProviderError

# An answer is written in threads of its own, which see only what is committed.
pytestmark = pytest.mark.django_db(transaction=True)

Frames = list[tuple[str, dict[str, Any]]]
Stream = Callable[..., AsyncIterator[str]]


@pytest.fixture
def model(use_model: UseModel) -> FakeChat:
    return use_model(FakeChat("You live in Porto [1]."))


@pytest.fixture
def known(alice: User) -> None:
    """What is remembered of Alice."""
    access = profiles.by_hand(alice, profiles.default_for(alice))
    writing.remember(access, Candidate("I live in Porto"))


@pytest.fixture
def stream(program: Program) -> Stream:
    """Alice's program, hearing its answer as it is written."""

    async def stream(message: str, key: str = "", **fields: object) -> AsyncIterator[str]:
        headers = {"Authorization": f"Bearer {program.key.text}"} | ({"Idempotency-Key": key} if key else {})
        body = {"message": message, "stream": True, **fields}
        response: Any = await AsyncClient().post("/api/v1/chat", body, content_type="application/json", headers=headers)
        assert (response.status_code, response["Content-Type"]) == (200, "text/event-stream"), response.content
        if not response.streaming:
            yield response.content.decode()
            return
        async for part in response:
            yield part.decode()

    return stream


def chat(program: Program, message: str = "Where do I live?", key: str = "", **fields: object) -> HttpResponse:
    headers = {"Idempotency_Key": key} if key else {}
    return program.call("POST", "/chat", {"message": message, **fields}, **headers)


def told(response: HttpResponse) -> dict[str, Any]:
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()  # type: ignore[attr-defined]  # of the test client
    return answer


def frames_of(parts: list[str]) -> Frames:
    """(event, data) of each event; comments are nothing."""
    events = [event.split("\n") for event in "".join(parts).split("\n\n") if event.startswith("event: ")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in events]


def jobs_waiting() -> int:
    """Of conversations: what memories have to do later is not asked here."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE task_name LIKE 'conversations.%'")
        [count] = cursor.fetchone()
    return int(count)


def test_an_answer_comes_with_its_receipt(program: Program, model: FakeChat, known: None) -> None:
    answer = told(chat(program))

    question, reply = Message.objects.order_by("pk")
    assert answer["reply"] == reply.text == "You live in Porto [1]."
    assert (answer["message_id"], answer["conversation_id"]) == (str(reply.pk), str(question.conversation_id))
    assert (question.text, question.mode) == ("Where do I live?", PrivacyMode.NORMAL)
    [recalled] = answer["receipt"]["recalled"]
    assert recalled["memory_id"] == str(Memory.objects.get().pk)
    assert recalled["cited"]
    assert Receipt.objects.get().message == reply


def test_a_conversation_goes_on_where_it_was(program: Program, model: FakeChat) -> None:
    first = told(chat(program, "One"))
    second = told(chat(program, "Two", conversation_id=first["conversation_id"]))

    assert second["conversation_id"] == first["conversation_id"]
    assert [message.text for message in model.prompts[-1].history] == ["One", "You live in Porto [1].", "Two"]


def test_what_is_said_is_learnt(program: Program, run_jobs: Callable[[], int]) -> None:
    chat(program, "I live in Porto.")
    assert run_jobs() == 1

    assert [memory.content for memory in Memory.objects.all()] == ["I live in Porto"]


@pytest.mark.parametrize("mode", PrivacyMode)
def test_each_privacy_mode_holds_for_programs_too(
    program: Program, model: FakeChat, known: None, mode: PrivacyMode
) -> None:
    answer = told(chat(program, "I live in Porto and own a boat.", privacy_mode=mode, key="k"))

    assert bool(model.prompts[-1].memories) == mode.reads
    assert bool(jobs_waiting()) == mode.writes
    kept = [model.objects.count() for model in (Conversation, Message, Receipt, IdempotencyRecord)]
    assert kept == ([1, 2, 1, 1] if mode.keeps_words else [0, 0, 0, 0])
    assert (answer["conversation_id"] is None) == (answer["message_id"] is None) == (not mode.keeps_words)
    assert answer["receipt"]["mode"] == mode
    assert Memory.objects.count() == 1


def test_incognito_sends_its_own_history(program: Program, model: FakeChat) -> None:
    history = [{"role": "user", "content": "One"}, {"role": "assistant", "content": "Two"}]
    told(chat(program, "Three", privacy_mode="incognito", history=history))

    assert list(model.prompts[-1].history) == [
        ChatMessage("user", "One"),
        ChatMessage("assistant", "Two"),
        ChatMessage("user", "Three"),
    ]


def test_a_conversation_keeps_its_mode_and_a_profile_gives_it(program: Program, model: FakeChat, alice: User) -> None:
    quiet = profiles.create(alice, "Quiet", default_mode=PrivacyMode.PAUSED)
    first = told(chat(program, profile_id=str(quiet.pk)))
    chat(program, conversation_id=first["conversation_id"])
    chat(program, conversation_id=first["conversation_id"], privacy_mode="normal")
    chat(program, conversation_id=first["conversation_id"])

    said = Message.objects.filter(role="user").order_by("pk")
    assert [message.mode for message in said] == [*[PrivacyMode.PAUSED] * 2, *[PrivacyMode.NORMAL] * 2]


def test_a_profile_may_begin_incognito(program: Program, model: FakeChat, alice: User) -> None:
    secret = profiles.create(alice, "Secret", default_mode=PrivacyMode.INCOGNITO)

    assert told(chat(program, profile_id=str(secret.pk)))["conversation_id"] is None
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"privacy_mode": "incognito", "conversation_id": str(uuid.uuid4())}, "conversation_id"),
        ({"privacy_mode": "normal", "history": []}, "history"),
        ({"history": [{"role": "user", "content": "One"}]}, "history"),
        ({"privacy_mode": "secret"}, "privacy_mode"),
        ({"privacy_mod": "incognito"}, "privacy_mod"),
        ({"message": "x" * 32_001}, "message"),
        ({"message": "a\x00b"}, "message"),
        ({"stream": "yes"}, "stream"),
        ({"history": [{"role": "system", "content": "x"}], "privacy_mode": "incognito"}, "history.0.role"),
        ({"history": [{"role": "user", "content": ""}], "privacy_mode": "incognito"}, "history.0.content"),
        ({"history": [{"role": "user", "content": "x"}] * 41, "privacy_mode": "incognito"}, "history"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name_and_nothing_is_kept(
    program: Program, model: FakeChat, fields: dict[str, object], field: str
) -> None:
    response = program.call("POST", "/chat", {"message": "Hello"} | fields)

    assert response.status_code == 422
    assert set(error_of(response)["fields"]) == {field}
    assert not Message.objects.exists()
    assert not model.prompts


def test_a_conversation_keeps_its_profile(program: Program, model: FakeChat, alice: User) -> None:
    first = told(chat(program))
    work = profiles.create(alice, "Work")
    response = chat(program, conversation_id=first["conversation_id"], profile_id=str(work.pk))

    assert response.status_code == 422
    assert set(error_of(response)["fields"]) == {"profile_id"}


@pytest.mark.parametrize(
    ("code", "status"),
    [("timeout", 504), ("unreachable", 502), ("refused", 502), ("rate_limited", 503), ("nonsense", 502)],
)
def test_trouble_of_the_model_is_told_and_what_was_said_is_kept(
    program: Program, use_model: UseModel, code: str, status: int
) -> None:
    use_model(FakeChat(error=ProviderError("It is down.", code=code), cut_after=0))
    response = chat(program, "I live in Porto.")

    assert response.status_code == status
    assert error_of(response) == {"code": code, "message": replies.TROUBLES[code]}
    assert [message.text for message in Message.objects.all()] == ["I live in Porto."]
    use_model(FakeChat("Noted."))
    assert told(chat(program, conversation_id=str(Conversation.objects.get().pk)))["reply"] == "Noted."


def test_while_one_message_is_answered_another_waits(program: Program, model: FakeChat, alice: User) -> None:
    turn = turns.begin(alice, Said("One", PrivacyMode.NORMAL))
    response = chat(program, "Two", conversation_id=str(turn.conversation_id))

    assert response.status_code == 409
    assert error_of(response)["code"] == "being_answered"


def test_a_server_that_stops_takes_no_turn(program: Program, model: FakeChat) -> None:
    replies.draining.set()
    response = chat(program)

    assert response.status_code == 503
    assert error_of(response)["code"] == "stopping"
    assert not Message.objects.exists()


async def test_a_streamed_answer_has_the_names_of_the_socket_s_frames(stream: Stream, use_model: UseModel) -> None:
    use_model(FakeChat("One two three.", pause=0.06))
    frames = frames_of([part async for part in stream("Count")])

    question, reply = await in_thread(lambda: list(Message.objects.order_by("pk")))
    opening = ["conversation.opened", "message.saved", "reply.started", "reply.step", "reply.delta"]
    assert [name for name, _ in frames[:5]] == opening
    assert all(name == data["type"] for name, data in frames)
    assert [data["seq"] for name, data in frames if name == "reply.delta"] == [1, 2, 3]
    assert "".join(data["text"] for name, data in frames if name == "reply.delta") == "One two three."
    assert frames[0][1]["id"] == str(question.conversation_id)
    assert frames[1][1]["id"] == str(question.pk)
    last, data = frames[-1]
    assert (last, data["message_id"], data["html"]) == (
        "reply.finished",
        str(reply.pk),
        '<p dir="auto">One two three.</p>\n',
    )
    assert data["receipt"]["provider"] == "fake"


async def test_a_streamed_incognito_answer_names_nothing_that_is_kept(stream: Stream, model: FakeChat) -> None:
    frames = frames_of([part async for part in stream("Hello", privacy_mode="incognito")])

    assert {name for name, _ in frames} == {"reply.started", "reply.delta", "reply.finished"}
    assert frames[-1][1]["message_id"] is None
    assert not await in_thread(Message.objects.exists)


async def test_trouble_in_a_stream_is_its_last_frame(stream: Stream, use_model: UseModel) -> None:
    use_model(FakeChat("One two", finishes=False))
    frames = frames_of([part async for part in stream("Count")])

    assert frames[-1][0] == "reply.failed"
    assert frames[-1][1]["code"] == "interrupted"


async def test_a_silent_stream_is_kept_open(
    stream: Stream, use_model: UseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchanges, "SILENCE_SECONDS", 0.02)
    use_model(FakeChat("One two", pause=0.1))
    parts = [part async for part in stream("Count")]

    assert ": \n\n" in parts
    assert frames_of(parts)[-1][0] == "reply.finished"


async def test_a_program_that_is_gone_loses_nothing(stream: Stream, use_model: UseModel) -> None:
    model = use_model(FakeChat("One two three.", pause=0.05))
    async for part in stream("Count", key="k"):
        if "reply.delta" in part:
            break
    [reply] = replies.running.values()
    await reply.task
    heard_again = frames_of([part async for part in stream("Count", key="k")])

    answers = await in_thread(
        lambda: [(answer.text, answer.status) for answer in Message.objects.filter(role="assistant")]
    )
    assert answers == [("One two three.", MessageStatus.COMPLETE)]
    assert heard_again[-2][1]["text"] == "One two three."
    assert len(model.prompts) == 1


async def test_answers_in_the_making_hold_no_connection(program: Program, use_model: UseModel) -> None:
    """There are more of them than the pool has connections, as a server has them: each request in its own thread."""
    use_model(FakeChat("One two three.", pause=0.2))
    application = get_asgi_application()
    headers = [(b"authorization", f"Bearer {program.key.text}".encode()), (b"host", b"localhost")]
    scope = {"type": "http", "method": "POST", "path": "/api/v1/chat", "headers": headers}

    async def ask(number: int) -> int:
        connected: Any = ApplicationCommunicator(application, scope)  # type: ignore[no-untyped-call]
        body = json.dumps({"message": f"Number {number}", "stream": number % 2 == 0}).encode()
        await connected.send_input({"type": "http.request", "body": body})
        answer = await connected.receive_output(timeout=30)
        while (await connected.receive_output(timeout=30)).get("more_body"):
            pass
        await connected.wait()
        return int(answer["status"])

    assert set(await asyncio.gather(*map(ask, range(30)))) == {200}


def test_the_same_request_again_says_nothing_twice(program: Program, model: FakeChat) -> None:
    first, second = chat(program, key="k"), chat(program, key="k")

    assert first.content == second.content
    assert second["Idempotent-Replayed"] == "true"
    assert len(model.prompts) == 1
    assert Message.objects.count() == 2


async def test_a_stream_is_heard_again_under_its_key(stream: Stream, model: FakeChat) -> None:
    first, second = [frames_of([part async for part in stream("Hello", key="k")]) for _ in range(2)]

    assert len(model.prompts) == 1
    assert [name for name, _ in second] == [
        *("conversation.opened", "message.saved", "reply.started", "reply.delta", "reply.finished")
    ]
    assert (first[:3], first[-1]) == (second[:3], second[-1])


def test_a_message_whose_answer_failed_is_answered_when_it_is_sent_again(program: Program, use_model: UseModel) -> None:
    use_model(FakeChat(error=ProviderError("It is down.", code="unreachable"), cut_after=0))
    assert chat(program, "Hello", key="k").status_code == 502
    use_model(FakeChat("Good day."))
    answer = told(chat(program, "Hello", key="k"))

    assert answer["reply"] == "Good day."
    assert [message.text for message in Message.objects.order_by("pk")] == ["Hello", "Good day."]
    assert Conversation.objects.count() == 1


def test_an_answer_that_is_stored_is_found_when_only_its_delivery_was_lost(program: Program, model: FakeChat) -> None:
    first = told(chat(program, key="k"))
    IdempotencyRecord.objects.update(status=None, answer=None, created_at=timezone.now() - timedelta(minutes=2))
    second = told(chat(program, key="k"))

    assert second == first | {"receipt": None}
    assert len(model.prompts) == 1


def test_conversations_are_listed_from_the_latest(program: Program, model: FakeChat) -> None:
    ids = [told(chat(program, f"Number {number}"))["conversation_id"] for number in range(3)]
    chat(program, "Once more", conversation_id=ids[0])

    first = told(program.call("GET", "/conversations?limit=2"))
    second = told(program.call("GET", f"/conversations?cursor={first['next']}"))

    listed = first["results"] + second["results"]
    assert [each["id"] for each in listed] == [ids[0], ids[2], ids[1]]
    assert [each["title"] for each in listed] == ["Number 0", "Number 2", "Number 1"]
    assert second["next"] is None
    assert told(program.call("GET", f"/conversations/{ids[0]}")) == listed[0]


def test_messages_are_listed_as_they_were_said(program: Program, model: FakeChat) -> None:
    conversation = told(chat(program, "One"))["conversation_id"]
    chat(program, "Two", conversation_id=conversation)
    address = f"/conversations/{conversation}/messages"

    first = told(program.call("GET", f"{address}?limit=3"))
    second = told(program.call("GET", f"{address}?cursor={first['next']}"))

    listed = first["results"] + second["results"]
    assert [(each["role"], each["content"]) for each in listed] == [
        ("user", "One"),
        ("assistant", "You live in Porto [1]."),
        ("user", "Two"),
        ("assistant", "You live in Porto [1]."),
    ]
    assert [each["answers"] for each in listed] == [None, listed[0]["id"], None, listed[2]["id"]]
    assert {each["status"] for each in listed} == {"complete"}


def test_longer_lists_cost_no_more_queries(
    program: Program, model: FakeChat, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    conversation = told(chat(program, "One"))["conversation_id"]
    chat(program, "Two", conversation_id=conversation)
    chat(program, "Another")

    for limit in (1, 2):
        # The key, the conversations, the data key.
        with django_assert_num_queries(3):
            program.call("GET", f"/conversations?limit={limit}")
        # The key, the conversation, its messages, the data key.
        with django_assert_num_queries(4):
            program.call("GET", f"/conversations/{conversation}/messages?limit={limit * 2}")


def test_what_was_said_is_deleted_and_what_was_remembered_stays(program: Program, run_jobs: Callable[[], int]) -> None:
    conversation = told(chat(program, "I live in Porto."))["conversation_id"]
    run_jobs()

    response = program.call("DELETE", f"/conversations/{conversation}/messages")

    assert response.status_code == 204
    assert not Message.objects.exists()
    assert not Receipt.objects.exists()
    assert told(program.call("GET", f"/conversations/{conversation}"))["title"] == ""
    assert Memory.objects.get().content == "I live in Porto"


def test_nothing_is_deleted_while_it_is_being_answered(program: Program, alice: User) -> None:
    turn = turns.begin(alice, Said("One", PrivacyMode.NORMAL))
    response = program.call("DELETE", f"/conversations/{turn.conversation_id}/messages")

    assert response.status_code == 409
    assert Message.objects.exists()
