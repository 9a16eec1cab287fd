import asyncio
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any
from wsgiref.simple_server import WSGIServer

import pytest
from django.db import OperationalError, connection
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from accounts.tests.programs import Program
from conversations import learning
from conversations.models import Conversation, Message, MessageStatus, Role
from memories import profiles
from memories.models import PrivacyMode
from memorychat import readings
from memorychat.asgi import application
from memorychat.llm.fakes import FakeChat
from memorychat.llm.providers import CHAT_MODELS, Nobody, complete, get_chat_model
from memorychat.llm.types import ChatMessage, Prompt, ProviderError

TOKEN = "a token for the metrics"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
ELSEWHERE = "203.0.113.9"


def number(client: Client, name: str, **labels: str) -> float:
    """Of one series; 0 for what was not counted yet."""
    told = client.get("/metrics").content.decode()
    for line in told.splitlines():
        found = re.fullmatch(rf"{name}(?:{{(.*)}})? (\S+)", line)
        if found and dict(re.findall(r'(\w+)="([^"]*)"', found[1] or "")) == labels:
            return float(found[2])
    return 0.0


pytestmark = pytest.mark.django_db


def test_this_machine_reads_them(client: Client) -> None:
    answer = client.get("/metrics")

    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    assert b"\nmemorychat_queue_oldest_due_seconds " in answer.content
    assert b"_created" not in answer.content
    assert client.head("/metrics").status_code == 200
    assert client.post("/metrics").status_code == 405


@pytest.mark.parametrize("address", ["::1", "127.0.0.2", "::ffff:127.0.0.1"])
def test_each_address_of_this_machine_is_its_own(client: Client, address: str) -> None:
    assert client.get("/metrics", REMOTE_ADDR=address).status_code == 200


@pytest.mark.parametrize("address", ["203.0.113.9", "::ffff:203.0.113.9", "", "localhost"])
def test_others_are_refused_and_learn_nothing(client: Client, address: str) -> None:
    answer = client.get("/metrics", REMOTE_ADDR=address)

    assert answer.status_code == 403
    assert b"memorychat_" not in answer.content


def test_being_signed_in_opens_nothing(client: Client, alice: User) -> None:
    alice.is_staff = True
    alice.save()
    client.force_login(alice)

    assert client.get("/metrics", REMOTE_ADDR=ELSEWHERE).status_code == 403


@pytest.mark.parametrize(
    ("authorization", "status"),
    [(f"Bearer {TOKEN}", 200), ("Bearer another", 403), (TOKEN, 403), ("", 403), ("Bearer ä", 403), ("Bearer ", 403)],
)
def test_elsewhere_only_the_token_opens_them(
    client: Client, settings: Settings, authorization: str, status: int
) -> None:
    settings.METRICS_TOKEN = TOKEN

    assert client.get("/metrics", headers={"Authorization": authorization}, REMOTE_ADDR=ELSEWHERE).status_code == status


@pytest.mark.parametrize("token", [None, ""])
def test_no_token_is_no_key(client: Client, settings: Settings, token: str | None) -> None:
    settings.METRICS_TOKEN = token

    assert client.get("/metrics", headers={"Authorization": "Bearer "}, REMOTE_ADDR=ELSEWHERE).status_code == 403
    assert client.get("/metrics", headers={"Authorization": "Bearer None"}, REMOTE_ADDR=ELSEWHERE).status_code == 403


