"""The write gate: every change of a memory passes here, and each leaves its event in the ledger.

What is slow (guard, embedding, the model's verdict) comes before the lock of the profile; under the lock the gate looks
for what is known already, decides, writes and records. A change by hand (revise, forget, restore) goes the same way.
How candidates are weighed stands in `weighing`, how changes are taken back in `undoing`.
"""

import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Unpack

import structlog
from django.utils import timezone

from memories.access import MemoryAccess
from memories.engine import changes, guard, index, scoring, slots
from memories.engine.changes import AlreadyWritten, Batch
from memories.engine.given import write_as_given
from memories.engine.ledger import Act
from memories.engine.limits import Allowance
from memories.engine.types import CONTENT_LIMIT, Adjustment, Candidate, NotAllowed, Outcome, Written
from memories.engine.undoing import undone_among
from memories.engine.weighing import Placing, Weighed, told_of_masks, weigh
from memories.models import Action, Memory, MemoryBatch, MemoryEvent, MemoryProfile, Status
from memorychat.lib import metrics, text
from memorychat.lib.identifiers import uuid7

__all__ = [
    "AlreadyWritten",
    "Batch",
    "adjust",
    "confirm",
    "forget",
    "forget_all",
    "lower",
    "reject",
    "remember",
    "remember_all",
    "restore",
    "revise",
    "revive",
    "written_in",
]

log = structlog.get_logger(__name__)

NOT_PENDING = "This memory does not wait for a decision."
NOT_RELEVANT = "Not relevant in an answer."
NO_INSTRUCTIONS = "A memory cannot instruct the assistant or speak for other people."
HELD_BACK = (Status.QUARANTINED, Status.HIDDEN)
REVIVED_AFTER = timedelta(days=1)


def remember(access: MemoryAccess, candidate: Candidate) -> Written:
    return remember_all(access, [candidate])[0]


def remember_all(
    access: MemoryAccess, candidates: Sequence[Candidate], *, batch: Batch | None = None, as_given: bool = False
) -> list[Written]:
    """Weigh candidates and write those that hold, in order, in one transaction: all of them, or nothing on an error.

    `as_given` is for lists of a program: only equal words of the same source reinforce, nothing is superseded, and the
    list is one change.
    Raises TextError, BadCandidate, AlreadyWritten for a batch that ran before, and ProviderError.
    """
    if not access.mode.writes:
        return [Written(Outcome.NOT_ALLOWED, reason=changes.not_written_in(access))] * len(candidates)
    weighed = weigh(access, candidates, as_given=as_given)
    with changes.locked(access) as profile:
        row = changes.open_batch(profile, batch) if batch else None
        changes.embed_later(each.vector for each in weighed if isinstance(each, Weighed))
        if as_given:
            written = write_as_given(access, profile, weighed, row, uuid7())
        else:
            written = _place_each(access, profile, weighed, row)
    metrics.count_weighed(access.door, written)
    log.info("memories_weighed", door=access.door, outcomes=dict(Counter(each.outcome.value for each in written)))
    return written


def written_in(access: MemoryAccess, batch: Batch) -> list[Written]:
    """What a batch that ran before has written, in its order, for whoever missed the answer."""
    events = MemoryEvent.objects.for_user(access.profile.owner).filter(
        batch__purpose=batch.purpose, batch__reference=batch.reference
    )
    return [
        Written(Outcome(event.outcome), event.memory_id, event.change_id)
        for event in events.exclude(outcome="").oldest_first()
    ]


def revise(access: MemoryAccess, memory_id: uuid.UUID, content: str) -> Written:
    """A person corrects the wording. What they write is certain, and takes the place of what held its slot."""
    changes.must_write(access)
    content, reason = _guarded(text.clean(content, limit=CONTENT_LIMIT, name="memory"))
    [vector] = changes.embed([content], access.profile)
    with changes.locked(access) as profile:
        memory = changes.fetch(profile, memory_id)
        act = Act(access, reason=reason)
        changes.embed_later([vector])
        if content == memory.content:
            return _unchanged(memory)
        slot = slots.once_reworded(profile, memory, content)
        if (equal := changes.with_digest(profile, index.digest_of(profile, content)).first()) and equal != memory:
            return Written(Outcome.DISCARDED, memory.pk, reason="Another memory says the same already.")
        if memory.is_recallable:
            changes.clear_slot(act, profile, slot, successor=memory)
        now = _holds_now(memory, slot)
        changes.change(act, memory, Action.REVISED, vector, content=content, confidence=1.0, slot=slot, **now)
        return Written(Outcome.CREATED, memory.pk, act.change_id, reason=reason)


