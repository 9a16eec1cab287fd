"""Taking changes back: one, all of a conversation, call, import or run, each by new events that compensate.

A change that later ones built on is taken back together with those, once the person has seen which they are: they name
what they were shown, and where more would go by now, nothing is done.
"""

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from django.db.models import Q

from memories.access import MemoryAccess
from memories.engine import changes, index, ledger
from memories.engine.changes import Batch
from memories.engine.ledger import Act
from memories.engine.types import Outcome, StaleChange, UnknownMemory, Written
from memories.models import Action, Memory, MemoryBatch, MemoryEvent, MemoryProfile, Status
from memorychat.lib.crypto import unlock
from memorychat.llm.types import Vector

BUILT_ON = "A later change built on this one, so it cannot be undone alone."
UNDONE_ALREADY = "This change was undone already."
NOT_AS_SHOWN = "Something changed since this was shown, so something else would be taken back now."


@dataclass(frozen=True)
class Difference:
    """What an undo would do to one memory: its words and status now and then."""

    memory_id: uuid.UUID
    words_now: str
    words_then: str
    status_now: Status
    status_then: Status


@dataclass(frozen=True)
class Preview:
    """`follows` are the later changes that would be taken back too; `seen` names all that would be, whoever saw it."""

    differences: tuple[Difference, ...]
    follows: tuple[uuid.UUID, ...]
    seen: str


def undo(access: MemoryAccess, change_id: uuid.UUID, *, seen: str = "") -> Written:
    """Compensate one whole change; what built on it goes too when the person has `seen` that (see `Preview`).

    Raises UnknownMemory, and StaleChange when later changes built on it that were not seen.
    """
    return undo_all(access, [change_id], seen=seen)


def undo_all(access: MemoryAccess, change_ids: Sequence[uuid.UUID], *, seen: str = "") -> Written:
    """Compensate several changes as one new one, which can be undone itself."""
    changes.must_write(access)
    expected = _with_what_follows(access.profile, change_ids) if seen else change_ids
    vectors = _vectors_before(access.profile, _events(access.profile, expected))
    with changes.locked(access) as profile:
        taken_back = _with_what_follows(profile, change_ids)
        follows = [change for change in taken_back if change not in change_ids]
        if seen and seen != _name_of(taken_back):
            raise StaleChange(NOT_AS_SHOWN, follows=tuple(follows))
        if follows and not seen:
            raise StaleChange(BUILT_ON, follows=tuple(follows))
        new_change = Act(access).change_id
        written = Written(Outcome.DISCARDED)
        for change_id in taken_back:
            written = _take_back(Act(access, undoes=change_id, change_id=new_change), profile, change_id, vectors)
        return written


def undo_batch(access: MemoryAccess, batch: Batch, *, seen: str = "") -> Written:
    return undo_all(access, changes_of_batch(access, batch), seen=seen)


def undo_conversation(access: MemoryAccess, conversation_id: uuid.UUID, *, seen: str = "") -> Written:
    """Take back what a conversation or call brought about in this profile."""
    return undo_all(access, changes_of_conversation(access, conversation_id), seen=seen)


def changes_of_batch(access: MemoryAccess, batch: Batch) -> list[uuid.UUID]:
    """The parts of an import are batches of their own, and share the reference of the whole as their change."""
    rows = MemoryBatch.objects.filter(owner=access.profile.owner, purpose=batch.purpose, reference=batch.reference)
    which = Q(batch__in=list(rows))
    if batch.purpose == MemoryBatch.Purpose.IMPORT:
        which |= Q(change_id=batch.reference, batch__isnull=False)
    return _change_ids(access.profile, which)


def changes_of_conversation(access: MemoryAccess, conversation_id: uuid.UUID) -> list[uuid.UUID]:
    """What was copied is there by the copy, which is one change: no conversation takes all of it back."""
    copied = Q(batch__purpose=MemoryBatch.Purpose.COPY)
    return _change_ids(access.profile, Q(conversation_id=conversation_id) & ~copied)


