"""From `message.send` to the first delta, through a real web process, with a model that answers at once.

The built-in responder is that model. The baseline is the same turn in incognito, which neither reads nor stores: what
is left is the socket, the sign-in and the reply itself.
"""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

from accounts.models import User
from memorychat.bench.recall import fill, word
from memorychat.bench.report import Times, goal, line
from memorychat.lib.environment import ROOT

TURNS, UNCOUNTED = 60, 5
MOST_SECONDS_TO_START = 60


def run() -> Iterator[str]:
    """Fills the database that Django is connected to: give it a scratch one."""
    yield "First delta: message.send to the first piece of the reply, 1,000 memories in the profile"
    person = fill(people=5).profile.owner
    with web_process() as web:
        normal, incognito = asyncio.run(_turns(web.port, sign_in(person)))
    yield goal("first delta, p95", normal.p95, most=50)
    yield line("first delta", normal)
    yield line("the same in incognito (baseline)", incognito)
    yield line("recall, prompt and storing add, p50 | p95", _added(normal, incognito))


def _added(one: Times, other: Times) -> str:
    return f"{one.p50 - other.p50:.1f} ms | {one.p95 - other.p95:.1f} ms"


def sign_in(person: User) -> str:
    """The cookie of a session, as signing in by the page would give."""
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.save()
    return str(session.session_key)


@dataclass(frozen=True)
class Web:
    """A web process."""

    port: int
    pid: int


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextlib.contextmanager
def web_process(**environment: str) -> Iterator[Web]:
    """A web process on the database of this one."""
    port = free_port()
    database = connection.settings_dict
    address = f"postgresql://{quote(database['USER'])}:{quote(database['PASSWORD'])}@{quote(database['HOST'], safe='')}"
    variables = {
        "DATABASE_URL": f"{address}:{database['PORT'] or 5432}/{database['NAME']}",
        "KEYS_FILE": str(settings.KEYS_FILE),
        "DATA_DIR": str(settings.DATA_DIR),
        "LLM_PROVIDERS": "builtin",
        "LOG_LEVEL": "ERROR",
        **environment,
    }
    command = [sys.executable, "-m", "daphne", "--bind", "127.0.0.1", "--port", str(port), "--verbosity", "0"]
    process = subprocess.Popen([*command, "memorychat.asgi:application"], cwd=ROOT, env=os.environ | variables)
    try:
        _wait_until_it_answers(port)
        yield Web(port, process.pid)
    finally:
        process.terminate()
        process.wait(30)


def _wait_until_it_answers(port: int) -> None:
    end = time.monotonic() + MOST_SECONDS_TO_START
    while time.monotonic() < end:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2):
            return
        time.sleep(0.1)
    raise RuntimeError("The web process did not start.")


async def _turns(port: int, cookie: str) -> tuple[Times, Times]:
    """Turns in normal mode and in incognito, one after the other, so that a slow moment strikes both."""
    found: dict[str, list[float]] = {"normal": [], "incognito": []}
    headers, origin = {"Cookie": f"sessionid={cookie}"}, Origin(f"http://127.0.0.1:{port}")
    async with connect(f"ws://127.0.0.1:{port}/ws/chat/", origin=origin, additional_headers=headers) as page:
        for number in range(TURNS + UNCOUNTED):
            for mode, times in found.items():
                times.append(await _first_delta(page, f"What about {word(number)} and {word(number * 7)}?", mode))
    return Times.of(found["normal"][UNCOUNTED:]), Times.of(found["incognito"][UNCOUNTED:])


async def _first_delta(page: ClientConnection, text: str, mode: str) -> float:
    """Milliseconds."""
    frame = {"type": "message.send", "text": text, "client_message_id": uuid.uuid4().hex, "privacy_mode": mode}
    started = time.perf_counter()
    await page.send(json.dumps(frame))
    took = 0.0
    while True:
        heard = json.loads(await page.recv())
        if heard["type"] == "reply.delta" and not took:
            took = (time.perf_counter() - started) * 1000
        if heard["type"] == "reply.finished":
            return took
        if heard["type"] in ("error", "reply.failed"):
            raise RuntimeError(f"The turn failed: {heard['code']}.")
