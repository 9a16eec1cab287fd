"""A web process and a worker of their own on the tests' database, and Debian's Chromium in front of them."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import override_settings
from playwright.sync_api import expect
from procrastinate.contrib.django.models import ProcrastinateJob

from memorychat.lib.environment import ROOT
from memorychat.llm.standin import Behaviour, standin
from memorychat.tests.browser.house import PATIENCE_SECONDS, WORDIEST, House, wait_until
from memorychat.tests.browser.models import Modelled, Patient

MANIFEST = "memorychat.lib.staticfiles.HashedStaticFiles"
PROCESSES = (
    "-m daphne --bind 127.0.0.1 --port {port} --verbosity 0 memorychat.asgi:application",
    "manage.py run_worker",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            # The others have a house of their own.
            if "base_url" in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.django_db(transaction=True))


@pytest.fixture(autouse=True)
def work_is_done(request: pytest.FixtureRequest) -> Iterator[None]:
    """The site's database is emptied only when its worker is at rest: the two would wait for each other's locks."""
    yield
    if "base_url" in request.fixturenames:
        wait_until(
            lambda: not ProcrastinateJob.objects.filter(status__in=["todo", "doing"], scheduled_at=None).exists()
        )


@pytest.fixture(scope="session", autouse=True)
def patience() -> None:
    """No test waits for so long unless something is broken, or the machine is very busy."""
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)


@pytest.fixture(scope="session", autouse=True)
def database_beside_an_event_loop() -> Iterator[None]:
    """Playwright keeps a loop of its own in the tests' thread, where Django then takes every query for a mistake."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium is installed; .ci/run installs it")
    return {**browser_type_launch_args, "executable_path": chromium}


@pytest.fixture(scope="session")
def modelled() -> Iterator[Modelled]:
    """A house takes long to furnish, so there is one with a language model. Tests bring people of their own."""
    model = Patient()
    with standin(Behaviour(model)) as (url, behaviour), ExitStack() as stack:
        house = House(OPENAI_BASE_URL=url, **WORDIEST)
        stack.callback(house.close)
        stack.callback(model.release)
        house.start()
        yield Modelled(house, model, behaviour)


@pytest.fixture(scope="session")
def base_url(django_db_setup: None, keys_file: Path) -> Iterator[str]:
    """Where the site is; pages are opened by their path alone."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with override_settings(STORAGES=settings.STORAGES | {"staticfiles": {"BACKEND": MANIFEST}}):
        call_command("collectstatic", interactive=False, verbosity=0)
    environment = os.environ | _variables(address, keys_file)
    running = [
        subprocess.Popen([sys.executable, *line.format(port=port).split()], cwd=ROOT, env=environment)
        for line in PROCESSES
    ]
    try:
        _wait_for(address)
        yield address
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(timeout=10)


def _variables(address: str, keys_file: Path) -> dict[str, str]:
    found = connection.settings_dict
    host = found["HOST"] if found["HOST"].startswith("/") else f"{found['HOST']}:{found['PORT'] or 5432}"
    password = f":{quote(found['PASSWORD'], safe='')}" if found["PASSWORD"] else ""
    return {
        "DATABASE_URL": f"postgresql://{found['USER']}{password}@{quote(host, safe=':')}/{found['NAME']}",
        "KEYS_FILE": str(keys_file),
        "PUBLIC_URL": address,
        "OPENAI_API_KEY": "",
        "OPENAI_BASE_URL": "",
        "LOG_LEVEL": "WARNING",
        # Every test signs somebody up, from one address.
        "RATE_LIMIT_SCALE": "5",
    }


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{address}/health/ready", timeout=5):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
