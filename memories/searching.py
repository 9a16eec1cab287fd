"""How pages find a person's own memories: by filters in SQL, and by words in texts that are opened for it.

The words of a search never reach SQL, where texts are sealed anyway.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

from accounts.models import User
from memories.models import Kind, Memory, MemoryQuerySet, Origin, Sector, Status
from memorychat.lib import text
from memorychat.lib.crypto import unlock

PAGE_SIZE = 50
MOST_FOUND = 200


@dataclass(frozen=True)
class Narrowing:
    """What a person asks the list to hold; None is no matter."""

    status: Status = Status.ACTIVE
    kind: Kind | None = None
    sector: Sector | None = None
    origin: Origin | None = None
    profile_id: uuid.UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    def memories_of(self, user: User) -> MemoryQuerySet:
        asked = {
            "kind": self.kind,
            "sector": self.sector,
            "origin": self.origin,
            "profile": self.profile_id,
            "occurred_at__gte": self.since,
            "occurred_at__lt": self.until,
        }
        memories = Memory.objects.for_user(user).with_status(self.status).select_related("profile")
        return memories.filter(**{name: value for name, value in asked.items() if value is not None}).newest_first()


@dataclass(frozen=True)
class Found:
    """Some memories, newest first. `next` is the cursor of the page after; `is_cut` says that a search found more."""

    memories: list[Memory]
    next: uuid.UUID | None = None
    is_cut: bool = False


def page_of(user: User, narrowing: Narrowing, cursor: uuid.UUID | None, size: int = PAGE_SIZE) -> Found:
    memories = narrowing.memories_of(user)
    if cursor:
        memories = memories.filter(pk__lt=cursor)
    rows = list(memories[: size + 1])
    shown = rows[:size]
    _open(shown)
    return Found(shown, next=shown[-1].pk if len(rows) > size else None)


def search(user: User, narrowing: Narrowing, query: str) -> Found:
    """The memories that hold every word of the query, as a part of a word too, whatever its case and accents."""
    words = text.fold(query).split()
    rows = list(narrowing.memories_of(user))
    _open(rows)
    found = [row for row in rows if _holds(row, words)]
    return Found(found[:MOST_FOUND], is_cut=len(found) > MOST_FOUND)


def _holds(memory: Memory, words: list[str]) -> bool:
    content = text.fold(memory.content)
    return all(word in content for word in words)


def _open(memories: list[Memory]) -> None:
    unlock([*memories, *(memory.profile for memory in memories)])
