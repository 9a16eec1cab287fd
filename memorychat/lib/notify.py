"""Tells the pages of a person what changed: ids only, never words.

What the worker did reaches the web processes by PostgreSQL's notifications, or by the channel layer where Redis carries
it. A notification is part of the transaction that it speaks of: it is sent when that commits, or not at all.
"""

import asyncio
import json
import uuid
from typing import Any

import psycopg
import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import connection, transaction

log = structlog.get_logger(__name__)

CHANNEL = "memorychat"
PAUSE = 2.0


def group_of(person_id: uuid.UUID) -> str:
    return f"person.{person_id}"


def announce(person_id: uuid.UUID, kind: str, ids: dict[str, Any]) -> None:
    """Every open page of this person gets a message of this type, its handler's name with dots."""
    message = {"type": kind, **ids}
    if settings.REDIS_URL:
        layer = get_channel_layer()
        transaction.on_commit(lambda: async_to_sync(layer.group_send)(group_of(person_id), message))
        return
    payload = json.dumps({"group": group_of(person_id), "message": message})
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, payload])


class Listener:
    """Hands notifications to the channel layer of this process; started with the first page that connects."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    def ensure(self) -> None:
        if settings.REDIS_URL:
            return
        if self._task is None or self._task.done() or self._task.get_loop() is not asyncio.get_running_loop():
            self._task = asyncio.create_task(self._listen_for_ever())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _listen_for_ever(self) -> None:
        """A lost connection is opened again; what was sent meanwhile is missed, and pages that reconnect ask anew."""
        while True:
            try:
                await self._listen()
            except psycopg.OperationalError as error:
                log.warning("notifications_lost", error=type(error).__name__, again_in=PAUSE)
            await asyncio.sleep(PAUSE)

    async def _listen(self) -> None:
        async with await psycopg.AsyncConnection.connect(**_connection_parameters(), autocommit=True) as listening:
            await listening.execute(f"LISTEN {CHANNEL}")
            async for notification in listening.notifies():
                await self._hand_on(notification.payload)

    async def _hand_on(self, payload: str) -> None:
        told = json.loads(payload)
        await get_channel_layer().group_send(told["group"], told["message"])


def _connection_parameters() -> dict[str, Any]:
    parameters = connection.get_connection_params()
    return {
        name: value
        for name, value in parameters.items()
        if name not in ("cursor_factory", "context", "prepare_threshold")
    }


listener = Listener()
