"""How pages find a person's own memories: by filters in SQL, by words in texts that are opened for it, and by meaning.

The words of a search never reach SQL, where texts are sealed anyway; what is near to them in meaning comes by recall.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from accounts.models import User
from memories import profiles
from memories.engine.explaining import Explanation, explain
from memories.engine.recall import QUERY_LIMIT, recall
from memories.engine.types import Hit
from memories.models import Kind, Memory, MemoryProfile, MemoryQuerySet, Origin, Sector, Status
from memorychat.lib import text
from memorychat.lib.crypto import unlock

__all__ = ["QUERY_LIMIT", "Found", "Narrowing", "page_of", "search"]

PAGE_SIZE = 50
MOST_FOUND = 200
# Of each profile so many come by meaning alone, if they are so relevant.
MOST_NEAR, NEAR = 10, 0.5


@dataclass(frozen=True)
class Narrowing:
    """What a person asks the list to hold; None is no matter. `also` are further statuses."""

    status: Status = Status.ACTIVE
    kind: Kind | None = None
    sector: Sector | None = None
    origin: Origin | None = None
    profile_id: uuid.UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    also: tuple[Status, ...] = ()

    @property
    def statuses(self) -> set[Status]:
        return {self.status, *self.also}

    def memories_of(self, user: User) -> MemoryQuerySet:
        asked = {
            "kind": self.kind,
            "sector": self.sector,
            "origin": self.origin,
            "profile": self.profile_id,
            "occurred_at__gte": self.since,
            "occurred_at__lt": self.until,
        }
        memories = Memory.objects.for_user(user).filter(status__in=self.statuses).select_related("profile")
        return memories.filter(**{name: value for name, value in asked.items() if value is not None}).newest_first()


@dataclass(frozen=True)
class Found:
    """Some memories, and why each was found. `next` is the cursor of the page after.

    `near` do not hold the words, and are near to them in meaning, nearest first; all others are newest first.
    `is_cut` says that a search found more, `degraded` which parts of recall could not take part.
    """

    memories: list[Memory]
    next: uuid.UUID | None = None
    is_cut: bool = False
    near: list[Memory] = field(default_factory=list)
    why: Mapping[uuid.UUID, Explanation] = field(default_factory=dict)
    degraded: tuple[str, ...] = ()

    @property
    def rows(self) -> list[tuple[Memory, Explanation | None]]:
        return [(memory, self.why.get(memory.pk)) for memory in self.memories]

    @property
    def near_rows(self) -> list[tuple[Memory, Explanation | None]]:
        return [(memory, self.why.get(memory.pk)) for memory in self.near]


def page_of(user: User, narrowing: Narrowing, cursor: uuid.UUID | None, size: int = PAGE_SIZE) -> Found:
    memories = narrowing.memories_of(user)
    if cursor:
        memories = memories.filter(pk__lt=cursor)
    rows = list(memories[: size + 1])
    shown = rows[:size]
    _open(shown)
    return Found(shown, next=shown[-1].pk if len(rows) > size else None)


def search(user: User, narrowing: Narrowing, query: str) -> Found:
    """The memories that hold every word of the query, as a part of a word too, whatever its case and accents; then
    those that are near to it in meaning. Raises TextError for a query that recall refuses.
    """
    query = text.clean(query, limit=QUERY_LIMIT, name="query")
    words = text.fold(query).split()
    rows = list(narrowing.memories_of(user))
    _open(rows)
    holding = [row for row in rows if _holds(row, words)]
    hits, degraded = _recalled(user, narrowing, query)
    shown, ids = holding[:MOST_FOUND], {row.pk for row in holding}
    known = {row.pk: row for row in rows}
    near = [known[hit.memory_id] for hit in hits if hit.memory_id in known and hit.memory_id not in ids]
    why = _reasons(query, [*shown, *near], {hit.memory_id: hit for hit in hits})
    return Found(shown, is_cut=len(holding) > MOST_FOUND, near=near, why=why, degraded=degraded)


def _recalled(user: User, narrowing: Narrowing, query: str) -> tuple[list[Hit], tuple[str, ...]]:
    """What recall finds in each profile, most relevant first, whatever door and status; and what had to be left out."""
    asked = MemoryProfile.objects.for_user(user).active().select_related("owner")
    hits, degraded = list[Hit](), dict[str, None]()
    for profile in asked.filter(pk=narrowing.profile_id) if narrowing.profile_id else asked:
        access = profiles.by_hand(user, profile)
        found = recall(
            access,
            query,
            limit=MOST_NEAR,
            kinds=[narrowing.kind] if narrowing.kind else None,
            sectors=[narrowing.sector] if narrowing.sector else None,
            since=narrowing.since,
            until=narrowing.until,
            threshold=NEAR,
            include=narrowing.statuses - {Status.ACTIVE},
        )
        hits += found.hits
        degraded |= dict.fromkeys(found.degraded)
    return sorted(hits, key=lambda hit: hit.relevance, reverse=True), tuple(degraded)


def _reasons(query: str, memories: list[Memory], hits: Mapping[uuid.UUID, Hit]) -> dict[uuid.UUID, Explanation]:
    holds = Explanation(f"Holds {', '.join(f'“{word}”' for word in query.split())}.", ())
    recalled = {memory: hits.get(memory.pk) for memory in memories}
    return {
        memory.pk: explain(hit, question=query, content=memory.content) if hit else holds
        for memory, hit in recalled.items()
    }


def _holds(memory: Memory, words: list[str]) -> bool:
    content = text.fold(memory.content)
    return all(word in content for word in words)


def _open(memories: list[Memory]) -> None:
    unlock([*memories, *(memory.profile for memory in memories)])
