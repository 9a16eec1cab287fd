"""What programs send and get about single memories, and lists of them."""

import json
import uuid
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from django.utils import timezone
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError, ValidatorFunctionWrapHandler
from pydantic.functional_validators import WrapValidator

from memories.engine import scoring
from memories.engine.rules import understood
from memories.engine.types import CONTENT_LIMIT, Candidate, Outcome, Provenance, Written
from memories.models import Kind, Memory, Origin, Sector, Status
from memories.profiles import NAME_LIMIT
from memories.searching import Narrowing
from memorychat.lib.shapes import Body, Moment, PageQuery, Span, Words, in_one_sentence, what_is_wrong

METADATA_BYTES = 4_096
BATCH_LIMIT = 1_000
THREAD_LIMIT = 255
LAST_POSITION = 2**31 - 1


def _importance(value: object) -> object:
    """Between 0 and 1, where it is no integer, it is read as tenths: 0.8 is 8."""
    if isinstance(value, float) and 0 < value < 1:
        return max(1, round(value * 10))
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _small(value: dict[str, Any]) -> dict[str, Any]:
    size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
    if size > METADATA_BYTES:
        raise ValueError(f"The metadata are too long: {size:,} bytes, and at most {METADATA_BYTES:,} are allowed.")
    return value


Content = Annotated[str, Words(CONTENT_LIMIT, "memory")]
Metadata = Annotated[dict[str, Any], AfterValidator(_small)]
Importance = Annotated[
    int,
    Field(strict=True, ge=1, le=10, description="1 to 10; 0.8 is read as 8."),
    BeforeValidator(_importance),
]


class MemoryOut(BaseModel):
    id: uuid.UUID
    profile_id: uuid.UUID
    content: str
    kind: Kind
    sector: Sector
    importance: int
    salience: float = Field(description="0–1: how much it matters now.")
    confidence: float
    status: Status
    origin: Origin
    pinned: bool
    occurred_at: datetime
    created_at: datetime
    last_said_at: datetime
    times_said: int
    superseded_by: uuid.UUID | None
    metadata: dict[str, Any] | None

    @classmethod
    def of(cls, memory: Memory) -> "MemoryOut":
        return cls(
            id=memory.pk,
            profile_id=memory.profile_id,
            content=memory.content,
            kind=Kind(memory.kind),
            sector=Sector(memory.sector),
            importance=memory.importance,
            salience=round(scoring.salience_of(memory, timezone.now()), 4),
            confidence=memory.confidence,
            status=Status(memory.status),
            origin=Origin(memory.origin),
            pinned=memory.pinned,
            occurred_at=memory.occurred_at,
            created_at=memory.created_at,
            last_said_at=memory.last_said_at,
            times_said=memory.times_said,
            superseded_by=memory.superseded_by_id,
            metadata=memory.metadata,
        )


class MemoryFilter(Span, PageQuery):
    status: Status = Status.ACTIVE
    kind: Kind | None = None
    sector: Sector | None = None
    origin: Origin | None = None
    profile_id: uuid.UUID | None = None

    def narrowing(self) -> Narrowing:
        return Narrowing(**self.model_dump(exclude={"limit", "cursor"}))


class SourceIn(Body):
    """The place where it was said. Equal words of one place are one memory, of two places two."""

    thread: Annotated[str, Words(THREAD_LIMIT, "thread")]
    position: int | None = Field(None, strict=True, ge=0, le=LAST_POSITION)
    speaker: Annotated[str, Words(NAME_LIMIT, "speaker", may_be_empty=True)] = ""


class MemoryItem(Body):
    content: Content
    kind: Kind = Kind.FACT
    sector: Sector = Sector.SEMANTIC
    importance: Importance = 5
    occurred_at: Moment | None = Field(None, description="When it held or happened; now unless given.")
    metadata: Metadata | None = Field(None, description=f"At most {METADATA_BYTES} bytes; returned as given.")
    source: SourceIn | None = None

    def candidate(self) -> Candidate:
        return Candidate(
            self.content,
            kind=self.kind,
            sector=self.sector,
            importance=self.importance,
            occurred_at=self.occurred_at,
            metadata=self.metadata,
            provenance=self._provenance(),
        )

    def _provenance(self) -> Provenance:
        if self.source is None:
            return Provenance()
        return Provenance(
            thread=self.source.thread,
            position=self.source.position,
            speaker=self.source.speaker,
            said_at=self.occurred_at,
        )


class MemoryIn(MemoryItem):
    """One memory, weighed like what is said: the same is reinforced, and the newer of one slot supersedes."""

    profile_id: uuid.UUID | None = Field(None, description="The default profile unless given.")

    def candidate(self) -> Candidate:
        return understood(super().candidate())


class MemoryPatch(Body):
    emptied_by_null: ClassVar[frozenset[str]] = frozenset({"metadata"})

    content: Content | None = None
    kind: Kind | None = None
    sector: Sector | None = None
    importance: Importance | None = None
    pinned: bool | None = Field(None, strict=True)
    metadata: Metadata | None = None


class Refusal(BaseModel):
    code: Literal["invalid"] = "invalid"
    message: str
    fields: dict[str, str]


class RefusedItem(BaseModel):
    """What stands in the place of an item that could not be read."""

    error: Refusal


def _in_its_place(value: object, read: ValidatorFunctionWrapHandler) -> MemoryItem | RefusedItem:
    """A bad item spoils itself alone."""
    try:
        return read(value)
    except ValidationError as error:
        fields = what_is_wrong(error.errors(include_url=False))
        return RefusedItem(error=Refusal(message=in_one_sentence(fields), fields=fields))


class BatchIn(Body):
    profile_id: uuid.UUID | None = Field(None, description="The default profile unless given.")
    items: list[Annotated[MemoryItem, WrapValidator(_in_its_place)]] = Field(max_length=BATCH_LIMIT)


class WrittenItem(BaseModel):
    id: uuid.UUID
    action: Outcome

    @classmethod
    def of(cls, written: Written) -> "WrittenItem":
        return cls(id=written.memory_id, action=written.outcome)


class BatchOut(BaseModel):
    results: list[WrittenItem | RefusedItem] = Field(description="In the order of the items.")
    change_id: uuid.UUID | None = Field(description="Undoes the whole list at once.")
