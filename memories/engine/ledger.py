"""The append-only ledger: what each change was, by whom, by which door, and why."""

import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from structlog.contextvars import get_contextvars

from memories.access import MemoryAccess
from memories.engine.types import Candidate, Outcome
from memories.models import Action, Memory, MemoryBatch, MemoryEvent
from memorychat.lib.identifiers import uuid7

# The columns of a memory that the ledger can rebuild. All others are derived from these or never change.
LEDGERED = (
    "content",
    "metadata",
    "kind",
    "sector",
    "importance",
    "confidence",
    "salience",
    "salience_at",
    "status",
    "occurred_at",
    "superseded_by_id",
    "profile_id",
    "pinned",
    "slot",
)
_TIMES = {"salience_at", "occurred_at"}
_IDS = {"superseded_by_id", "profile_id"}


@dataclass(frozen=True)
class Act:
    """One act, which may change several memories; all its events share `change_id` and are undone together."""

    access: MemoryAccess
    candidate: Candidate | None = None
    batch: MemoryBatch | None = None
    message_id: uuid.UUID | None = None
    conversation_id: uuid.UUID | None = None
    reason: str = ""
    undoes: uuid.UUID | None = None
    change_id: uuid.UUID = field(default_factory=uuid7)
    started: float = field(default_factory=time.perf_counter)


def snapshot(memory: Memory) -> dict[str, Any]:
    """The ledgered columns as JSON values."""
    return {name: _to_json(getattr(memory, name)) for name in LEDGERED}


def column_values(values: dict[str, Any]) -> dict[str, Any]:
    """The other way round: JSON values of the ledger as the columns want them."""
    return {name: _from_json(name, value) for name, value in values.items()}


def record(act: Act, memory: Memory, action: Action, *, before: dict[str, Any], outcome: Outcome | None = None) -> None:
    """Write the event of one change; `before` is a snapshot, and only what changed is kept of it."""
    event_of(act, memory, action, before=before, outcome=outcome).save(force_insert=True)


def event_of(
    act: Act, memory: Memory, action: Action, *, before: dict[str, Any] | None = None, outcome: Outcome | None = None
) -> MemoryEvent:
    """The event as it is to be written; without a `before` the memory is new."""
    after = snapshot(memory)
    if before is not None:
        changed = {name for name in LEDGERED if before[name] != after[name]}
        before = {name: before[name] for name in LEDGERED if name in changed}
        after = {name: after[name] for name in LEDGERED if name in changed}
    candidate = act.candidate
    return MemoryEvent(
        owner_id=memory.owner_id,
        profile=memory.profile,
        memory=memory,
        change_id=act.change_id,
        batch=act.batch,
        action=action,
        door=act.access.door,
        actor=act.access.actor,
        outcome=outcome or "",
        reason=act.reason,
        before=before,
        after=after,
        confidence=candidate.confidence if candidate else None,
        found_by=candidate.found_by if candidate else "",
        found_version=candidate.found_version if candidate else "",
        message_id=candidate.provenance.message_id if candidate else act.message_id,
        conversation_id=candidate.provenance.conversation_id if candidate else act.conversation_id,
        undoes=act.undoes,
        correlation_id=str(get_contextvars().get("correlation_id", "")),
        milliseconds=(time.perf_counter() - act.started) * 1000,
    )


def _to_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return value


def _from_json(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _TIMES:
        return datetime.fromisoformat(value)
    if name in _IDS:
        return uuid.UUID(value)
    if name == "slot":
        return bytes.fromhex(value)
    return value