def preview(access: MemoryAccess, change_ids: Sequence[uuid.UUID]) -> Preview:
    """What taking these changes back would do, with all that would follow. Raises UnknownMemory, and NotAllowed."""
    changes.must_write(access)
    try:
        _rehearse(access, change_ids)
    except _Rehearsed as rehearsed:
        return rehearsed.preview


def _rehearse(access: MemoryAccess, change_ids: Sequence[uuid.UUID]) -> NoReturn:
    """Raises what it would have done."""
    with changes.locked(access) as profile:
        taken_back = _with_what_follows(profile, change_ids)
        rehearsal = Act(access).change_id
        for change_id in taken_back:
            _take_back(Act(access, undoes=change_id, change_id=rehearsal), profile, change_id, {})
        follows = tuple(change for change in taken_back if change not in change_ids)
        raise _Rehearsed(Preview(_differences(profile, rehearsal), follows, _name_of(taken_back)))


class _Rehearsed(Exception):
    """Takes back a transaction that only was to show what it does: so it shows just that."""

    def __init__(self, preview: Preview) -> None:
        super().__init__()
        self.preview = preview


def _name_of(change_ids: Iterable[uuid.UUID]) -> str:
    """One short name of a set of changes, which travels with a form."""
    return hashlib.sha256(b"".join(sorted(change.bytes for change in change_ids))).hexdigest()


def _differences(profile: MemoryProfile, change_id: uuid.UUID) -> tuple[Difference, ...]:
    """Between what stands after a change and what stood before it."""
    befores: dict[uuid.UUID, dict[str, Any]] = {}
    for event in reversed(_events(profile, [change_id])):
        befores.setdefault(event.memory_id, {}).update(event.before or {})
    memories = list(changes.of_profile(profile).filter(pk__in=befores).order_by("pk"))
    unlock(memories)
    return tuple(_difference(befores[memory.pk], memory) for memory in memories)


