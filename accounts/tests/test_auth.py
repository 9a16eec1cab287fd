import pytest
from django.test import Client

from accounts.models import ApiKey, User
from accounts.tests.programs import Program, error_of

MEMORIES = "/api/v1/memories"
JSON = "application/json"

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(alice: User) -> Client:
    """A page in Alice's page."""
    page = Client(enforce_csrf_checks=True)
    page.force_login(alice)
    return page


def test_nobody_is_asked_who_they_are(client: Client) -> None:
    response = client.get(MEMORIES)

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert error_of(response)["code"] == "unauthorized"  # type: ignore[arg-type]  # Django's monkey-patched response


def test_a_browser_reads_by_its_session_alone(page: Client) -> None:
    assert page.get(MEMORIES).status_code == 200


def test_a_browser_changes_something_only_with_its_csrf_token(page: Client) -> None:
    refused = page.post(MEMORIES, {"content": "I live in Porto"}, content_type=JSON)
    # As the page that describes the API hands it to its script.
    token = page.get("/api/v1/docs").content.decode().split('data-csrf-token="')[1].split('"')[0]
    taken = page.post(MEMORIES, {"content": "I live in Porto"}, content_type=JSON, headers={"X-CSRFToken": token})

    assert refused.status_code == 403
    assert error_of(refused)["code"] == "csrf_failed"  # type: ignore[arg-type]  # Django's monkey-patched response
    assert taken.status_code == 201


def test_a_bad_key_is_not_made_good_by_a_session(page: Client) -> None:
    assert page.get(MEMORIES, headers={"Authorization": "Bearer mc_0_x"}).status_code == 401


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic abc", "bearer x y", "mc_0_x", "\xff"])
def test_a_header_that_holds_no_key_is_refused(client: Client, header: str) -> None:
    assert client.get(MEMORIES, headers={"Authorization": header}).status_code == 401


def test_a_program_needs_no_csrf_token(alice: User) -> None:
    program = Program(alice, ApiKey.Scope.MEMORIES_WRITE, enforce_csrf_checks=True)

    assert program.call("POST", "/memories", {"content": "I live in Porto"}).status_code == 201


def test_a_key_without_the_scope_is_told_which_one_it_lacks(alice: User) -> None:
    reader = Program(alice, ApiKey.Scope.MEMORIES_READ, ApiKey.Scope.CHAT)
    response = reader.call("POST", "/memories", {"content": "I live in Porto"})

    assert response.status_code == 403
    assert error_of(response) == {"code": "missing_scope", "message": "This API key lacks the scope memories:write."}
