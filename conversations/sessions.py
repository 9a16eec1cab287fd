"""Whether a socket's sign-in still holds: Channels asks once, at the opening, and a socket would outlive it.

It is asked anew with every frame; and of sockets on which nothing comes all few seconds, for all of them at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any

import structlog
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import Error as DatabaseFailure
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.models import User
from conversations.threads import in_thread_aside

log = structlog.get_logger(__name__)

LOOKED_AT_SECONDS = 3.0


def signed_in(session_key: str) -> User | None:
    """The person whose session this is, if it is alive: not signed out, changed or deactivated."""
    return people_of([session_key]).get(session_key)


def people_of(session_keys: Collection[str]) -> dict[str, User]:
    """Session → its person, of those that hold, in two queries for all of them."""
    rows = Session.objects.filter(session_key__in=session_keys, expire_date__gt=timezone.now())
    sessions = {row.session_key: row.get_decoded() for row in rows}
    ids = [session[SESSION_KEY] for session in sessions.values() if SESSION_KEY in session]
    people = {str(person.pk): person for person in User.objects.filter(pk__in=ids, is_active=True)}
    found = {key: people.get(session.get(SESSION_KEY, "")) for key, session in sessions.items()}
    return {key: person for key, person in found.items() if person and _holds(sessions[key], person)}


def _holds(session: dict[str, Any], person: User) -> bool:
    """A password that was changed ends the sessions that were begun with the former one."""
    return constant_time_compare(session.get(HASH_SESSION_KEY, ""), person.get_session_auth_hash())


class Watch:
    """Tells open sockets that their sign-in has ended: signed out, another password, deactivated, expired."""

    def __init__(self) -> None:
        self._ended: dict[object, tuple[str, Callable[[], Awaitable[None]]]] = {}
        self._task: asyncio.Task[None] | None = None

    def add(self, socket: object, session_key: str, ended: Callable[[], Awaitable[None]]) -> None:
        self._ended[socket] = session_key, ended
        if self._task is None or self._task.done() or self._task.get_loop() is not asyncio.get_running_loop():
            self._task = asyncio.create_task(self._look_for_ever())

    def remove(self, socket: object) -> None:
        self._ended.pop(socket, None)

    async def _look_for_ever(self) -> None:
        """As long as there is a socket."""
        while self._ended:
            await asyncio.sleep(LOOKED_AT_SECONDS)
            try:
                await self._look()
            except DatabaseFailure as error:
                log.warning("sign_ins_not_looked_at", error=type(error).__name__)

    async def _look(self) -> None:
        keys = {key for key, _ in self._ended.values()}
        signed_in = await in_thread_aside(people_of, keys)
        for socket, (key, ended) in list(self._ended.items()):
            if key in keys and key not in signed_in:
                self.remove(socket)
                await ended()


watch = Watch()
