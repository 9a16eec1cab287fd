"""How much a model may write by itself: counted in the ledger, under a lock of the person, so that no two processes
count past each other. What a person writes, gives by a program or imports is not counted.
"""

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from memories.access import MemoryAccess
from memories.engine.types import Candidate, Outcome
from memories.models import Action, FoundBy, MemoryEvent, Origin

HOUR = timedelta(hours=1)
MOST_OF_A_CALL = 60
BY_MODEL = {"found_by": FoundBy.MODEL, "action": Action.CREATED}
WRITTEN = (Outcome.CREATED, Outcome.SUPERSEDED, Outcome.CONFLICT)
CHATTING = (Origin.CHAT, Origin.MCP)


class Allowance:
    """What a model may still write in this transaction, which holds the lock of the person until it ends."""

    def __init__(self, access: MemoryAccess) -> None:
        self._access = access
        self._left: dict[uuid.UUID | None, int] = {}
        self._left_this_hour: int | None = None

    def has_room_for(self, candidate: Candidate) -> bool:
        """Whether it may be written; takes its room."""
        if not _is_counted(self._access, candidate):
            return True
        if not self._left:
            _lock_person(self._access)
        conversation = candidate.provenance.conversation_id
        if conversation not in self._left:
            self._left[conversation] = self._left_in(conversation)
        if self._left[conversation] <= 0 or self._this_hour() <= 0:
            return False
        self._left[conversation] -= 1
        self._left_this_hour = self._this_hour() - 1
        return True

    @classmethod
    def peek(cls, access: MemoryAccess, candidate: Candidate, *, waiting: int = 0) -> bool:
        """Whether there seems to be room beside what waits already, without the lock: who writes asks under it."""
        if not _is_counted(access, candidate):
            return True
        allowance = cls(access)
        left = min(allowance._left_in(candidate.provenance.conversation_id), allowance._this_hour())
        return left > waiting

    def _left_in(self, conversation: uuid.UUID | None) -> int:
        limit = _of_one_conversation(self._access)
        if conversation is None:
            return limit
        return limit - self._written().filter(conversation_id=conversation, door=self._access.door).count()

    def _this_hour(self) -> int:
        if self._access.door not in CHATTING:
            return _scaled(MOST_OF_A_CALL)
        if self._left_this_hour is None:
            lately = self._written().filter(created_at__gt=timezone.now() - HOUR, door__in=CHATTING)
            self._left_this_hour = _scaled(settings.MEMORY_WRITES_PER_HOUR) - lately.count()
        return self._left_this_hour

    def _written(self) -> QuerySet[MemoryEvent]:
        return MemoryEvent.objects.for_user(self._access.profile.owner).filter(**BY_MODEL, outcome__in=WRITTEN)


def _is_counted(access: MemoryAccess, candidate: Candidate) -> bool:
    is_limited_door = access.door in CHATTING or access.door == Origin.VOICE
    return candidate.found_by == FoundBy.MODEL and is_limited_door and settings.RATE_LIMIT_SCALE > 0


def _of_one_conversation(access: MemoryAccess) -> int:
    is_call = access.door == Origin.VOICE
    return _scaled(MOST_OF_A_CALL if is_call else settings.MEMORY_WRITES_PER_CONVERSATION)


def _scaled(limit: int) -> int:
    return int(limit * settings.RATE_LIMIT_SCALE)


def _lock_person(access: MemoryAccess) -> None:
    """Held until the transaction ends; taken after the profile's lock, always in this order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"memory writes of {access.profile.owner_id}"]
        )
