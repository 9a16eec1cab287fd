"""Every route of the API, taken from its own description, so that a new one cannot be forgotten here."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from accounts.models import ApiKey, User
from accounts.tests.programs import Program, error_of
from conversations.models import Conversation
from memories import profiles
from memories.engine import writing
from memories.engine.types import Candidate
from memories.models import Memory, PrivacyMode
from memorychat.api import api

DESCRIBED = api.get_openapi_schema(path_prefix="/api/")
# What a route is sent where it asks for a body: by operation, and no new one gets by without.
BODIES: dict[str, Any] = {
    "memories_api_create_profile": {"name": "Work"},
    "memories_api_change_profile": {"name": "Work"},
    "memories_api_copy_profile": {"name": "Work"},
    "memories_api_create_memory": {"content": "I own a boat"},
    "memories_api_create_memories": {"items": [{"content": "I own a boat"}]},
    "memories_api_search_memories": {"query": "boat"},
    "memories_api_change_memory": {"pinned": True},
    "conversations_api_chat": {"message": "Hello"},
    "chat_as_user": {"message": "Hello"},
    "chat_as_user_without_version": {"message": "Hello"},
}
EITHER_NAME_OR_ID = {"memories_api_copy_profile"}
BAD_BODIES = [
    b"",
    b"null",
    b"[]",
    b'"x"',
    b"0",
    b"{",
    b"{}}",
    b"\xff\xfe",
    b"NaN",
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b'{"content": "a\\u0000b", "message": "a\\u0000b", "query": "a\\u0000b", "name": "a\\u0000b"}',
    b'{"content": "\\ud800", "message": "\\ud800", "query": "\\ud800", "name": "\\ud800"}',
    b'{"content": 1e999, "message": 1e999, "query": 1e999, "name": 1e999}',
    b'{"content": [], "message": {}, "query": 7, "name": true, "items": "x"}',
    b'{"content": "", "message": " ", "query": "\\n", "name": "\\t", "items": 5}',
    b'{"content": "x", "message": "x", "query": "x", "name": "x", "items": [], "unknown": 1}',
    json.dumps(dict.fromkeys(["content", "message", "query", "name"], "x" * 32_001)).encode(),
    json.dumps(dict.fromkeys(["content", "message", "query", "name"], "x") | {"profile_id": "x"}).encode(),
]


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    operation: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.operation["operationId"])

    @property
    def body(self) -> Any:
        return BODIES[self.name] if "requestBody" in self.operation else None

    @property
    def has_id(self) -> bool:
        return "{" in self.path

    def call(self, program: Client, ids: dict[str, object]) -> HttpResponse:
        path = self.path.format(**ids)
        content = b"" if self.body is None else json.dumps(self.body)
        return program.generic(self.method, path, content, content_type="application/json")  # type: ignore[return-value]


def routes() -> Iterator[Route]:
    for path, operations in DESCRIBED["paths"].items():
        for method, operation in operations.items():
            yield Route(method.upper(), path, operation)


IDS = ("user_id", "profile_id", "memory_id", "change_id", "conversation_id")
ROUTES = list(routes())
WITH_ID = [route for route in ROUTES if route.has_id]
WITH_BODY = [route for route in ROUTES if "requestBody" in route.operation]
every_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)


@pytest.fixture
def alices(alice: User) -> dict[str, object]:
    """One of everything that can be named in an address, all hers."""
    profiles.default_for(alice)
    profile = profiles.create(alice, "Work")
    written = writing.remember(profiles.by_hand(alice, profile), Candidate("I live in Porto"))
    conversation = Conversation.objects.create(owner=alice, profile=profile, mode=PrivacyMode.NORMAL)
    return {
        "user_id": alice.pk,
        "profile_id": profile.pk,
        "memory_id": written.memory_id,
        "change_id": written.change_id,
        "conversation_id": conversation.pk,
    }


def test_the_routes_are_those_of_the_design() -> None:
    assert {route.path for route in ROUTES} == {
        "/api/v1/profiles",
        "/api/v1/profiles/{profile_id}",
        "/api/v1/profiles/{profile_id}/copy",
        "/api/v1/profiles/{profile_id}/default",
        "/api/v1/profiles/{profile_id}/memories",
        "/api/v1/memories",
        "/api/v1/memories/batch",
        "/api/v1/memories/search",
        "/api/v1/memories/recent",
        "/api/v1/memories/changes/{change_id}/undo",
        "/api/v1/memories/{memory_id}",
        "/api/v1/memories/{memory_id}/history",
        "/api/v1/memories/{memory_id}/restore",
        "/api/v1/memories/{memory_id}/confirm",
        "/api/v1/memories/{memory_id}/reject",
        "/api/v1/conversations",
        "/api/v1/conversations/{conversation_id}",
        "/api/v1/conversations/{conversation_id}/messages",
        "/api/v1/conversations/{conversation_id}/summary",
        "/api/v1/chat",
        "/api/v1/{user_id}/chat",
        "/api/{user_id}/chat",
    }


@pytest.mark.django_db
@every_route
def test_nobody_comes_in_without_a_credential(client: Client, route: Route) -> None:
    response = route.call(client, dict.fromkeys(IDS, uuid.uuid4()))

    assert response.status_code == 401
    assert error_of(response)["code"] == "unauthorized"


@pytest.mark.django_db
@every_route
def test_every_route_asks_for_its_scope(alice: User, alices: dict[str, object], route: Route) -> None:
    response = route.call(Program(alice), alices)

    assert response.status_code == 403
    assert error_of(response)["message"].endswith(f" {scope_of(route)}.")


def scope_of(route: Route) -> ApiKey.Scope:
    if "/conversations" in route.path or route.path.endswith("/chat"):
        return ApiKey.Scope.CHAT
    is_reading = route.method == "GET" or route.path.endswith("/search")
    return ApiKey.Scope.MEMORIES_READ if is_reading else ApiKey.Scope.MEMORIES_WRITE


# The chat answers in threads of its own, which see only what is committed.
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("route", WITH_ID, ids=lambda route: route.name)
def test_a_stranger_s_id_is_as_unknown_as_a_missing_one(
    program: Program, bobs_program: Program, alices: dict[str, object], route: Route
) -> None:
    foreign = route.call(bobs_program, alices)
    missing = route.call(bobs_program, dict.fromkeys(IDS, uuid.uuid4()))
    memory = Memory.objects.get()
    own = route.call(program, alices)

    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert error_of(foreign) == error_of(missing)
    assert (memory.status, memory.content, memory.pinned) == ("active", "I live in Porto", False)
    assert own.status_code in (200, 201, 204, 409)


def named_in_bodies_and_queries() -> set[tuple[str, str]]:
    """(operation, field) of each id that is not a part of the address."""
    found = set()
    for route in ROUTES:
        queries = [each["name"] for each in route.operation["parameters"] if each["in"] == "query"]
        fields = DESCRIBED["components"]["schemas"][schema_of(route)]["properties"] if route in WITH_BODY else {}
        found |= {(route.name, name) for name in [*queries, *fields] if name.endswith("_id")}
    return found


def schema_of(route: Route) -> str:
    reference: str = route.operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    return reference.rsplit("/", 1)[1]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("name", "field"), sorted(named_in_bodies_and_queries()))
def test_a_stranger_s_id_in_a_body_or_query_is_unknown_too(
    program: Program, bobs_program: Program, bob: User, alices: dict[str, object], name: str, field: str
) -> None:
    route = next(route for route in ROUTES if route.name == name)

    def ask(asking: Program, identifier: object) -> HttpResponse:
        path = route.path.format(user_id=asking.person.pk, profile_id=profiles.default_for(asking.person).pk)
        named = {field: str(identifier)}
        if route.body is None:
            return asking.get(path, named)  # type: ignore[return-value]  # Django's monkey-patched response
        body = named if route.name in EITHER_NAME_OR_ID else route.body | named
        return asking.post(path, body, content_type="application/json")  # type: ignore[return-value]

    foreign, missing = ask(bobs_program, alices[field]), ask(bobs_program, uuid.uuid4())

    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert error_of(foreign) == error_of(missing)
    assert ask(program, alices[field]).status_code in (200, 201)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("route", WITH_BODY, ids=lambda route: route.name)
def test_a_bad_body_is_refused_in_a_sentence(program: Program, alices: dict[str, object], route: Route) -> None:
    path = route.path.format(**alices)
    for body in BAD_BODIES:
        response = program.generic(route.method, path, body, content_type="application/json")

        assert 400 <= response.status_code < 500, body[:100]
        assert error_of(response)["message"], body[:100]  # type: ignore[arg-type]  # Django's monkey-patched response


@pytest.mark.django_db
@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "201"},
        {"limit": "-1"},
        {"limit": "x"},
        {"limit": "1e999"},
        {"limit": "9" * 5_000},
        {"cursor": "x"},
        {"cursor": "\x00"},
        {"cursor": "😀"},
        {"cursor": "bnVsbA"},
    ],
)
def test_a_list_refuses_what_it_cannot_count_or_find(
    program: Program, alices: dict[str, object], query: dict[str, str]
) -> None:
    lists = [route for route in ROUTES if "cursor" in {each["name"] for each in route.operation["parameters"]}]
    assert len(lists) == 6
    for route in lists:
        response = program.get(route.path.format(**alices), query)

        assert response.status_code == 422, route.path
        assert error_of(response)["code"] == "invalid"  # type: ignore[arg-type]  # Django's monkey-patched response


@pytest.mark.django_db
def test_the_limit_of_a_list_stands_in_the_refusal(program: Program) -> None:
    assert "200" in error_of(program.call("GET", "/memories?limit=201"))["message"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/", 404, "not_found"),
        ("GET", "/api/v1", 404, "not_found"),
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("GET", "/api/v2/memories", 404, "not_found"),
        ("GET", "/api/v1/memories/", 404, "not_found"),
        ("GET", "/api/v1/memories/17", 404, "not_found"),
        ("GET", "/api/v1/memories/%00", 404, "not_found"),
        ("POST", "/api/nobody/chat", 404, "not_found"),
        ("PUT", "/api/v1/memories", 405, "method_not_allowed"),
        ("GET", "/api/v1/chat", 405, "method_not_allowed"),
    ],
)
def test_what_is_not_there_says_so_in_the_one_shape(
    program: Program, method: str, path: str, status: int, code: str
) -> None:
    response = program.generic(method, path)

    assert (response.status_code, error_of(response)["code"]) == (status, code)  # type: ignore[arg-type]
    assert ("Allow" in response) == (status == 405)


@pytest.mark.django_db
@pytest.mark.parametrize("debug", [False, True])
def test_a_crash_says_so_in_the_one_shape_and_tells_nothing(
    program: Program, monkeypatch: pytest.MonkeyPatch, settings: Settings, debug: bool
) -> None:
    def crash(user: User) -> None:
        raise RuntimeError("the secret words")

    monkeypatch.setattr(profiles, "default_for", crash)
    settings.DEBUG = debug
    program.raise_request_exception = False
    response = program.call("GET", "/profiles")

    assert response.status_code == 500
    assert error_of(response)["code"] == "internal"
    assert b"secret" not in response.content


@pytest.mark.django_db
def test_a_body_that_is_too_long_is_refused_with_the_limit(program: Program) -> None:
    response = program.generic("POST", "/api/v1/memories", b"x" * 2_700_000, content_type="application/json")

    assert response.status_code == 413
    assert "2.5 MB" in error_of(response)["message"]  # type: ignore[arg-type]  # Django's monkey-patched response


@pytest.mark.django_db
def test_an_answer_carries_the_id_that_its_request_brought(program: Program) -> None:
    assert program.call("GET", "/memories", X_Request_ID="my-own-id-17")["X-Request-ID"] == "my-own-id-17"


def test_pages_that_fail_are_pages_still(client: Client, db: None) -> None:
    assert client.get("/nothing")["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(("short", "page"), [("/docs", "/api/v1/docs"), ("/redoc", "/api/v1/redoc")])
def test_the_description_is_read_without_a_word_from_elsewhere(client: Client, short: str, page: str) -> None:
    assert client.get(short)["Location"] == page
    shown = client.get(page).content.decode()
    loaded = [part.split('"')[0] for mark in ('src="', 'href="') for part in shown.split(mark)[1:]]

    assert loaded
    for address in loaded:
        assert address.startswith("/static/ninja/")
        assert finders.find(address.removeprefix("/static/"))


def test_the_description_is_whole(client: Client) -> None:
    described = client.get("/api/v1/openapi.json").json()
    names = [operation["operationId"] for path in described["paths"].values() for operation in path.values()]

    assert len(names) == len(set(names)) == len(ROUTES)
    assert all("security" in operation for path in described["paths"].values() for operation in path.values())


def test_creating_requests_say_that_they_take_an_idempotency_key() -> None:
    taking = {
        route.name
        for route in ROUTES
        if any(each["name"] == "Idempotency-Key" for each in route.operation["parameters"])
    }

    assert taking == {
        "memories_api_create_profile",
        "memories_api_copy_profile",
        "memories_api_create_memory",
        "memories_api_create_memories",
        "conversations_api_chat",
        "chat_as_user",
        "chat_as_user_without_version",
    }
