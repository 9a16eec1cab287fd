"""Two active memories that cannot both hold: marked by the write gate, decided by their owner."""

import uuid
from enum import StrEnum

from django.utils import timezone

from memories.access import MemoryAccess
from memories.engine import changes
from memories.engine.ledger import Act
from memories.engine.types import Outcome, UnknownMemory, Written
from memories.models import Conflict, Memory, MemoryProfile


class Decision(StrEnum):
    """Which side of a conflict holds."""

    ONE = "one"
    OTHER = "other"
    BOTH = "both"


def mark(profile: MemoryProfile, one: Memory, other: Memory) -> None:
    """Once a pair: what its owner has decided stays decided."""
    first, second = sorted((one, other), key=lambda memory: memory.pk)
    Conflict.objects.get_or_create(profile=profile, one=first, other=second)


def decide(access: MemoryAccess, conflict_id: uuid.UUID, decision: Decision) -> Written:
    """Keep one side, which supersedes the other, or both. Raises UnknownMemory.

    A conflict of which one side was superseded is open again when that is undone.
    """
    changes.must_write(access)
    with changes.locked(access) as profile:
        conflict = Conflict.objects.filter(profile=profile, pk=conflict_id).open().first()
        if conflict is None:
            raise UnknownMemory
        act = Act(access, reason="Its owner decided.")
        if decision is Decision.BOTH:
            conflict.resolved_at = timezone.now()
            conflict.save(update_fields=["resolved_at"])
            return Written(Outcome.DISCARDED, conflict.one_id, reason="Both are kept.")
        kept, former = (
            (conflict.one_id, conflict.other_id) if decision is Decision.ONE else (conflict.other_id, conflict.one_id)
        )
        changes.supersede(act, changes.fetch(profile, former), kept)
        return Written(Outcome.SUPERSEDED, kept, act.change_id)
