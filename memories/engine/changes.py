"""Inside the write gate: the lock of a profile, and the one way in which a memory is made or changed under it.

Only the verbs of the engine (`writing`, `weighing`, `undoing`, `conflicts`, `fading`, `consolidation`) call these.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from memories.access import MemoryAccess
from memories.engine import index, ledger, links
from memories.engine.errands import embed_missing, summarise_later
from memories.engine.ledger import Act
from memories.engine.links import MOST_LINKS, Near, nearest
from memories.engine.types import NotAllowed, Outcome, Provenance, UnknownMemory, Written
from memories.models import (
    Action,
    Kind,
    Memory,
    MemoryBatch,
    MemoryEvent,
    MemoryProfile,
    MemoryQuerySet,
    MemorySource,
    Status,
)
from memorychat.jobs import enqueue
from memorychat.lib.crypto import keyed_hash
from memorychat.llm.types import ProviderError, Vector

log = structlog.get_logger(__name__)

EMBEDDED_AFTER = timedelta(minutes=1)
AT_ONCE = 1_000


@dataclass(frozen=True)
class Batch:
    """A run that writes at most once: running it again is refused, so that nothing is learnt twice."""

    purpose: MemoryBatch.Purpose
    reference: uuid.UUID


class AlreadyWritten(Exception):
    """This batch was written before."""


def must_write(access: MemoryAccess) -> None:
    if not access.mode.writes:
        raise NotAllowed(not_written_in(access))


def not_written_in(access: MemoryAccess) -> str:
    return f"Memories are not written in {access.mode.label} mode."


@contextmanager
def locked(access: MemoryAccess) -> Iterator[MemoryProfile]:
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
        summarise_later(profile)


def open_batch(profile: MemoryProfile, batch: Batch) -> MemoryBatch:
    row, is_new = MemoryBatch.objects.get_or_create(
        purpose=batch.purpose, reference=batch.reference, defaults={"owner": profile.owner}
    )
    if not is_new:
        raise AlreadyWritten
    return row


def embed(contents: Sequence[str], profile: MemoryProfile) -> Sequence[Vector | None]:
    """Vectors, or None for each when the embedder is down: the memories are saved, and embedded later by a job."""
    if not contents:
        return []
    try:
        return index.embed(contents, profile)
    except ProviderError as error:
        log.warning("embedder_failed", code=error.code, texts=len(contents))
        return [None] * len(contents)


def embed_later(vectors: Iterable[Vector | None]) -> None:
    """In the transaction that saved them: a memory without a vector gets one when the embedder is back."""
    if any(vector is None for vector in vectors):
        enqueue(embed_missing, after=EMBEDDED_AFTER)


def fetch(profile: MemoryProfile, memory_id: uuid.UUID) -> Memory:
    memory = of_profile(profile).filter(pk=memory_id).first()
    if memory is None:
        raise UnknownMemory
    return memory


def of_profile(profile: MemoryProfile) -> MemoryQuerySet:
    return Memory.objects.filter(profile=profile).select_related("profile__owner")


def with_digest(profile: MemoryProfile, digest: bytes, status: Status = Status.ACTIVE) -> MemoryQuerySet:
    return of_profile(profile).filter(digest=digest, status=status)


def slot_of(memory: Memory) -> bytes | None:
    return bytes(memory.slot) if memory.slot else None


def slot_holder(profile: MemoryProfile, slot: bytes | None) -> Memory | None:
    return of_profile(profile).filter(slot=slot).active().first() if slot else None


def stands_already(profile: MemoryProfile, memory: Memory) -> Memory | None:
    """The active memory of the same words, or the newer one of the same slot."""
    if equal := with_digest(profile, bytes(memory.digest)).exclude(pk=memory.pk).first():
        return equal
    holder = slot_holder(profile, slot_of(memory))
    return holder if holder and holder.occurred_at > memory.occurred_at else None


def clear_slot(act: Act, profile: MemoryProfile, slot: bytes | None, *, successor: Memory) -> None:
    holder = slot_holder(profile, slot)
    if holder is not None and holder.pk != successor.pk:
        supersede(act, holder, successor.pk)


def supersede(act: Act, former: Memory, successor_id: uuid.UUID) -> None:
    """The former one goes first, for a slot holds one active memory at a time."""
    change(act, former, Action.SUPERSEDED, status=Status.SUPERSEDED, superseded_by_id=successor_id)


def forget(act: Act, memory: Memory) -> Written:
    if memory.status == Status.FORGOTTEN:
        return Written(Outcome.DISCARDED, memory.pk, reason="This memory is forgotten already.")
    forget_many(act, [memory])
    return Written(Outcome.CREATED, memory.pk, act.change_id)


def forget_many(act: Act, memories: Sequence[Memory]) -> None:
    """Withdraw these of one profile. Nor may they live on in those that were joined into them."""
    while memories:
        withdraw(act, memories, Action.FORGOTTEN)
        joined = of_profile(memories[0].profile).filter(status=Status.ARCHIVED)
        memories = list(joined.filter(superseded_by__in=[memory.pk for memory in memories]))


def withdraw(act: Act, memories: Sequence[Memory], action: Action) -> None:
    """Many of one profile become forgotten, in as many statements as one takes."""
    if not memories:
        return
    befores = [ledger.snapshot(memory) for memory in memories]
    shown = [memory.pk for memory in memories if memory.is_recallable]
    Memory.objects.filter(pk__in=[memory.pk for memory in memories]).update(status=Status.FORGOTTEN)
    for memory in memories:
        memory.status = Status.FORGOTTEN
    index.hide(memories[0].profile, shown)
    links.cut(shown)
    events = [
        ledger.event_of(act, memory, action, before=before) for memory, before in zip(memories, befores, strict=True)
    ]
    MemoryEvent.objects.bulk_create(events, batch_size=AT_ONCE)
    _withdraw_episodes(act, [memory for memory in memories if memory.kind != Kind.EPISODE])


@dataclass(frozen=True)
class New:
    """A memory that is about to be written."""

    act: Act
    memory: Memory
    vector: Vector | None
    outcome: Outcome


def make(act: Act, memory: Memory, vector: Vector | None, outcome: Outcome, *, near: Near | None = None) -> None:
    """Write a new memory with what recall needs to find it, and its event. `near` are its neighbours, if known."""
    make_all([New(act, memory, vector, outcome)])
    if memory.is_recallable and vector is not None:
        links.connect(memory, nearest(memory.profile, vector, MOST_LINKS, but=memory.pk) if near is None else near)


def make_all(new: Sequence[New]) -> None:
    """The same for many of one profile, in as many statements as for one. Their links are the caller's affair."""
    if not new:
        return
    for each in new:
        if each.act.candidate:
            index.place(each.memory, each.act.candidate.provenance)
    Memory.objects.bulk_create([each.memory for each in new], batch_size=AT_ONCE)
    index.add(new[0].memory.profile, [(each.memory, each.vector) for each in new])
    MemoryEvent.objects.bulk_create(
        [ledger.event_of(each.act, each.memory, Action.CREATED, outcome=each.outcome) for each in new],
        batch_size=AT_ONCE,
    )
    sources = [_source_of(each.act, each.memory) for each in new]
    MemorySource.objects.bulk_create([source for source in sources if source], batch_size=AT_ONCE)


