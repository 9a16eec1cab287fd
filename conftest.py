"""What all tests share: the test run's own keys, no language model, no network, one run at a time."""

import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management.commands import flush
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client
from pytest_django import DjangoDbBlocker

from accounts.models import User
from accounts.tests.programs import EVERY_SCOPE, Program
from memorychat import jobs
from memorychat.lib import crypto


def pytest_configure() -> None:
    """Whatever this machine's environment says, tests know no provider and wait for no password hash."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    # Static files straight from where they are written.
    settings.WHITENOISE_AUTOREFRESH = settings.WHITENOISE_USE_FINDERS = True
    settings.LLM_PROVIDERS = ["builtin"]
    settings.OPENAI_API_KEY = settings.OPENAI_BASE_URL = None
    settings.EMBEDDING_API_KEY = settings.EMBEDDING_BASE_URL = settings.EMBEDDING_MODEL = None
    settings.SECURE_SSL_REDIRECT = False
    # What a test commits need not outlive the machine: that spares a wait for the disk each time.
    settings.DATABASES["default"]["OPTIONS"]["options"] = "-c synchronous_commit=off"


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> Iterator[None]:
    """Test runs that share a database server take turns: each makes and drops the same test database."""
    with (Path(settings.DATA_DIR) / "tests.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Threads in which async tests met the database keep their connections, and so keep it from being dropped."""
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
        )


# Made by migrations and the same for every test; and the worker that browser tests share is known by its row.
NEVER_EMPTIED = {"django_migrations", "django_content_type", "auth_permission", "procrastinate_workers"}


@pytest.fixture(scope="session", autouse=True)
def emptied_by_deleting() -> Iterator[None]:
    """Tests that commit are tidied up by deleting the few rows they left.

    Django's own way gives each of some seventy tables, with its indexes, a new file, and makes all permissions again:
    that takes as long as most tests, and where the disk is slow far longer.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(flush, "sql_flush", _deletions)
        patched.setattr(flush, "emit_post_migrate_signal", lambda *_: None)
        yield


def _deletions(style: object, connection: BaseDatabaseWrapper, **options: object) -> list[str]:
    """Statements for the tables that hold anything, the queue's too, and those whose triggers refuse deletions."""
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor)) - NEVER_EMPTIED
        found = [f"SELECT '{table}' WHERE EXISTS (SELECT FROM \"{table}\")" for table in sorted(tables)]  # noqa: S608  # names of our own
        cursor.execute(" UNION ALL ".join(found))
        filled = [table for (table,) in cursor.fetchall()]
        cursor.execute("SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal")
        guarded = {table for (table,) in cursor.fetchall()}.intersection(filled)
    # In one statement, after which foreign keys are looked at, those of Django only where they are asked for.
    deletions = ", ".join(f'"of {table}" AS (DELETE FROM "{table}")' for table in filled)  # noqa: S608  # names of our own
    return [
        *(f'ALTER TABLE "{table}" DISABLE TRIGGER USER' for table in guarded),
        *([f"WITH {deletions} SELECT", "SET CONSTRAINTS ALL IMMEDIATE"] if filled else []),
        *(f'ALTER TABLE "{table}" ENABLE TRIGGER USER' for table in guarded),
    ]


@pytest.fixture(scope="session", autouse=True)
def keys_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    crypto.MasterKeys.create(path)
    settings.KEYS_FILE = path
    return path


@pytest.fixture(autouse=True)
def key_ring(keys_file: Path) -> Iterator[crypto.KeyRing]:
    """A test is a request, a job and a command at once, so it may read words."""
    with crypto.key_ring() as ring:
        yield ring


@pytest.fixture
def run_jobs(db: None) -> Callable[[], int]:
    """Runs the jobs that are due, here and now, and says how many; the first that fails raises."""
    return jobs.run_waiting


@pytest.fixture
def alice(db: None) -> User:
    """Who owns what a test is about."""
    return User.objects.create_user("alice@example.com", "a long enough password")


@pytest.fixture
def bob(db: None) -> User:
    """A stranger, who must not."""
    return User.objects.create_user("bob@example.com", "a long enough password")


@pytest.fixture
def reader(client: Client, alice: User) -> Client:
    """Alice's browser."""
    client.force_login(alice)
    return client


@pytest.fixture
def program(alice: User) -> Program:
    """A program of Alice's that may do everything."""
    return Program(alice, *EVERY_SCOPE)


@pytest.fixture
def bobs_program(bob: User) -> Program:
    return Program(bob, *EVERY_SCOPE)
