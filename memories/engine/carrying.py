"""Memories that are carried over as they stand, from another profile or from our own export: under the lock, like all.

They bring what a candidate does not have: how much they matter by now, that they are pinned, how often they were said.
What is known in equal words is left alone; of two that hold one slot the newer by event time stands.
"""

import uuid
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from django.utils import timezone

from memories.engine import changes, guard, index, slots, weighing
from memories.engine.ledger import Act
from memories.engine.types import Outcome, Slot, Written
from memories.models import Action, Kind, Memory, MemoryEvent, MemoryProfile, MemorySource, Origin, Sector, Status
from memorychat.lib.crypto import unlock
from memorychat.llm.types import Vector

KNOWN = "In equal words."


@dataclass(frozen=True)
class Place:
    """Where it was said. `thread` is a hash, which tells one thread from another and no more."""

    said_at: datetime
    quote: str = ""
    speaker: str = ""
    position: int | None = None
    message_id: uuid.UUID | None = None
    thread: bytes | None = None


@dataclass(frozen=True)
class Carried:
    """A memory on its way, opened, with the slot that its hash stands for."""

    content: str
    kind: Kind
    sector: Sector
    importance: int
    confidence: float
    salience: float
    salience_at: datetime
    occurred_at: datetime
    last_said_at: datetime
    origin: Origin
    status: Status = Status.ACTIVE
    pinned: bool = False
    times_said: int = 1
    slot: Slot | None = None
    metadata: dict[str, Any] | None = None
    places: Sequence[Place] = ()


def guarded(carried: Carried) -> Carried:
    """What comes from outside: secrets are masked, and what instructs is held back."""
    verdict = guard.inspect(carried.content)
    return replace(
        carried,
        content=verdict.masked,
        status=Status.QUARANTINED if verdict.is_quarantined else carried.status,
        places=[replace(place, quote=guard.inspect(place.quote).masked) for place in carried.places],
    )


@dataclass(frozen=True)
class Coming:
    """A statement that is compared with what is known; `at` is None where no time of it is told.

    `followed_by` are the digests of what the same list says after it. `places` tell apart what one act carries over in
    equal words; None where they mean nothing.
    """

    digest: bytes
    at: datetime | None
    status: Status = Status.ACTIVE
    followed_by: Container[bytes] = ()
    places: Sequence[Place] | None = None


def is_known(act: Act, profile: MemoryProfile, coming: Coming) -> bool:
    """In equal words. What was forgotten or archived may come again, and what was superseded when it is newer."""
    equal = changes.of_profile(profile).filter(digest=coming.digest).exclude(status=Status.FORGOTTEN)
    return any(_covers(act, memory, coming) for memory in equal.select_related("superseded_by"))


def _covers(act: Act, memory: Memory, coming: Coming) -> bool:
    if memory.status == Status.ARCHIVED and coming.status != Status.ARCHIVED:
        return False
    if memory.status == Status.SUPERSEDED and _is_after(coming, memory):
        return False
    came_with_it = MemoryEvent.objects.filter(memory=memory, change_id=act.change_id, action=Action.CREATED)
    if coming.places is None or not came_with_it.exists():
        return True
    return bool(_where(coming.places) & _where(memory.sources.all()))


def _where(places: Iterable[Place | MemorySource]) -> set[tuple[uuid.UUID | None, bytes | None, int | None] | None]:
    return {(each.message_id, _hash(each.thread), each.position) for each in places} or {None}


def _is_after(coming: Coming, former: Memory) -> bool:
    """Without a time it holds from now on, unless the list itself goes on to what took its place."""
    if coming.at is not None:
        return coming.at > former.occurred_at
    successor = former.superseded_by
    return successor is None or bytes(successor.digest) not in coming.followed_by


def carry(act: Act, profile: MemoryProfile, carried: Carried, vector: Vector | None) -> Written:
    """Place it, unless it is known. The caller holds the lock of the profile."""
    digest, status = index.digest_of(profile, carried.content), Status(carried.status)
    if is_known(act, profile, Coming(digest, carried.occurred_at, status, places=carried.places)):
        return Written(Outcome.DISCARDED, reason=KNOWN)
    return place(act, profile, carried, vector)


def place(act: Act, profile: MemoryProfile, carried: Carried, vector: Vector | None) -> Written:
    """Under the lock too: write it, whatever is known."""
    memory = _draft(profile, carried)
    if memory.status == Status.QUARANTINED:
        return _make(act, memory, carried, vector, Outcome.QUARANTINED, weighing.HELD_BACK)
    holder = changes.slot_holder(profile, changes.slot_of(memory)) if memory.is_recallable else None
    if holder is None:
        return _make(act, memory, carried, vector, Outcome.CREATED)
    if holder.occurred_at > memory.occurred_at:
        memory.status, memory.superseded_by_id = Status.SUPERSEDED, holder.pk
        return _make(act, memory, carried, vector, Outcome.SUPERSEDED, weighing.NEWER_HOLDS)
    changes.supersede(act, holder, memory.pk)
    return _make(act, memory, carried, vector, Outcome.SUPERSEDED)


def opened(profile: MemoryProfile, *statuses: Status) -> list[tuple[Memory, Carried]]:
    """What a profile holds in these statuses, oldest first, with two queries for any number of memories."""
    memories = list(changes.of_profile(profile).filter(status__in=statuses).order_by("pk"))
    sources: dict[uuid.UUID, list[MemorySource]] = {}
    for source in MemorySource.objects.filter(memory__profile=profile, memory__status__in=statuses).order_by("pk"):
        sources.setdefault(source.memory_id, []).append(source)
    unlock([*memories, *(source for each in sources.values() for source in each)])
    return [(memory, _opened(memory, sources.get(memory.pk, []))) for memory in memories]


def _opened(memory: Memory, sources: Sequence[MemorySource]) -> Carried:
    """The name of a thread is known by its hash alone."""
    places = [
        Place(each.said_at, each.quote, each.speaker, each.position, each.message_id, _hash(each.thread))
        for each in sources
    ]
    columns = {each.name: getattr(memory, each.name) for each in fields(Carried) if each.name not in ("slot", "places")}
    return Carried(**columns, slot=slots.behind(memory.profile, memory), places=places)


def _hash(thread: bytes | memoryview | None) -> bytes | None:
    return bytes(thread) if thread else None


def _make(
    act: Act, memory: Memory, carried: Carried, vector: Vector | None, outcome: Outcome, reason: str = ""
) -> Written:
    changes.make(act, memory, vector, outcome)
    MemorySource.objects.bulk_create(MemorySource(memory=memory, **vars(place)) for place in carried.places)
    return Written(outcome, memory.pk, act.change_id, reason=reason)


def _draft(profile: MemoryProfile, carried: Carried) -> Memory:
    """As where it is weighed: what holds a slot is a state, and what is yet to come takes none."""
    is_to_come = carried.occurred_at > timezone.now() + weighing.AT_ONE_TIME
    columns = {name: value for name, value in vars(carried).items() if name not in ("slot", "places")}
    if carried.slot and carried.sector == Sector.EPISODIC:
        columns["sector"] = Sector.SEMANTIC
    return Memory(
        owner=profile.owner,
        profile=profile,
        slot=None if is_to_come else index.slot_key(profile, carried.slot),
        digest=index.digest_of(profile, carried.content),
        **columns,
    )
