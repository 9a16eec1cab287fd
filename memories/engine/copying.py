"""Copying what one profile holds into another of the same person, as one change that can be undone.

What holds now is carried over as it stands: its words, what it is and how much it matters by now, where it was said,
and its vectors, so that no embedder is asked. Everything is sealed and hashed anew under the other profile's key. What
the other profile knows in equal words is left alone; of two that hold one slot the newer by event time stands.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from django.utils import timezone

from memories.access import MemoryAccess
from memories.engine import carrying, changes, scoring
from memories.engine.carrying import Carried
from memories.engine.changes import AlreadyWritten, Batch
from memories.engine.ledger import Act
from memories.engine.types import NotAllowed
from memories.models import Action, Memory, MemoryBatch, MemoryEmbedding, MemoryEvent, MemoryProfile, Status
from memorychat.lib.identifiers import uuid7
from memorychat.llm.providers import get_embedder, providers_of
from memorychat.llm.types import Vector


@dataclass(frozen=True)
class Copied:
    """How many memories the other profile got; `change_id` undoes all of them, None where there were none."""

    count: int
    known: int
    change_id: uuid.UUID | None


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
    now, vectors = timezone.now(), _vectors(access.profile)
    originals = [(memory, _as_of(now, carried)) for memory, carried in carrying.opened(access.profile, Status.ACTIVE)]
    told_in = _conversations(access.profile)
    with changes.locked(into) as profile:
        batch = changes.open_batch(profile, once)
        act = Act(into, batch=batch, reason="Copied from another profile.")
        changes.embed_later([vectors.get(memory.pk) for memory, _ in originals])
        written = [
            carrying.carry(_told_in(act, told_in, memory), profile, carried, vectors.get(memory.pk))
            for memory, carried in originals
        ]
    count = sum(each.memory_id is not None for each in written)
    return Copied(count, len(written) - count, act.change_id if count else None)


def _conversations(profile: MemoryProfile) -> dict[uuid.UUID, uuid.UUID | None]:
    """Memory → the conversation that it came from or sums up: so a copied episode goes with what it tells of."""
    brought = MemoryEvent.objects.filter(memory__profile=profile, action=Action.CREATED, conversation_id__isnull=False)
    return dict(brought.values_list("memory_id", "conversation_id"))


def _told_in(act: Act, conversations: dict[uuid.UUID, uuid.UUID | None], memory: Memory) -> Act:
    return replace(act, conversation_id=conversations.get(memory.pk))


def _as_of(now: datetime, carried: Carried) -> Carried:
    salience = scoring.salience_now(carried.salience, carried.sector, scoring.days_between(carried.salience_at, now))
    return replace(carried, salience=salience, salience_at=now)


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
    sees_more = not set(providers_of(target)) <= set(providers_of(access.profile))
    if sees_more or (access.profile.embeds_here and not target.embeds_here):
        raise NotAllowed("More models may see the words of that profile than of this one.")


def _vectors(profile: MemoryProfile) -> dict[uuid.UUID, Vector]:
    rows = MemoryEmbedding.objects.filter(profile=profile, model=get_embedder(profile).name, recallable=True)
    pairs = rows.values_list("memory_id", "embedding")
    return {memory_id: np.asarray(embedding, dtype=np.float32) for memory_id, embedding in pairs}