def adjust(access: MemoryAccess, memory_id: uuid.UUID, **columns: Unpack[Adjustment]) -> Written:
    """A person says otherwise what a memory is and how much it matters. A new importance counts from now on."""
    changes.must_write(access)
    with changes.locked(access) as profile:
        memory = changes.fetch(profile, memory_id)
        act = Act(access)
        changed: dict[str, Any] = {name: value for name, value in columns.items() if value != getattr(memory, name)}
        if not changed:
            return _unchanged(memory)
        if "importance" in changed:
            changed |= {"salience": changed["importance"] / 10, "salience_at": timezone.now()}
        changes.change(act, memory, Action.ADJUSTED, **changed)
        return Written(Outcome.CREATED, memory.pk, act.change_id)


def lower(access: MemoryAccess, memory_id: uuid.UUID, *, message_id: uuid.UUID) -> Written:
    """A person found a memory beside the point in the answer to that message: it counts half from now on, once."""
    changes.must_write(access)
    with changes.locked(access) as profile:
        memory = changes.fetch(profile, memory_id)
        lowerings = MemoryEvent.objects.filter(memory=memory, message_id=message_id, action=Action.ADJUSTED)
        made = set(lowerings.values_list("change_id", flat=True))
        if made - undone_among(made):
            return _unchanged(memory)
        act, now = Act(access, reason=NOT_RELEVANT, message_id=message_id), timezone.now()
        halved = scoring.salience_of(memory, now) / 2
        changes.change(act, memory, Action.ADJUSTED, salience=halved, salience_at=now)
        return Written(Outcome.CREATED, memory.pk, act.change_id)


def confirm(access: MemoryAccess, memory_id: uuid.UUID) -> Written:
    """Its owner says that a pending memory is right: it is certain, and stands unless the same or a newer one does."""
    changes.must_write(access)
    with changes.locked(access) as profile:
        memory, act = changes.fetch(profile, memory_id), Act(access)
        if memory.status != Status.PENDING:
            return Written(Outcome.DISCARDED, memory.pk, reason=NOT_PENDING)
        if successor := changes.stands_already(profile, memory):
            gives_way: dict[str, Any] = {"status": Status.SUPERSEDED, "superseded_by_id": successor.pk}
            changes.change(act, memory, Action.CONFIRMED, confidence=1.0, **gives_way)
            return Written(Outcome.SUPERSEDED, memory.pk, act.change_id, reason="The same or a newer statement holds.")
        changes.clear_slot(act, profile, changes.slot_of(memory), successor=memory)
        changes.change(act, memory, Action.CONFIRMED, confidence=1.0, status=Status.ACTIVE)
        return Written(Outcome.CREATED, memory.pk, act.change_id)


def reject(access: MemoryAccess, memory_id: uuid.UUID) -> Written:
    """Its owner says that a pending memory is wrong: it is forgotten."""
    changes.must_write(access)
    with changes.locked(access) as profile:
        memory = changes.fetch(profile, memory_id)
        if memory.status != Status.PENDING:
            return Written(Outcome.DISCARDED, memory.pk, reason=NOT_PENDING)
        return changes.forget(Act(access, reason="Rejected."), memory)


def forget(
    access: MemoryAccess, memory_id: uuid.UUID, *, reason: str = "", message_id: uuid.UUID | None = None
) -> Written:
    """Withdraw a memory by wish, `message_id` being where the wish was said; `restore` brings it back."""
    changes.must_write(access)
    with changes.locked(access) as profile:
        act = Act(access, reason=reason, message_id=message_id)
        return changes.forget(act, changes.fetch(profile, memory_id))


