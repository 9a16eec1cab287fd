import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from django.utils import timezone
from structlog.testing import capture_logs

from memorychat import urls
from memorychat.lib import crypto


def show(request: HttpRequest, **words: str) -> HttpResponse:
    crypto.current_ring()
    return HttpResponse(timezone.get_current_timezone_name())


def break_down(request: HttpRequest) -> HttpResponse:
    raise ValueError("I live in Porto")


urlpatterns = [
    *urls.urlpatterns,
    path("shown/<str:word>/", show),
    path("broken/", break_down),
]

pytestmark = pytest.mark.urls(__name__)


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as captured:
        yield captured


def finished(lines: list[Any]) -> Any:
    (line,) = [line for line in lines if line["event"] in ("request_finished", "request_failed")]
    return line


@pytest.mark.parametrize("address", ["/health/live", "/missing/", "/shown/word/"])
def test_every_answer_carries_an_id_of_the_request(client: Client, address: str) -> None:
    assert uuid.UUID(client.get(address)["X-Request-ID"])


def test_an_id_that_the_caller_gave_is_kept(client: Client) -> None:
    assert client.get("/health/live", headers={"x-request-id": "trace-12345"})["X-Request-ID"] == "trace-12345"


@pytest.mark.parametrize("given", ["short", "x" * 65, "with space 1", "line\nbreak99", "<script>alert</script>"])
def test_an_id_that_is_no_sensible_one_is_replaced(client: Client, given: str) -> None:
    assert client.get("/health/live", headers={"x-request-id": given})["X-Request-ID"] != given


def test_a_request_writes_one_line_with_its_route_and_milliseconds(client: Client, lines: list[Any]) -> None:
    client.get("/shown/porto/?q=porto", headers={"x-request-id": "trace-12345"})

    line = finished(lines)
    assert line["request"] == "GET /shown/<str:word>/"
    assert (line["code"], line["correlation_id"]) == (200, "trace-12345")
    assert line["milliseconds"] >= 0
    assert "porto" not in str(lines)


def test_an_address_that_leads_nowhere_is_not_repeated_in_the_log(client: Client, lines: list[Any]) -> None:
    client.get("/porto/?q=porto")

    assert finished(lines)["request"] == "GET (no route)"
    assert "porto" not in str(lines)


def test_a_request_that_breaks_down_writes_its_line_too(client: Client, lines: list[Any]) -> None:
    client.raise_request_exception = False

    answer = client.get("/broken/")

    assert answer.status_code == 500
    assert answer["X-Request-ID"] == finished(lines)["correlation_id"]


@pytest.mark.django_db
def test_the_line_names_the_person_by_id_and_times_are_theirs(client: Client, lines: list[Any]) -> None:
    alice = get_user_model().objects.create_user("alice@example.org", "a long password", time_zone="Europe/Lisbon")
    client.force_login(alice)

    answer = client.get("/shown/word/")

    assert answer.content == b"Europe/Lisbon"
    assert finished(lines)["user_id"] == str(alice.pk)
    assert "alice" not in str(lines)


@pytest.mark.django_db
def test_a_time_zone_that_does_not_exist_breaks_nothing(client: Client) -> None:
    alice = get_user_model().objects.create_user("alice@example.org", "a long password", time_zone="Middle/Earth")
    client.force_login(alice)

    assert client.get("/shown/word/").content == b"UTC"


def test_nothing_of_a_request_is_left_for_the_next(client: Client) -> None:
    client.get("/shown/word/", headers={"x-request-id": "trace-12345"})

    assert structlog.contextvars.get_contextvars() == {}


def test_pages_may_run_only_scripts_of_their_own(client: Client) -> None:
    policy = client.get("/shown/word/")["Content-Security-Policy"]

    assert "script-src 'self';" in f"{policy};"
    assert "img-src 'self' data:" in policy
    assert "unsafe" not in policy


@pytest.mark.django_db
def test_only_pages_of_packages_are_allowed_looser_scripts(client: Client) -> None:
    assert "'unsafe-eval'" in client.get("/admin/login/")["Content-Security-Policy"]