def change(
    act: Act,
    memory: Memory,
    action: Action,
    vector: Vector | None = None,
    *,
    outcome: Outcome | None = None,
    **columns: Any,
) -> None:
    """Change ledgered columns, keep what recall reads in step, and record the event."""
    before, was_recallable = ledger.snapshot(memory), memory.is_recallable
    is_reworded = "content" in columns and columns["content"] != memory.content
    for name, value in columns.items():
        setattr(memory, name, value)
    if is_reworded:
        memory.digest = index.digest_of(memory.profile, memory.content)
        if memory.stated is not None:
            index.place_words(memory)
    memory.save(update_fields=[*columns, *(["digest", *index.PLACED] if is_reworded else [])])
    if is_reworded:
        index.remove(memory, was_recallable=was_recallable)
        index.add(memory.profile, [(memory, vector)])
    elif was_recallable != memory.is_recallable:
        index.show(memory, recallable=memory.is_recallable)
    if is_reworded or was_recallable != memory.is_recallable:
        links.renew(memory)
    ledger.record(act, memory, action, before=before, outcome=outcome)
    if columns.get("status") == Status.FORGOTTEN and memory.kind != Kind.EPISODE:
        _withdraw_episodes(act, [memory])


def _withdraw_episodes(act: Act, memories: Sequence[Memory]) -> None:
    """What is forgotten must not live on in an episode of a conversation in which it was said."""
    if not (told_in := _conversations_of(memories)):
        return
    episodes = (
        of_profile(memories[0].profile)
        .active()
        .filter(
            kind=Kind.EPISODE,
            events__conversation_id__in=told_in,
            events__action=Action.CREATED,
        )
    )
    for episode in episodes.distinct():
        withdrawing = replace(act, candidate=None, reason="It tells of what is forgotten.")
        change(withdrawing, episode, Action.FORGOTTEN, status=Status.FORGOTTEN)


def _conversations_of(memories: Sequence[Memory]) -> set[uuid.UUID | None]:
    """In which they were said, also where their own events do not tell: a copy has the messages of what it copies."""
    if not memories:
        return set()
    events = MemoryEvent.objects.filter(owner=memories[0].owner_id, conversation_id__isnull=False)
    sources = MemorySource.objects.filter(memory__in=memories, message_id__isnull=False)
    messages = list(sources.values_list("message_id", flat=True).distinct())
    said = events.filter(memory__in=memories).values_list("conversation_id", flat=True)
    heard = events.filter(message_id__in=messages).values_list("conversation_id", flat=True) if messages else ()
    return {*said.distinct(), *heard}


def add_source(act: Act, memory: Memory) -> None:
    """A known memory was said once more."""
    source = _source_of(act, memory)
    if source is None or act.candidate is None:
        return
    source.save(force_insert=True)
    if index.place(memory, act.candidate.provenance):
        memory.save(update_fields=index.PLACED)


def _source_of(act: Act, memory: Memory) -> MemorySource | None:
    candidate = act.candidate
    if candidate is None or candidate.provenance == Provenance():
        return None
    provenance = candidate.provenance
    return MemorySource(
        memory=memory,
        message_id=provenance.message_id,
        thread=thread_key(memory.profile, provenance.thread),
        position=provenance.position,
        speaker=provenance.speaker,
        quote=candidate.quote,
        said_at=provenance.said_at or timezone.now(),
    )


def thread_key(profile: MemoryProfile, thread: str) -> bytes | None:
    return keyed_hash(profile.data_key_id, "thread", thread) if thread else None