def forget_all(access: MemoryAccess, *, reason: str = "") -> list[Written]:
    """Withdraw all active memories of this one profile, as one change."""
    changes.must_write(access)
    with changes.locked(access) as profile:
        act = Act(access, reason=reason)
        active = list(changes.of_profile(profile).active())
        changes.forget_many(act, active)
        return [Written(Outcome.CREATED, memory.pk, act.change_id) for memory in active]


def restore(access: MemoryAccess, memory_id: uuid.UUID) -> Written:
    """Bring back what was forgotten, archived or superseded; what holds its slot now is superseded by it."""
    changes.must_write(access)
    with changes.locked(access) as profile:
        memory, act = changes.fetch(profile, memory_id), Act(access)
        if refusal := _why_not_restored(profile, memory):
            return Written(Outcome.DISCARDED, memory.pk, reason=refusal)
        changes.clear_slot(act, profile, changes.slot_of(memory), successor=memory)
        now = _holds_now(memory, changes.slot_of(memory))
        changes.change(act, memory, Action.RESTORED, status=Status.ACTIVE, superseded_by_id=None, **now)
        return Written(Outcome.CREATED, memory.pk, act.change_id)


def revive(access: MemoryAccess, memory_ids: Sequence[uuid.UUID]) -> int:
    """What an answer rested on comes back to life: its salience rises, once a day at most. Says how many rose."""
    if not (access.mode.writes and memory_ids):
        return 0
    now = timezone.now()
    with changes.locked(access) as profile:
        act = Act(access)
        faded = changes.of_profile(profile).active().filter(pk__in=memory_ids, salience_at__lt=now - REVIVED_AFTER)
        for memory in faded:
            salience = scoring.reinforced(scoring.salience_of(memory, now))
            changes.change(act, memory, Action.USED, salience=salience, salience_at=now)
        return len(faded)


def _place_each(
    access: MemoryAccess, profile: MemoryProfile, weighed: Sequence[Weighed | Written], batch: MemoryBatch | None
) -> list[Written]:
    """Each as a change of its own."""
    allowance, written = Allowance(access), []
    for each in weighed:
        if isinstance(each, Weighed):
            act = Act(access, each.candidate, batch, reason=each.candidate.reason)
            written.append(Placing(act, profile, each, allowance).place())
        else:
            written.append(each)
    return written


def _guarded(content: str) -> tuple[str, str]:
    """What a person may write by hand: the words without secrets, and what is to be said of that."""
    verdict = guard.inspect(content)
    if verdict.is_quarantined:
        raise NotAllowed(NO_INSTRUCTIONS)
    return verdict.masked, told_of_masks(verdict)


def _holds_now(memory: Memory, slot: bytes | None) -> dict[str, Any]:
    """A state that a person writes or brings back holds from now on: what is older by event time cannot displace it."""
    return {"occurred_at": max(memory.occurred_at, timezone.now())} if slot else {}


def _unchanged(memory: Memory) -> Written:
    return Written(Outcome.DISCARDED, memory.pk, reason="Nothing was changed.")


def _was_held_back(memory: Memory) -> bool:
    """Before it was forgotten: to forget and to restore lets nothing out."""
    events = MemoryEvent.objects.filter(memory=memory).select_related("profile").order_by("-number")
    changed = (event for event in events if "status" in (event.after or {}))
    last = next((event for event in changed if event.after["status"] != Status.FORGOTTEN), None)
    return last is not None and last.after["status"] in HELD_BACK


def _why_not_restored(profile: MemoryProfile, memory: Memory) -> str:
    if memory.status == Status.ACTIVE:
        return "This memory is active already."
    if memory.status == Status.PENDING:
        return "This memory waits for a decision."
    if memory.status in HELD_BACK or _was_held_back(memory):
        return "This memory is held back by moderation."
    equal = changes.with_digest(profile, bytes(memory.digest)).exclude(pk=memory.pk)
    return "The same is remembered already." if equal.exists() else ""
