"""What all tests share: the test run's own keys, no language model, no network, one run at a time."""

import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
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


@pytest.fixture(autouse=True)
def empty_queue(request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Tests that commit are tidied up by emptying the tables of Django's own; the queue's are not among them."""
    yield
    mark = request.node.get_closest_marker("django_db")
    if (mark and mark.kwargs.get("transaction")) or {"transactional_db", "live_server"} & set(request.fixturenames):
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_periodic_defers CASCADE")


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
