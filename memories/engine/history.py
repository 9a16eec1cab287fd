"""What the ledger alone says: what each memory was at a moment, and whether the table says the same now."""

import uuid
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, QuerySet

from accounts.models import User
from memories.access import MemoryAccess
from memories.engine import ledger
from memories.models import Action, Kind, Memory, MemoryEvent, MemoryProfile, Sector, Status
from memorychat.lib.crypto import SealedError, key_ring, unlock

AT_ONCE = 500
REWORDING = (Action.REVISED, Action.UNDONE)

# The ledgered columns of one memory, as the columns want them.
State = dict[str, Any]


@dataclass(frozen=True)
class Held:
    """A memory as it was."""

    memory_id: uuid.UUID
    content: str
    metadata: dict[str, object] | None
    kind: Kind
    sector: Sector
    importance: int
    confidence: float
    status: Status
    occurred_at: datetime
    pinned: bool


class Trouble(StrEnum):
    DIFFERS = "differs from the ledger"
    MISSING = "is in the ledger and not in the table"
    UNRECORDED = "is in the table and not in the ledger"
    NOT_ERASED = "was erased and is in the table"
    GAP = "has an event that does not follow on the one before it"
    SEALED = "cannot be opened"


@dataclass(frozen=True)
class Difference:
    """`column` is empty where the whole memory is meant. It holds no words."""

    memory_id: uuid.UUID
    trouble: Trouble
    column: str = ""


@dataclass
class Verification:
    """What was compared. Of an erased person only that they were is known: `erased` counts their memories."""

    memories: int = 0
    events: int = 0
    erased: int = 0
    erased_people: set[uuid.UUID] = field(default_factory=set)
    differences: list[Difference] = field(default_factory=list)


