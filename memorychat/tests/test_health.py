from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection
from django.test import Client
from procrastinate.contrib.django import app
from pytest_django import DjangoAssertNumQueries, Settings

from memorychat import views
from memorychat.llm import outcomes
from memorychat.llm.fakes import FakeChat
from memorychat.llm.providers import CHAT_MODELS, Nobody, complete, get_chat_model
from memorychat.llm.types import ChatMessage, Prompt, ProviderError

PARTS = {"database", "queue", "worker", "providers", "disk"}


@pytest.fixture
def worker(db: None) -> None:
    async_to_sync(app.job_manager.register_worker)()


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **named: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(connection, "ensure_connection", refuse)
    monkeypatch.setattr(connection, "cursor", refuse)


def test_the_process_lives_without_asking_the_database(client: Client) -> None:
    assert client.get("/health/live").json() == {"status": "ok"}


@pytest.mark.django_db
def test_it_is_ready_when_database_migrations_and_keys_are(client: Client) -> None:
    assert client.get("/health/ready").status_code == 200


@pytest.mark.usefixtures("no_database")
def test_it_is_not_ready_without_its_database(client: Client) -> None:
    answer = client.get("/health/ready")

    assert (answer.status_code, answer.json()["missing"]) == (503, "database")


@pytest.mark.django_db
def test_it_is_not_ready_before_its_migrations(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'accounts'")

    answer = client.get("/health/ready")

    assert (answer.status_code, answer.json()["missing"]) == (503, "migrations")


@pytest.mark.django_db
def test_it_is_not_ready_without_its_keys(client: Client, settings: Settings, tmp_path: Path) -> None:
    settings.KEYS_FILE = tmp_path / "keys.json"
    settings.KEYS_FILE.write_text("{}")

    answer = client.get("/health/ready")

    assert (answer.status_code, answer.json()["missing"]) == (503, "keys")


@pytest.mark.usefixtures("worker")
def test_anybody_sees_which_part_is_well_and_nothing_more(client: Client) -> None:
    answer = client.get("/health")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "parts": {part: {"status": "ok"} for part in PARTS}}


@pytest.mark.usefixtures("worker")
def test_a_signed_in_person_sees_no_more_than_anybody(client: Client) -> None:
    client.force_login(get_user_model().objects.create_user("bob@example.org", "a long password"))

    assert "free_bytes" not in client.get("/health").content.decode()


@pytest.mark.usefixtures("worker")
def test_staff_see_the_figures(client: Client) -> None:
    client.force_login(get_user_model().objects.create_user("ada@example.org", "a long password", is_staff=True))

    parts = client.get("/health").json()["parts"]

    assert parts["disk"]["free_bytes"] > 0
    assert parts["worker"]["last_heartbeat_seconds"] < 30
    assert parts["queue"]["failed"] == 0


@pytest.fixture
def model(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> FakeChat:
    """The model in use, which has failed just now."""
    model = FakeChat(error=ProviderError("The provider asks to wait.", code="rate_limited"))
    monkeypatch.setattr(outcomes, "last", {})
    monkeypatch.setitem(CHAT_MODELS, "fake", lambda: model)
    settings.LLM_PROVIDERS = ["fake", "builtin"]
    with pytest.raises(ProviderError):
        ask()
    return model


def ask() -> str:
    prompt = Prompt("Answer.", [ChatMessage("user", "Are you there?")])
    return complete(get_chat_model(Nobody()), prompt, keeper=Nobody(), correlation_id="c-1")


@pytest.mark.usefixtures("worker", "model")
def test_a_model_that_has_failed_is_a_failing_part_and_only_staff_learn_why(client: Client) -> None:
    answer = client.get("/health")
    client.force_login(get_user_model().objects.create_user("ada@example.org", "a long password", is_staff=True))
    told = client.get("/health").json()["parts"]["providers"]

    assert answer.status_code == 503
    assert answer.json()["parts"]["providers"] == {"status": "failing"}
    assert (told["provider"], told["code"], told["seconds_ago"]) == ("fake", "rate_limited", 0)


@pytest.mark.usefixtures("worker")
def test_a_model_that_answers_again_is_well(client: Client, model: FakeChat) -> None:
    model.error = None
    ask()

    assert client.get("/health").status_code == 200


@pytest.mark.usefixtures("worker", "model")
def test_a_failure_of_long_ago_is_forgiven(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "FRESH_OUTCOME_SECONDS", 0)

    assert client.get("/health").status_code == 200


@pytest.mark.usefixtures("worker")
def test_the_queue_is_asked_once(client: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(2):
        client.get("/health")


@pytest.mark.django_db
def test_a_missing_worker_is_a_failing_part(client: Client) -> None:
    answer = client.get("/health")

    assert answer.status_code == 503
    assert answer.json()["parts"]["worker"] == {"status": "failing"}


@pytest.mark.usefixtures("no_database")
def test_the_parts_are_told_even_without_a_database(client: Client) -> None:
    answer = client.get("/health")

    assert answer.status_code == 503
    assert {name for name, part in answer.json()["parts"].items() if part["status"] == "failing"} == {
        *("database", "queue", "worker"),
    }
