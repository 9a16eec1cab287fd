import asyncio
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from channels.layers import channel_layers, get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.db import connection, transaction
from pytest_django import Settings

from memorychat.lib import notify
from memorychat.lib.notify import Listener, announce, group_of

pytestmark = pytest.mark.django_db(transaction=True)

PERSON = uuid.uuid4()
EVENTS = {"events": [{"message_id": "1"}]}


@pytest.fixture
async def listener(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Listener]:
    monkeypatch.setattr(notify, "PAUSE", 0.05)
    listener = Listener()
    listener.ensure()
    await until_someone_listens()
    yield listener
    await listener.stop()


async def until_someone_listens() -> None:
    for _ in range(200):
        if await asyncio.to_thread(listening):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("Nobody listens.")


def listening() -> list[int]:
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pid FROM pg_stat_activity WHERE query = 'LISTEN memorychat' AND datname = current_database()"
            )
            return [row[0] for row in cursor.fetchall()]
    finally:
        connection.close()


def tell(*, commit: bool = True) -> None:
    try:
        with transaction.atomic():
            announce(PERSON, "memory.changed", EVENTS)
            transaction.set_rollback(not commit)
    finally:
        connection.close()


async def heard(channel: str) -> dict[str, object]:
    message: dict[str, object] = await asyncio.wait_for(get_channel_layer().receive(channel), 5)
    return message


async def subscribe() -> str:
    layer = get_channel_layer()
    channel: str = await layer.new_channel()
    await layer.group_add(group_of(PERSON), channel)
    return channel


async def test_what_is_announced_reaches_the_person_s_pages_when_it_is_committed(listener: Listener) -> None:
    channel = await subscribe()
    await asyncio.to_thread(tell, commit=False)
    await asyncio.to_thread(tell)
    assert await heard(channel) == {"type": "memory.changed", **EVENTS}
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(get_channel_layer().receive(channel), 0.2)


async def test_a_listener_whose_connection_was_cut_listens_again(listener: Listener) -> None:
    channel = await subscribe()
    [before] = await asyncio.to_thread(listening)

    def cut() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [before])
        connection.close()

    await asyncio.to_thread(cut)
    for _ in range(200):
        if (await asyncio.to_thread(listening)) not in ([], [before]):
            break
        await asyncio.sleep(0.02)
    await asyncio.to_thread(tell)
    assert (await heard(channel))["type"] == "memory.changed"


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed; .ci/run installs it.")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)],
        stdout=subprocess.DEVNULL,
    )
    for _ in range(200):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            break
        time.sleep(0.02)
    yield f"redis://127.0.0.1:{port}/0"
    server.terminate()
    server.wait(10)


async def test_redis_carries_it_where_there_is_one(redis_url: str, settings: Settings) -> None:
    settings.REDIS_URL = redis_url
    layer = RedisPubSubChannelLayer(hosts=[redis_url])
    channel_layers.set("default", layer)
    try:
        channel = await subscribe()
        await asyncio.to_thread(tell, commit=False)
        await asyncio.to_thread(tell)
        assert await heard(channel) == {"type": "memory.changed", **EVENTS}
    finally:
        await layer.flush()
        channel_layers.backends.pop("default")