def newest_events(memory_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Memory → the number of its newest event: by it, how it is now can be told later."""
    events = MemoryEvent.objects.filter(memory__in=memory_ids).values("memory_id")
    return dict(events.annotate(newest=Max("number")).values_list("memory_id", "newest"))


def words_since_changed(asked: Collection[tuple[uuid.UUID, int]]) -> dict[tuple[uuid.UUID, int], str]:
    """(memory, number of an event) → the words it had after that event, for those that have others now."""
    if not asked:
        return {}
    earliest = min(number for _, number in asked)
    memory_ids = {memory_id for memory_id, _ in asked}
    events = MemoryEvent.objects.filter(memory__in=memory_ids, number__gt=earliest, action__in=REWORDING)
    found: dict[tuple[uuid.UUID, int], str] = {}
    for event in _opened(events):
        words = (event.before or {}).get("content")
        later = [place for place in asked if place[0] == event.memory_id and place[1] < event.number]
        found |= {place: words for place in later if words is not None and place not in found}
    return found


def held_at(access: MemoryAccess, moment: datetime, statuses: Collection[Status] = (Status.ACTIVE,)) -> list[Held]:
    """What the profile held then, oldest memory first; what was erased since is not known any more."""
    if not access.mode.reads:
        return []
    events = MemoryEvent.objects.filter(owner=access.profile.owner_id, profile=access.profile, created_at__lte=moment)
    states: dict[uuid.UUID, State] = {}
    for event in _opened(events):
        states.setdefault(event.memory_id, {}).update(_after(event))
    return [_held(memory_id, states[memory_id]) for memory_id in sorted(states) if _was(states[memory_id], statuses)]


def verify(person: User | None = None) -> Verification:
    """Rebuild every memory from its events and compare it with the table, in a fixed number of queries for so many.

    It may run while people write: what differs is looked at again under the lock of its profile.
    """
    result = Verification()
    events = MemoryEvent.objects.filter(**({"owner": person} if person else {}))
    for memory_ids in _chunks(events):
        # The keys of many people are not kept together.
        with key_ring():
            suspects = [difference.memory_id for difference in _compare(memory_ids, result)]
            for memory_id in dict.fromkeys(suspects):
                result.differences += _compare_at_rest(memory_id)
    memories = Memory.objects.filter(**({"owner": person} if person else {}))
    recorded = MemoryEvent.objects.filter(memory=OuterRef("pk"))
    unrecorded = memories.filter(~Exists(recorded)).values_list("pk", flat=True)
    result.differences += [Difference(memory_id, Trouble.UNRECORDED) for memory_id in unrecorded]
    return result


def _held(memory_id: uuid.UUID, state: State) -> Held:
    return Held(
        memory_id=memory_id,
        content=state["content"],
        metadata=state["metadata"],
        kind=Kind(state["kind"]),
        sector=Sector(state["sector"]),
        importance=state["importance"],
        confidence=state["confidence"],
        status=Status(state["status"]),
        occurred_at=state["occurred_at"],
        pinned=state["pinned"],
    )


def _was(state: State, statuses: Collection[Status]) -> bool:
    return state.get("status") in statuses


def _opened(events: QuerySet[MemoryEvent]) -> Iterator[MemoryEvent]:
    """In their order, opened piece by piece, without those whose words were erased."""
    last = 0
    while rows := list(events.filter(number__gt=last).order_by("number")[:AT_ONCE]):
        last = rows[-1].number
        unlock(rows)
        yield from (row for row in rows if not _is_empty(row))


def _is_empty(event: MemoryEvent) -> bool:
    """Its words were erased."""
    return vars(event)["after"] == b""


def _after(event: MemoryEvent) -> State:
    return ledger.column_values(event.after)


def _chunks(events: QuerySet[MemoryEvent]) -> Iterator[list[uuid.UUID]]:
    """The memories that these events are about, by their ids."""
    last = uuid.UUID(int=0)
    while True:
        ids = events.filter(memory_id__gt=last).order_by("memory_id").values_list("memory_id", flat=True).distinct()
        chunk = list(ids[:AT_ONCE])
        if not chunk:
            return
        yield chunk
        last = chunk[-1]


def _compare(memory_ids: Collection[uuid.UUID], result: Verification) -> list[Difference]:
    rows = Memory.objects.in_bulk(list(memory_ids))
    histories: dict[uuid.UUID, list[MemoryEvent]] = {memory_id: [] for memory_id in memory_ids}
    events = list(MemoryEvent.objects.filter(memory__in=list(memory_ids)).order_by("number"))
    unlock([*rows.values(), *(event for event in events if not _is_empty(event))])
    for event in events:
        histories[event.memory_id].append(event)
    result.memories += len(rows)
    result.events += len(events)
    return [each for key, history in histories.items() for each in _verify_one(key, rows.get(key), history, result)]


def _compare_at_rest(memory_id: uuid.UUID) -> list[Difference]:
    """Nobody writes to its profile meanwhile."""
    with transaction.atomic():
        profiles = MemoryProfile.objects.filter(pk__in=MemoryEvent.objects.filter(memory=memory_id).values("profile"))
        list(profiles.select_for_update(no_key=True).order_by("pk"))
        return _compare([memory_id], Verification())


def _verify_one(
    memory_id: uuid.UUID, row: Memory | None, history: list[MemoryEvent], result: Verification
) -> Iterable[Difference]:
    if history and history[-1].action == Action.ERASED:
        result.erased += 1
        result.erased_people.add(history[-1].owner_id)
        return [Difference(memory_id, Trouble.NOT_ERASED)] if row else []
    if row is None:
        return [Difference(memory_id, Trouble.MISSING)]
    try:
        return list(_differences(row, history))
    except SealedError:
        return [Difference(memory_id, Trouble.SEALED)]


def _differences(row: Memory, history: Iterable[MemoryEvent]) -> Iterator[Difference]:
    rebuilt: State = {}
    for event in history:
        before = ledger.column_values(event.before or {})
        gaps = [name for name, value in before.items() if rebuilt.get(name) != value]
        yield from (Difference(row.pk, Trouble.GAP, name) for name in gaps)
        rebuilt |= _after(event)
    now = ledger.column_values(ledger.snapshot(row))
    yield from (Difference(row.pk, Trouble.DIFFERS, name) for name in now if rebuilt.get(name) != now[name])