def undone_among(change_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Which of these changes are taken back now: their undoing was not taken back itself."""
    pairs = set(MemoryEvent.objects.filter(undoes__in=list(change_ids)).values_list("undoes", "change_id"))
    done_again = undone_among(undoing for _, undoing in pairs) if pairs else set()
    return {undone for undone, undoing in pairs if undone and undoing not in done_again}


def _difference(now: dict[str, Any], then: Memory) -> Difference:
    return Difference(
        then.pk,
        words_now=now.get("content", then.content),
        words_then=then.content,
        status_now=Status(now.get("status", then.status)),
        status_then=Status(then.status),
    )


def _change_ids(profile: MemoryProfile, which: Q) -> list[uuid.UUID]:
    """In the order in which they were made, without those that were taken back already."""
    events = MemoryEvent.objects.filter(which, profile=profile).oldest_first().values_list("change_id", flat=True)
    found = list(dict.fromkeys(events))
    touched = MemoryEvent.objects.filter(undoes__in=found, profile=profile).values_list("memory_id", flat=True)
    void = _void(_history(profile, set(touched)))
    return [change for change in found if change not in void]


def _events(profile: MemoryProfile, change_ids: Iterable[uuid.UUID]) -> list[MemoryEvent]:
    """Oldest first. Raises UnknownMemory where there are none."""
    events = list(MemoryEvent.objects.filter(change_id__in=list(change_ids), profile=profile).oldest_first())
    if not events:
        raise UnknownMemory
    for event in events:
        event.profile = profile
    unlock(events)
    return events


def _history(profile: MemoryProfile, memory_ids: Iterable[uuid.UUID]) -> list[MemoryEvent]:
    """All events of these memories as far as their order matters, newest first."""
    events = MemoryEvent.objects.filter(memory__in=list(memory_ids), profile=profile).order_by("-number")
    return list(events.only("number", "memory_id", "change_id", "undoes"))


def _undone(newest_first: Iterable[MemoryEvent]) -> set[uuid.UUID]:
    """Changes that were taken back, and whose undoing was not taken back itself."""
    undone: set[uuid.UUID] = set()
    for event in newest_first:
        if event.undoes and event.change_id not in undone:
            undone.add(event.undoes)
    return undone


def _void(newest_first: list[MemoryEvent]) -> set[uuid.UUID]:
    """What was undone and what undid it: together they are as if they had not been."""
    undone = _undone(newest_first)
    return undone | {event.change_id for event in newest_first if event.undoes in undone}


def _with_what_follows(profile: MemoryProfile, change_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """These changes and all later ones that built on them, newest first: no memory goes back past what came after."""
    asked = set(change_ids)
    taken: dict[uuid.UUID, int] = {}
    waiting = set(change_ids)
    while waiting:
        events = _events(profile, waiting)
        for event in events:
            taken[event.change_id] = max(taken.get(event.change_id, 0), event.number)
        waiting = _later_changes(profile, events, asked) - taken.keys()
    return sorted(taken, key=lambda change: taken[change], reverse=True)


def _later_changes(profile: MemoryProfile, events: list[MemoryEvent], asked: set[uuid.UUID]) -> set[uuid.UUID]:
    """The changes that came after these on the same memories, and still have an effect."""
    since: dict[uuid.UUID, int] = {}
    for event in events:
        since[event.memory_id] = min(since.get(event.memory_id, event.number), event.number)
    history = _history(profile, since)
    if _undone(history) & asked:
        raise StaleChange(UNDONE_ALREADY)
    void = _void(history) - asked
    return {
        event.change_id for event in history if event.number > since[event.memory_id] and event.change_id not in void
    }


def _vectors_before(profile: MemoryProfile, events: list[MemoryEvent]) -> dict[str, Vector | None]:
    """Words to which memories go back → their vectors."""
    contents = list({event.before["content"] for event in events if "content" in (event.before or {})})
    return dict(zip(contents, changes.embed(contents, profile), strict=True))


def _take_back(act: Act, profile: MemoryProfile, change_id: uuid.UUID, vectors: dict[str, Vector | None]) -> Written:
    """What took a slot meanwhile is superseded by what comes back to it."""
    newest_first = _events(profile, [change_id])[::-1]
    # What the change brought goes first: a slot holds one active memory at a time.
    brought = [event.memory_id for event in newest_first if event.before is None]
    changes.withdraw(act, _fetch_all(profile, brought), Action.UNDONE)
    # Of a memory that it brought and changed at once, only that it brought it is to be undone.
    new = set(brought)
    only_changed = [event for event in newest_first if event.memory_id not in new]
    only_changed.sort(key=lambda event: (event.before or {}).get("status") == Status.ACTIVE)
    for event in only_changed:
        _go_back(act, profile, event, vectors)
    [last] = only_changed[-1:] or newest_first[-1:]
    return Written(Outcome.CREATED, last.memory_id, act.change_id)


def _fetch_all(profile: MemoryProfile, memory_ids: Sequence[uuid.UUID]) -> list[Memory]:
    """In this order. Raises UnknownMemory."""
    rows = changes.of_profile(profile).in_bulk(list(memory_ids))
    if len(rows) < len(set(memory_ids)):
        raise UnknownMemory
    return [rows[memory_id] for memory_id in memory_ids]


def _go_back(act: Act, profile: MemoryProfile, event: MemoryEvent, vectors: dict[str, Vector | None]) -> None:
    memory = changes.fetch(profile, event.memory_id)
    columns = ledger.column_values(event.before or {})
    slot: Any = columns.get("slot", memory.slot)
    if columns.get("status", memory.status) == Status.ACTIVE:
        changes.clear_slot(act, profile, bytes(slot) if slot else None, successor=memory)
        _clear_equal(act, profile, columns.get("content", memory.content), successor=memory)
    vector = vectors.get(columns.get("content", ""))
    if "content" in columns:
        changes.embed_later([vector])
    changes.change(act, memory, Action.UNDONE, vector, **columns)


def _clear_equal(act: Act, profile: MemoryProfile, content: str, *, successor: Memory) -> None:
    """What was said again in equal words meanwhile gives way to what comes back."""
    for equal in changes.with_digest(profile, index.digest_of(profile, content)).exclude(pk=successor.pk):
        if successor.status != Status.ACTIVE:
            changes.supersede(act, equal, successor.pk)
