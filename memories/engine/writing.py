"""The write gate: every change of a memory passes here, and each leaves its event in the ledger.

The slow part (embedding) comes before the lock of the profile; under the lock the gate looks for what is known already,
decides, writes and records. A change by hand (revise, forget, restore, undo) goes the same way.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Unpack

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from pgvector import HalfVector
from pgvector.django import CosineDistance

from memories.access import MemoryAccess
from memories.engine import index, ledger, scoring
from memories.engine.ledger import Act
from memories.engine.rules import slot_of
from memories.engine.sameness import differ
from memories.engine.types import (
    Adjustment,
    Candidate,
    NotAllowed,
    Outcome,
    Provenance,
    StaleChange,
    UnknownMemory,
    Written,
)
from memories.models import (
    Action,
    Memory,
    MemoryBatch,
    MemoryEmbedding,
    MemoryEvent,
    MemoryProfile,
    MemoryQuerySet,
    MemorySource,
    Status,
)
from memories.tasks import embed_missing
from memorychat.jobs import enqueue
from memorychat.lib import text
from memorychat.lib.crypto import keyed_hash
from memorychat.lib.identifiers import uuid7
from memorychat.llm.providers import get_embedder
from memorychat.llm.types import ProviderError, Vector

log = structlog.get_logger(__name__)

CONTENT_LIMIT = 2_000
NOT_PENDING = "This memory does not wait for a decision."
EMBEDDED_AFTER = timedelta(minutes=1)
LOOKED_AT = 10  # the nearest memories that are compared with a new one


@dataclass(frozen=True)
class Batch:
    """A run that writes at most once: running it again is refused, so that nothing is learnt twice."""

    purpose: MemoryBatch.Purpose
    reference: uuid.UUID


class AlreadyWritten(Exception):
    """This batch was written before."""


def remember(access: MemoryAccess, candidate: Candidate) -> Written:
    return remember_all(access, [candidate])[0]


def remember_all(
    access: MemoryAccess, candidates: Sequence[Candidate], *, batch: Batch | None = None, as_given: bool = False
) -> list[Written]:
    """Weigh candidates and write those that hold, in order, in one transaction.

    `as_given` is for lists of a program: only equal words of the same source reinforce, nothing is superseded, and the
    list is one change.
    Raises TextError for a content that cannot be stored, AlreadyWritten for a batch that ran before.
    """
    if not access.mode.writes:
        return [Written(Outcome.NOT_ALLOWED, reason=f"Memories are not written in {access.mode.label} mode.")] * len(
            candidates
        )
    contents = [text.clean(candidate.content, limit=CONTENT_LIMIT, name="memory") for candidate in candidates]
    vectors = _embed(contents)
    change_id = uuid7()
    with _locked(access) as profile:
        row = _open_batch(profile, batch) if batch else None
        _embed_later(vectors)
        written = []
        for candidate, content, vector in zip(candidates, contents, vectors, strict=True):
            act = Act(access, candidate, row, change_id=change_id if as_given else uuid7())
            written.append(_Placing(act, profile, candidate, content, vector, as_given).place())
        return written


def written_in(access: MemoryAccess, batch: Batch) -> list[Written]:
    """What a batch that ran before has written, in its order, for whoever missed the answer."""
    events = MemoryEvent.objects.for_user(access.profile.owner).filter(
        batch__purpose=batch.purpose, batch__reference=batch.reference
    )
    return [
        Written(
            Outcome.REINFORCED if event.action == Action.REINFORCED else Outcome.CREATED,
            event.memory_id,
            event.change_id,
        )
        for event in events.exclude(action=Action.SUPERSEDED).oldest_first()
    ]


def revise(access: MemoryAccess, memory_id: uuid.UUID, content: str) -> Written:
    """A person corrects the wording. What they write is certain, and takes the place of what held its slot."""
    _must_write(access)
    content = text.clean(content, limit=CONTENT_LIMIT, name="memory")
    [vector] = _embed([content])
    with _locked(access) as profile:
        memory = _fetch(profile, memory_id)
        act = Act(access)
        _embed_later([vector])
        if content == memory.content:
            return Written(Outcome.DISCARDED, memory.pk, reason="Nothing was changed.")
        slot = index.slot_key(profile, slot_of(content))
        if memory.is_recallable:
            _clear_slot(act, profile, slot, successor=memory)
        _change(act, memory, Action.REVISED, vector, content=content, confidence=1.0, slot=slot)
        return Written(Outcome.CREATED, memory.pk, act.change_id)


def adjust(access: MemoryAccess, memory_id: uuid.UUID, **columns: Unpack[Adjustment]) -> Written:
    """A person says otherwise what a memory is and how much it matters. A new importance counts from now on."""
    _must_write(access)
    with _locked(access) as profile:
        memory = _fetch(profile, memory_id)
        act = Act(access)
        changed: dict[str, Any] = {name: value for name, value in columns.items() if value != getattr(memory, name)}
        if not changed:
            return Written(Outcome.DISCARDED, memory.pk, reason="Nothing was changed.")
        if "importance" in changed:
            changed |= {"salience": changed["importance"] / 10, "salience_at": timezone.now()}
        _change(act, memory, Action.ADJUSTED, **changed)
        return Written(Outcome.CREATED, memory.pk, act.change_id)


def confirm(access: MemoryAccess, memory_id: uuid.UUID) -> Written:
    """Its owner says that a pending memory is right: it is certain, and stands unless the same or a newer one does."""
    _must_write(access)
    with _locked(access) as profile:
        memory, act = _fetch(profile, memory_id), Act(access)
        if memory.status != Status.PENDING:
            return Written(Outcome.DISCARDED, memory.pk, reason=NOT_PENDING)
        if successor := _stands_already(profile, memory):
            _change(
                act,
                memory,
                Action.CONFIRMED,
                confidence=1.0,
                status=Status.SUPERSEDED,
                superseded_by_id=successor.pk,
            )
            return Written(Outcome.SUPERSEDED, memory.pk, act.change_id, reason="The same or a newer statement holds.")
        _clear_slot(act, profile, _slot_of(memory), successor=memory)
        _change(act, memory, Action.CONFIRMED, confidence=1.0, status=Status.ACTIVE)
        return Written(Outcome.CREATED, memory.pk, act.change_id)


def reject(access: MemoryAccess, memory_id: uuid.UUID) -> Written:
    """Its owner says that a pending memory is wrong: it is forgotten."""
    _must_write(access)
    with _locked(access) as profile:
        memory = _fetch(profile, memory_id)
        if memory.status != Status.PENDING:
            return Written(Outcome.DISCARDED, memory.pk, reason=NOT_PENDING)
        return _forget(Act(access, reason="Rejected."), memory)


def forget(
    access: MemoryAccess, memory_id: uuid.UUID, *, reason: str = "", message_id: uuid.UUID | None = None
) -> Written:
    """Withdraw a memory by wish, `message_id` being where the wish was said; `restore` brings it back."""
    _must_write(access)
    with _locked(access) as profile:
        return _forget(Act(access, reason=reason, message_id=message_id), _fetch(profile, memory_id))


def forget_all(access: MemoryAccess, *, reason: str = "") -> list[Written]:
    """Withdraw all active memories of this one profile, as one change."""
    _must_write(access)
    with _locked(access) as profile:
        act = Act(access, reason=reason)
        memories = Memory.objects.filter(profile=profile).active().select_related("profile__owner")
        return [_forget(act, memory) for memory in memories]


def restore(access: MemoryAccess, memory_id: uuid.UUID) -> Written:
    """Bring back what was forgotten, archived or superseded; what holds its slot now is superseded by it."""
    _must_write(access)
    with _locked(access) as profile:
        memory, act = _fetch(profile, memory_id), Act(access)
        if memory.status == Status.ACTIVE:
            return Written(Outcome.DISCARDED, memory.pk, reason="This memory is active already.")
        if memory.status == Status.PENDING:
            return Written(Outcome.DISCARDED, memory.pk, reason="This memory waits for a decision.")
        _clear_slot(act, profile, _slot_of(memory), successor=memory)
        _change(act, memory, Action.RESTORED, status=Status.ACTIVE, superseded_by_id=None)
        return Written(Outcome.CREATED, memory.pk, act.change_id)


def undo(access: MemoryAccess, change_id: uuid.UUID) -> Written:
    """Compensate one whole change. Raises StaleChange when a later change built on it."""
    _must_write(access)
    contents = _contents_before(access, change_id)
    vectors = dict(zip(contents, _embed(list(contents.values())), strict=True))
    with _locked(access) as profile:
        events = list(
            MemoryEvent.objects.filter(change_id=change_id, profile=profile)
            .select_related("memory__profile__owner")
            .order_by("number")
        )
        if not events:
            raise UnknownMemory
        act = Act(access, undoes=change_id)
        _embed_later(vectors.values())
        for event in events:
            newest = MemoryEvent.objects.filter(memory=event.memory_id).order_by("-number").only("change_id")[0]
            if newest.change_id != change_id:
                raise StaleChange("A later change built on this one, so it cannot be undone alone.")
        # What the change brought goes first: a slot holds one active memory at a time.
        for event in sorted(events, key=lambda event: (event.before or {}).get("status") == Status.ACTIVE):
            _take_back(act, profile, event, vectors.get(event.memory_id))
        return Written(Outcome.CREATED, events[-1].memory_id, act.change_id)


@dataclass(frozen=True)
class _Placing:
    """One candidate on its way into a profile that is locked."""

    act: Act
    profile: MemoryProfile
    candidate: Candidate
    content: str
    vector: Vector | None
    as_given: bool

    def place(self) -> Written:
        if self.candidate.confidence < settings.MEMORY_CONFIDENCE_ASK:
            return Written(Outcome.DISCARDED, reason="It was not said clearly enough.")
        if known := self._known():
            return self._reinforce(known)
        if self.candidate.confidence < settings.MEMORY_CONFIDENCE_AUTO:
            return Written(Outcome.PENDING, self._create(Status.PENDING).pk, self.act.change_id)
        holder = _slot_holder(self.profile, self._slot)
        if holder is None:
            return Written(Outcome.CREATED, self._create(Status.ACTIVE).pk, self.act.change_id)
        if holder.occurred_at > self._occurred_at:
            late = self._create(Status.SUPERSEDED, superseded_by_id=holder.pk)
            return Written(Outcome.SUPERSEDED, late.pk, self.act.change_id, reason="A newer statement holds.")
        return self._supersede(holder)

    @property
    def _slot(self) -> bytes | None:
        """What a program gives takes no slot, for nothing may be superseded by it."""
        return None if self.as_given else index.slot_key(self.profile, self.candidate.slot)

    @property
    def _occurred_at(self) -> datetime:
        return self.candidate.occurred_at or self.candidate.provenance.said_at or timezone.now()

    def _known(self) -> Memory | None:
        """The active memory that says the same: equal words, or nearly equal ones without a difference that counts."""
        equal = _with_digest(self.profile, index.digest_of(self.profile, self.content))
        if self.as_given:
            return equal.filter(_same_source(self.profile, self.candidate.provenance)).first()
        return equal.first() or self._nearly_equal()

    def _nearly_equal(self) -> Memory | None:
        if self.vector is None:
            return None
        near = [memory_id for memory_id, distance in self._nearest(self.vector) if _is_near(distance)]
        rows = Memory.objects.select_related("profile__owner").in_bulk(near) if near else {}
        return next((rows[memory_id] for memory_id in near if not differ(rows[memory_id].content, self.content)), None)

    def _nearest(self, vector: Vector) -> list[tuple[uuid.UUID, float]]:
        """From the covering index alone: the memories themselves are read after the cut."""
        rows = MemoryEmbedding.objects.filter(profile=self.profile, model=get_embedder().name, recallable=True)
        rows = rows.annotate(distance=CosineDistance("embedding", HalfVector(vector.tolist())))
        return list(rows.order_by("distance").values_list("memory_id", "distance")[:LOOKED_AT])

    def _create(self, status: Status, **columns: Any) -> Memory:
        candidate, now = self.candidate, timezone.now()
        memory = Memory(
            owner=self.profile.owner,
            profile=self.profile,
            content=self.content,
            metadata=candidate.metadata,
            kind=candidate.kind,
            sector=candidate.sector,
            importance=candidate.importance,
            confidence=candidate.confidence,
            salience=candidate.importance / 10,
            salience_at=now,
            status=status,
            origin=self.act.access.door,
            occurred_at=self._occurred_at,
            slot=self._slot,
            digest=index.digest_of(self.profile, self.content),
            last_said_at=candidate.provenance.said_at or now,
            **columns,
        )
        memory.save(force_insert=True)
        index.add(memory, self.vector)
        ledger.record(self.act, memory, Action.CREATED, before=None)
        self._add_source(memory)
        return memory

    def _reinforce(self, memory: Memory) -> Written:
        now = timezone.now()
        salience = scoring.salience_of(memory, now)
        memory.times_said += 1
        memory.last_said_at = max(memory.last_said_at, self.candidate.provenance.said_at or now)
        memory.save(update_fields=["times_said", "last_said_at"])
        _change(
            self.act,
            memory,
            Action.REINFORCED,
            salience=scoring.reinforced(salience),
            salience_at=now,
            confidence=max(self.candidate.confidence, scoring.reinforced(memory.confidence)),
        )
        self._add_source(memory)
        return Written(Outcome.REINFORCED, memory.pk, self.act.change_id)

    def _supersede(self, former: Memory) -> Written:
        """The former one goes first, for a slot holds one active memory at a time."""
        successor_id = uuid7()
        _change(self.act, former, Action.SUPERSEDED, status=Status.SUPERSEDED, superseded_by_id=successor_id)
        memory = self._create(Status.ACTIVE, id=successor_id)
        return Written(Outcome.SUPERSEDED, memory.pk, self.act.change_id)

    def _add_source(self, memory: Memory) -> None:
        provenance = self.candidate.provenance
        if provenance == Provenance():
            return
        MemorySource.objects.create(
            memory=memory,
            message_id=provenance.message_id,
            thread=_thread_key(self.profile, provenance.thread),
            position=provenance.position,
            speaker=provenance.speaker,
            quote=self.candidate.quote,
            said_at=provenance.said_at or timezone.now(),
        )


def _is_near(distance: float) -> bool:
    return get_embedder().calibration.position(1 - distance) >= settings.MEMORY_DUPLICATE_SAME


def _must_write(access: MemoryAccess) -> None:
    if not access.mode.writes:
        raise NotAllowed(f"Memories are not written in {access.mode.label} mode.")


def _embed(contents: Sequence[str]) -> Sequence[Vector | None]:
    """Vectors, or None for each when the embedder is down: the memories are saved, and embedded later by a job."""
    if not contents:
        return []
    try:
        return index.embed(contents)
    except ProviderError as error:
        log.warning("embedder_failed", code=error.code, texts=len(contents))
        return [None] * len(contents)


def _embed_later(vectors: Iterable[Vector | None]) -> None:
    """In the transaction that saved them: a memory without a vector gets one when the embedder is back."""
    if any(vector is None for vector in vectors):
        enqueue(embed_missing, after=EMBEDDED_AFTER)


@contextmanager
def _locked(access: MemoryAccess) -> Iterator[MemoryProfile]:
    """One transaction that holds the profile: two writers must not both miss the same duplicate."""
    with transaction.atomic(durable=True):
        profile = (
            MemoryProfile.objects.select_for_update(no_key=True, of=("self",))
            .select_related("owner")
            .filter(pk=access.profile.pk, deleted_at=None)
            .first()
        )
        if profile is None:
            raise NotAllowed("This memory profile was deleted.")
        yield profile


def _open_batch(profile: MemoryProfile, batch: Batch) -> MemoryBatch:
    row, is_new = MemoryBatch.objects.get_or_create(
        purpose=batch.purpose, reference=batch.reference, defaults={"owner": profile.owner}
    )
    if not is_new:
        raise AlreadyWritten
    return row


def _fetch(profile: MemoryProfile, memory_id: uuid.UUID) -> Memory:
    memory = Memory.objects.filter(profile=profile, pk=memory_id).select_related("profile__owner").first()
    if memory is None:
        raise UnknownMemory
    return memory


def _thread_key(profile: MemoryProfile, thread: str) -> bytes | None:
    return keyed_hash(profile.data_key_id, "thread", thread) if thread else None


def _same_source(profile: MemoryProfile, provenance: Provenance) -> Q:
    """Memories said at this place; for a candidate of no known place, those of no known place."""
    if provenance == Provenance():
        return Q(sources=None)
    sources = MemorySource.objects.filter(
        memory__profile=profile,
        message_id=provenance.message_id,
        thread=_thread_key(profile, provenance.thread),
        position=provenance.position,
    )
    return Q(sources__in=sources)


def _with_digest(profile: MemoryProfile, digest: bytes) -> MemoryQuerySet:
    return Memory.objects.filter(profile=profile, digest=digest).active().select_related("profile__owner")


def _stands_already(profile: MemoryProfile, memory: Memory) -> Memory | None:
    """The active memory of the same words, or the newer one of the same slot."""
    if equal := _with_digest(profile, bytes(memory.digest)).first():
        return equal
    holder = _slot_holder(profile, _slot_of(memory))
    return holder if holder and holder.occurred_at > memory.occurred_at else None


def _slot_of(memory: Memory) -> bytes | None:
    return bytes(memory.slot) if memory.slot else None


def _slot_holder(profile: MemoryProfile, slot: bytes | None) -> Memory | None:
    if slot is None:
        return None
    return Memory.objects.filter(profile=profile, slot=slot).active().select_related("profile__owner").first()


def _clear_slot(act: Act, profile: MemoryProfile, slot: bytes | None, *, successor: Memory) -> None:
    holder = _slot_holder(profile, slot)
    if holder is not None and holder.pk != successor.pk:
        _change(act, holder, Action.SUPERSEDED, status=Status.SUPERSEDED, superseded_by_id=successor.pk)


def _forget(act: Act, memory: Memory) -> Written:
    if memory.status == Status.FORGOTTEN:
        return Written(Outcome.DISCARDED, memory.pk, reason="This memory is forgotten already.")
    _change(act, memory, Action.FORGOTTEN, status=Status.FORGOTTEN)
    return Written(Outcome.CREATED, memory.pk, act.change_id)


def _change(act: Act, memory: Memory, action: Action, vector: Vector | None = None, **columns: Any) -> None:
    """Change ledgered columns, keep what recall reads in step, and record the event."""
    before, was_recallable = ledger.snapshot(memory), memory.is_recallable
    is_reworded = "content" in columns and columns["content"] != memory.content
    for name, value in columns.items():
        setattr(memory, name, value)
    if is_reworded:
        memory.digest = index.digest_of(memory.profile, memory.content)
    memory.save(update_fields=[*columns, *(["digest"] if is_reworded else [])])
    if is_reworded:
        index.remove(memory, was_recallable=was_recallable)
        index.add(memory, vector)
    elif was_recallable != memory.is_recallable:
        index.show(memory, recallable=memory.is_recallable)
    ledger.record(act, memory, action, before=before)


def _contents_before(access: MemoryAccess, change_id: uuid.UUID) -> dict[uuid.UUID, str]:
    """Memory → the words it goes back to, for the events of a change that reworded."""
    events = MemoryEvent.objects.filter(change_id=change_id, profile=access.profile).select_related("profile")
    return {event.memory_id: event.before["content"] for event in events if "content" in (event.before or {})}


def _take_back(act: Act, profile: MemoryProfile, event: MemoryEvent, vector: Vector | None) -> None:
    """What an event created is forgotten; any other change goes back to the columns as they were.

    What took the slot meanwhile is superseded by what comes back to it.
    """
    memory = event.memory
    columns: dict[str, Any] = {"status": Status.FORGOTTEN}
    if event.before is not None:
        columns = ledger.column_values(event.before)
    slot: Any = columns.get("slot", memory.slot)
    if slot and columns.get("status", memory.status) == Status.ACTIVE:
        _clear_slot(act, profile, bytes(slot), successor=memory)
    _change(act, memory, Action.UNDONE, vector, **columns)
