"""Lists that a program gives: stored as given, under the lock, in as many statements as one memory takes.

Only equal words of the same place reinforce; nothing takes a slot, and nothing is superseded.
"""

import uuid
from collections.abc import Sequence

from memories.access import MemoryAccess
from memories.engine import changes, index
from memories.engine.changes import New
from memories.engine.errands import link
from memories.engine.ledger import Act
from memories.engine.types import Outcome, Provenance, Written
from memories.engine.weighing import WAITS_ALREADY, Weighed, draft, reinforce, waits
from memories.models import Memory, MemoryBatch, MemoryProfile, MemorySource, Status
from memorychat.jobs import enqueue

Place = tuple[uuid.UUID | None, bytes | None, int | None] | None
Key = tuple[bytes, str, Place]


def write_as_given(
    access: MemoryAccess,
    profile: MemoryProfile,
    weighed: Sequence[Weighed | Written],
    batch: MemoryBatch | None,
    change_id: uuid.UUID,
) -> list[Written]:
    """In order, as one change. What they are linked to is found by a job afterwards."""
    going_on = [each for each in weighed if isinstance(each, Weighed)]
    known = _known(profile, [index.digest_of(profile, each.candidate.content) for each in going_on])
    new: list[New] = []
    written: list[Written] = []
    for each in weighed:
        if isinstance(each, Written):
            written.append(each)
            continue
        act = Act(access, each.candidate, batch, reason=each.candidate.reason, change_id=change_id)
        status, outcome, reason = waits(profile, each) or (Status.ACTIVE, Outcome.CREATED, act.reason)
        memory = draft(access, profile, each.candidate, status)
        key = (bytes(memory.digest), str(status), _place(profile, each.candidate.provenance))
        if key not in known:
            known[key] = memory
            new.append(New(act, memory, each.vector, outcome))
            written.append(Written(outcome, memory.pk, change_id, reason=reason))
        elif status is Status.ACTIVE:
            # In the order of the list, so that whoever missed the answer reads it in that order.
            changes.make_all(new)
            new = []
            written.append(reinforce(act, each.candidate, known[key]))
        else:
            written.append(Written(outcome, known[key].pk, reason=WAITS_ALREADY))
    changes.make_all(new)
    if any(each.change_id for each in written):
        enqueue(link, change_id=change_id)
    return written


def _known(profile: MemoryProfile, digests: list[bytes]) -> dict[Key, Memory]:
    """What stands or waits with these words, by words, status and every place where it was said."""
    statuses = (Status.ACTIVE, Status.PENDING, Status.QUARANTINED)
    rows = changes.of_profile(profile).filter(digest__in=digests, status__in=statuses).in_bulk()
    sources = MemorySource.objects.filter(memory__in=rows).only("memory_id", "message_id", "thread", "position")
    places: dict[uuid.UUID, list[Place]] = {}
    for source in sources:
        thread = bytes(source.thread) if source.thread else None
        places.setdefault(source.memory_id, []).append((source.message_id, thread, source.position))
    return {
        (bytes(memory.digest), memory.status, place): memory
        for memory in rows.values()
        for place in places.get(memory.pk, [None])
    }


def _place(profile: MemoryProfile, provenance: Provenance) -> Place:
    if provenance == Provenance():
        return None
    return provenance.message_id, changes.thread_key(profile, provenance.thread), provenance.position