async def status_of(client: str, headers: dict[bytes, bytes]) -> int:
    """Of what the web process answers, its proxies included."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/metrics",
        "query_string": b"",
        "scheme": "http",
        "headers": [(b"host", b"localhost"), *headers.items()],
        "client": [client, 40000],
        "server": ["127.0.0.1", 8000],
    }
    answers = []

    asked = [{"type": "http.request", "body": b""}]

    async def receive() -> dict[str, Any]:
        # Then it stays connected, and says nothing more.
        return asked.pop() if asked else await asyncio.Future()

    async def send(message: dict[str, Any]) -> None:
        answers.append(message)

    await application(scope, receive, send)
    status: int = answers[0]["status"]
    return status


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("client", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("203.0.113.9", {b"x-forwarded-for": b"127.0.0.1"}, 403),
        ("203.0.113.9", {b"forwarded": b"for=127.0.0.1"}, 403),
        # A proxy on this machine hands on what strangers ask.
        ("127.0.0.1", {b"x-forwarded-for": b"203.0.113.9"}, 403),
        ("127.0.0.1", {b"X-Forwarded-For": b"127.0.0.1"}, 403),
        ("127.0.0.1", {b"x-forwarded-proto": b"https"}, 403),
        ("127.0.0.1", {b"forwarded": b"for=127.0.0.1"}, 403),
    ],
)
async def test_what_a_proxy_hands_on_does_not_come_from_this_machine(
    client: str, headers: dict[bytes, bytes], status: int
) -> None:
    assert await status_of(client, headers) == status


def test_they_are_told_without_a_database_too(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **named: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(connection, "cursor", refuse)
    told = client.get("/metrics")

    assert told.status_code == 200
    assert b"memorychat_vector_cache_hit_rate" in told.content
    assert b"memorychat_queue" not in told.content


def test_a_search_by_a_program_is_timed(client: Client, program: Program) -> None:
    before = number(client, "memorychat_recall_seconds_count", door="api")
    program.call("POST", "/memories/search", {"query": "Where do I live?"})

    assert number(client, "memorychat_recall_seconds_count", door="api") == before + 1


def test_what_the_write_gate_decides_is_counted_by_outcome_and_door(client: Client, program: Program) -> None:
    def counted() -> list[float]:
        outcomes = ("created", "reinforced", "not_allowed")
        return [number(client, "memorychat_memories_weighed_total", outcome=each, door="api") for each in outcomes]

    before = counted()
    for _ in range(2):
        program.call("POST", "/memories", {"content": "I live in Porto"})

    assert [now - then for now, then in zip(counted(), before, strict=True)] == [1, 1, 0]


def test_what_is_learnt_from_the_chat_is_counted_once(client: Client, alice: User, run_jobs: Callable[[], int]) -> None:
    conversation = Conversation.objects.create(owner=alice, profile=profiles.default_for(alice))
    message = Message.objects.create(
        conversation=conversation,
        owner=alice,
        role=Role.USER,
        mode=PrivacyMode.NORMAL,
        status=MessageStatus.COMPLETE,
        text="I live in Porto.",
    )
    before = number(client, "memorychat_memories_weighed_total", outcome="created", door="chat")
    for _ in range(2):
        learning.learn(message.pk)

    assert number(client, "memorychat_memories_weighed_total", outcome="created", door="chat") == before + 1


def test_questions_to_models_are_counted_by_how_they_ended(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = FakeChat()
    monkeypatch.setitem(CHAT_MODELS, "fake", lambda: model)
    settings.LLM_PROVIDERS = ["fake", "builtin"]

    def counted() -> list[float]:
        codes = ("ok", "refused")
        return [number(client, "memorychat_model_calls_total", provider="fake", code=code) for code in codes]

    def ask() -> None:
        prompt = Prompt("Answer.", [ChatMessage("user", "Are you there?")])
        complete(get_chat_model(Nobody()), prompt, keeper=Nobody(), correlation_id="c-1")

    before = counted()
    ask()
    model.error = ProviderError("It does not know us.", code="refused", permanent=True)
    with pytest.raises(ProviderError):
        ask()

    assert [now - then for now, then in zip(counted(), before, strict=True)] == [1, 1]


def test_the_cache_of_vectors_tells_how_often_it_helps(client: Client, program: Program) -> None:
    def lookups(result: str) -> float:
        return number(client, "memorychat_vector_cache_lookups_total", result=result)

    program.call("POST", "/memories/search", {"query": "Which instrument do I play?"})
    hits, misses = lookups("hit"), lookups("miss")
    program.call("POST", "/memories/search", {"query": "Which instrument do I play?"})

    assert (lookups("hit"), lookups("miss")) == (hits + 1, misses)
    assert number(client, "memorychat_vector_cache_hit_rate") == pytest.approx((hits + 1) / (hits + 1 + misses))


def test_they_hold_no_words_and_no_ids(client: Client, program: Program, alice: User) -> None:
    made = json.loads(program.call("POST", "/memories", {"content": "I live in Porto"}).content)
    program.call("POST", "/memories/search", {"query": "Porto"})

    told = client.get("/metrics").content.decode()

    assert [secret for secret in ("Porto", made["id"], str(alice.pk), alice.email) if secret in told] == []


@pytest.fixture
def server() -> Iterator[WSGIServer]:
    """What a worker serves."""
    server = readings.serve("127.0.0.1", 0, token=TOKEN)
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.django_db(transaction=True)
def test_a_worker_tells_its_numbers_at_a_port_of_its_own(server: WSGIServer) -> None:
    address = f"http://127.0.0.1:{server.server_port}/metrics"
    with urllib.request.urlopen(address) as answer:
        assert b"memorychat_model_calls" in answer.read()

    forwarded = urllib.request.Request(address, headers={"X-Forwarded-For": "127.0.0.1"})
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:
        urllib.request.urlopen(forwarded)
    refused.value.close()

    brought = urllib.request.Request(address, headers={"X-Forwarded-For": "203.0.113.9", **BEARER})
    with urllib.request.urlopen(brought) as answer:
        assert answer.status == 200


def test_a_port_that_is_taken_is_an_error_of_its_own(server: WSGIServer) -> None:
    with pytest.raises(OSError, match="in use"):
        readings.serve("127.0.0.1", server.server_port, token=None)
