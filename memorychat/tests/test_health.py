from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection
from django.test import Client
from procrastinate.contrib.django import app
from pytest_django import Settings

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
