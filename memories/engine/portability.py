"""Our own export: all that a person's profiles hold, opened, with where it was said and what became of it.

The form is versioned and described in docs/portability.md; `read_own` reads it again. Markdown is for eyes alone.
"""

import json
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from memories.access import MemoryAccess
from memories.engine import carrying
from memories.engine.carrying import Carried, Place
from memories.engine.types import NotAllowed, Slot
from memories.models import Kind, MemoryEvent, MemoryProfile, Origin, Sector, Status
from memorychat.lib.crypto import unlock
from memorychat.lib.shapes import Moment, in_one_sentence, what_is_wrong

FORMAT, VERSION = "memorychat.memories", 1
EVENTS_AT_ONCE = 2_000

TOLD_STATUS = {
    Status.SUPERSEDED: "Something newer holds instead.",
    Status.FORGOTTEN: "It was forgotten.",
    Status.QUARANTINED: "It was held back.",
    Status.HIDDEN: "A moderator hid it.",
}
CARRIED_STATUSES = (Status.ACTIVE, Status.PENDING, Status.ARCHIVED)


def export_json(accesses: Sequence[MemoryAccess]) -> Iterator[str]:
    """In parts, profile by profile. Raises NotAllowed where memories may not be read."""
    _must_read(accesses)
    head = {"format": FORMAT, "version": VERSION, "exported_at": timezone.now()}
    yield f'{_json(head)[:-1]}, "profiles": ['
    for number, access in enumerate(accesses):
        profile = access.profile
        told = {name: getattr(profile, name) for name in ("id", "name", "description", "default_mode", "is_default")}
        yield f'{"," if number else ""}\n{_json(told)[:-1]}, "memories": ['
        for at, memory in enumerate(_memories(profile)):
            yield f"{',' if at else ''}\n{_json(memory)}"
        yield "]}"
    yield "]}\n"


def export_markdown(accesses: Sequence[MemoryAccess]) -> Iterator[str]:
    """What holds now, a line for each memory, under its profile and its kind."""
    _must_read(accesses)
    yield "# What MemoryChat remembers\n"
    for access in accesses:
        yield f"\n## {_line(access.profile.name)}\n"
        opened = carrying.opened(access.profile, Status.ACTIVE)
        for kind in Kind:
            lines = [carried for _, carried in opened if carried.kind == kind]
            if lines:
                yield f"\n### {kind.label}\n\n"
                yield "".join(f"- {_line(each.content)} ({each.occurred_at:%Y-%m-%d})\n" for each in lines)


def _must_read(accesses: Sequence[MemoryAccess]) -> None:
    for access in accesses:
        if not access.mode.reads:
            raise NotAllowed(f"Memories are not read in {access.mode.label} mode.")


def _line(words: str) -> str:
    return " ".join(words.split())


def _memories(profile: MemoryProfile) -> Iterator[dict[str, Any]]:
    history = _history(profile)
    for memory, carried in carrying.opened(profile, *Status):
        told = {name: value for name, value in vars(carried).items() if name not in ("slot", "places")}
        yield {
            "id": memory.pk,
            **told,
            "slot": carried.slot and vars(carried.slot),
            "superseded_by": memory.superseded_by_id,
            "created_at": memory.created_at,
            "sources": [_source(place) for place in carried.places],
            "history": history.get(memory.pk, []),
        }


def _source(place: Place) -> dict[str, Any]:
    """The thread is a hash under our key, which tells one from another and says nothing else."""
    return {**vars(place), "thread": place.thread.hex() if place.thread else None}


def _history(profile: MemoryProfile) -> dict[uuid.UUID, list[dict[str, Any]]]:
    events = list(MemoryEvent.objects.filter(profile=profile).select_related("profile").order_by("number"))
    unlock(events)
    history: dict[uuid.UUID, list[dict[str, Any]]] = {}
    for event in events:
        history.setdefault(event.memory_id, []).append(_event(event))
    return history


def _event(event: MemoryEvent) -> dict[str, Any]:
    names = ("action", "door", "outcome", "reason", "found_by", "found_version", "confidence", "change_id", "undoes")
    told = {name: getattr(event, name) for name in names}
    return {**told, "before": _columns(event.before), "after": _columns(event.after), "created_at": event.created_at}


def _columns(columns: dict[str, Any] | None) -> dict[str, Any] | None:
    """The hash of the slot means something to the engine alone."""
    return columns and {name: value for name, value in columns.items() if name != "slot"}


def _json(value: Any) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)


class OwnSlot(BaseModel):
    subject: str = Field(max_length=100)
    attribute: str = Field(max_length=100)


class OwnSource(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    said_at: Moment
    quote: str = Field("", max_length=32_000)
    speaker: str = Field("", max_length=100)
    position: int | None = Field(None, ge=0, le=2**31 - 1)
    message_id: uuid.UUID | None = None
    thread: str | None = Field(None, pattern="^[0-9a-f]{32}$")

    def place(self) -> Place:
        return Place(**self.model_dump(exclude={"thread"}), thread=bytes.fromhex(self.thread) if self.thread else None)


class OwnMemory(BaseModel):
    """A memory of our own format, as far as it is read again; a program that writes it may leave out what it lacks."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    content: str
    kind: Kind = Kind.FACT
    sector: Sector = Sector.SEMANTIC
    importance: int = Field(5, ge=1, le=10)
    confidence: float = Field(1.0, ge=0, le=1)
    salience: float | None = Field(None, ge=0, le=1)
    salience_at: Moment | None = None
    status: Status = Status.ACTIVE
    origin: Origin = Origin.IMPORT
    pinned: bool = False
    occurred_at: Moment | None = None
    last_said_at: Moment | None = None
    times_said: int = Field(1, ge=1, le=2**31 - 1)
    slot: OwnSlot | None = None
    metadata: dict[str, Any] | None = None
    sources: list[OwnSource] = Field(default_factory=list, max_length=1_000)

    def carried(self, content: str, now: datetime) -> Carried:
        return Carried(
            content=content,
            salience=self.importance / 10 if self.salience is None else self.salience,
            salience_at=min(self.salience_at or now, now),
            occurred_at=self.occurred_at or now,
            last_said_at=min(self.last_said_at or now, now),
            slot=Slot(self.slot.subject, self.slot.attribute) if self.slot else None,
            places=[source.place() for source in self.sources],
            **self.model_dump(
                include={"kind", "sector", "importance", "confidence", "status", "origin", "pinned", "times_said"}
            ),
            metadata=self.metadata,
        )


def read_own(row: object) -> tuple[OwnMemory | None, str]:
    """The memory, or None and why it cannot be taken."""
    try:
        memory = OwnMemory.model_validate(row)
    except ValidationError as error:
        return None, in_one_sentence(what_is_wrong(error.errors(include_input=False)))
    if reason := TOLD_STATUS.get(memory.status):
        return None, reason
    return memory, ""
