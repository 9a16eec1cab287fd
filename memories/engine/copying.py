"""Copying what one profile holds into another of the same person, as one change that can be undone.

What holds now is carried over as it stands: its words, what it is and how much it matters by now, where it was said,
and its vectors, so that no embedder is asked. Everything is sealed and hashed anew under the other profile's key. What
the other profile knows in equal words is left alone; of two that hold one slot the newer by event time stands.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from django.utils import timezone

from memories.access import MemoryAccess
from memories.engine import changes, index, scoring
from memories.engine.changes import AlreadyWritten, Batch
from memories.engine.ledger import Act
from memories.engine.rules import SLOTS, slot_of
from memories.engine.types import NotAllowed, Outcome, Slot
from memories.models import (
    Action,
    Memory,
    MemoryBatch,
    MemoryEmbedding,
    MemoryEvent,
    MemoryProfile,
    MemorySource,
    Status,
)
from memorychat.lib.crypto import unlock
from memorychat.lib.identifiers import uuid7
from memorychat.llm.providers import get_embedder
from memorychat.llm.types import Vector

# Vectors as they are stored, and as new rows take them.
Stored = dict[uuid.UUID, Vector]


@dataclass(frozen=True)
class Copied:
    """How many memories the other profile got; `change_id` undoes all of them, None where there were none."""

    count: int
    known: int
    change_id: uuid.UUID | None


@dataclass(frozen=True)
class _Original:
    """A memory of the profile that is copied, opened, with the slot that its hash stands for."""

    memory: Memory
    slot: Slot | None
    sources: Sequence[MemorySource]


def copy(access: MemoryAccess, target: MemoryProfile, *, reference: uuid.UUID | None = None) -> Copied:
    """Copy all recallable memories of the access's profile. `reference` is under what it is done once.

    Raises NotAllowed where it would void what a profile promises.
    """
    _check(access, target)
    batch = Batch(MemoryBatch.Purpose.COPY, reference or uuid7())
    try:
        return _copy(access, replace(access, profile=target), batch)
    except AlreadyWritten:
        return _copied_before(target, batch)


def _copy(access: MemoryAccess, into: MemoryAccess, once: Batch) -> Copied:
    originals, vectors = _read(access.profile)
    with changes.locked(into) as profile:
        batch = changes.open_batch(profile, once)
        act = Act(into, batch=batch, reason="Copied from another profile.")
        changes.embed_later([vectors.get(original.memory.pk) for original in originals])
        copied = [_carry(act, profile, original, vectors.get(original.memory.pk)) for original in originals]
    return Copied(sum(copied), len(copied) - sum(copied), act.change_id if any(copied) else None)


def _copied_before(target: MemoryProfile, batch: Batch) -> Copied:
    """For whoever missed the answer; what was left alone then is not known any more."""
    events = MemoryEvent.objects.filter(
        profile=target, batch__purpose=batch.purpose, batch__reference=batch.reference, action=Action.CREATED
    )
    change_ids = list(events.values_list("change_id", flat=True))
    return Copied(len(change_ids), 0, change_ids[0] if change_ids else None)


def _check(access: MemoryAccess, target: MemoryProfile) -> None:
    changes.must_write(access)
    if target.owner_id != access.profile.owner_id or target.deleted_at:
        raise MemoryProfile.DoesNotExist
    if target.pk == access.profile.pk:
        raise NotAllowed("A profile cannot be copied into itself.")
    if access.profile.local_only and not target.local_only:
        raise NotAllowed("What a local-only profile holds is copied only into another local-only profile.")


def _read(profile: MemoryProfile) -> tuple[list[_Original], Stored]:
    """Oldest first, with two further queries for any number of them."""
    memories = list(changes.of_profile(profile).active().order_by("pk"))
    sources: dict[uuid.UUID, list[MemorySource]] = {}
    for source in MemorySource.objects.filter(memory__profile=profile, memory__status=Status.ACTIVE):
        sources.setdefault(source.memory_id, []).append(source)
    unlock([*memories, *(source for each in sources.values() for source in each)])
    slots = {index.slot_key(profile, slot): slot for slot in (Slot("person", name) for name in SLOTS)}
    return [_Original(each, _slot(each, slots), sources.get(each.pk, [])) for each in memories], _vectors(profile)


def _vectors(profile: MemoryProfile) -> Stored:
    rows = MemoryEmbedding.objects.filter(profile=profile, model=get_embedder().name, recallable=True)
    pairs = rows.values_list("memory_id", "embedding")
    return {memory_id: np.asarray(embedding, dtype=np.float32) for memory_id, embedding in pairs}


def _slot(memory: Memory, slots: dict[bytes | None, Slot]) -> Slot | None:
    """A slot is stored as a hash under the profile's key alone: it is one that the rules know, or told by the words."""
    key = changes.slot_of(memory)
    return None if key is None else slots.get(key) or slot_of(memory.content)


def _carry(act: Act, profile: MemoryProfile, original: _Original, vector: Vector | None) -> bool:
    """Whether the other profile got it."""
    draft = _draft(profile, original)
    if changes.with_digest(profile, bytes(draft.digest)).exists():
        return False
    holder = changes.slot_holder(profile, changes.slot_of(draft))
    if holder is not None and holder.occurred_at > draft.occurred_at:
        draft.status, draft.superseded_by_id = Status.SUPERSEDED, holder.pk
    elif holder is not None:
        changes.supersede(act, holder, draft.pk)
    changes.make(act, draft, vector, Outcome.CREATED if holder is None else Outcome.SUPERSEDED)
    MemorySource.objects.bulk_create(_sources(draft, original.sources))
    return True


def _draft(profile: MemoryProfile, original: _Original) -> Memory:
    memory, now = original.memory, timezone.now()
    return Memory(
        owner=profile.owner,
        profile=profile,
        content=memory.content,
        metadata=memory.metadata,
        kind=memory.kind,
        sector=memory.sector,
        importance=memory.importance,
        confidence=memory.confidence,
        salience=scoring.salience_of(memory, now),
        salience_at=now,
        status=Status.ACTIVE,
        origin=memory.origin,
        pinned=memory.pinned,
        occurred_at=memory.occurred_at,
        slot=index.slot_key(profile, original.slot),
        digest=index.digest_of(profile, memory.content),
        times_said=memory.times_said,
        last_said_at=memory.last_said_at,
    )


def _sources(memory: Memory, originals: Iterable[MemorySource]) -> list[MemorySource]:
    """The name of a thread is known by its hash alone, which still tells one thread from another."""
    return [
        MemorySource(
            memory=memory,
            message_id=source.message_id,
            thread=source.thread,
            position=source.position,
            speaker=source.speaker,
            quote=source.quote,
            said_at=source.said_at,
        )
        for source in originals
    ]
