"""What programs get about changes and the ledger."""

import dataclasses
import uuid
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from memories.engine.undoing import Preview
from memories.models import Action, FoundBy, MemoryEvent, Origin, Status


class ChangeOut(BaseModel):
    change_id: uuid.UUID = Field(description="The change that was made, which can be undone in its turn.")


class DifferenceOut(BaseModel):
    memory_id: uuid.UUID
    words_now: str
    words_then: str
    status_now: Status
    status_then: Status


class UndoPreviewOut(BaseModel):
    differences: list[DifferenceOut]
    follows: list[uuid.UUID] = Field(description="Later changes that would be taken back too.")
    seen: str = Field(description="Names all of these, for `with_later` of the undo.")

    @classmethod
    def of(cls, preview: Preview) -> "UndoPreviewOut":
        differences = [DifferenceOut(**dataclasses.asdict(each)) for each in preview.differences]
        return cls(differences=differences, follows=list(preview.follows), seen=preview.seen)


class EventOut(BaseModel):
    id: uuid.UUID
    action: Action
    door: Origin
    actor_id: uuid.UUID | None
    reason: str
    before: dict[str, Any] | None = Field(description="The columns that changed; null for what began here.")
    after: dict[str, Any]
    found_by: FoundBy | None
    message_id: uuid.UUID | None
    change_id: uuid.UUID
    undoes: uuid.UUID | None
    created_at: datetime

    @classmethod
    def of(cls, event: MemoryEvent) -> "EventOut":
        return cls(
            id=event.pk,
            action=Action(event.action),
            door=Origin(event.door),
            actor_id=event.actor_id,
            reason=event.reason,
            before=_told(event.before),
            after=_told(event.after) or {},
            found_by=FoundBy(event.found_by) if event.found_by else None,
            message_id=event.message_id,
            change_id=event.change_id,
            undoes=event.undoes,
            created_at=event.created_at,
        )


def _told(columns: dict[str, Any] | None) -> dict[str, Any] | None:
    """Columns of the ledger as programs know them; the hash of the slot means something to the engine alone."""
    if columns is None:
        return None
    names = {name: name for name in columns} | {"superseded_by_id": "superseded_by"}
    return {names[name]: value for name, value in columns.items() if name != "slot"}
