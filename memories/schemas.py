"""What programs send and get about memories and profiles."""

import dataclasses
import json
import uuid
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self, cast

from django.utils import timezone
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidatorFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic.functional_validators import WrapValidator

from memories.engine import scoring
from memories.engine.recall import QUERY_LIMIT
from memories.engine.rules import slot_of
from memories.engine.types import CONTENT_LIMIT, Candidate, Hit, Outcome, Provenance, Written
from memories.engine.undoing import Preview
from memories.models import (
    Action,
    FoundBy,
    Kind,
    LearningMode,
    Memory,
    MemoryEvent,
    MemoryProfile,
    Origin,
    PrivacyMode,
    Sector,
    Status,
)
from memories.profiles import DESCRIPTION_LIMIT, NAME_LIMIT, Promises
from memories.searching import Narrowing
from memorychat.lib.shapes import Body, Moment, PageQuery, Words, in_one_sentence, what_is_wrong

METADATA_BYTES = 4_096
BATCH_LIMIT = 1_000
SEARCH_LIMIT = 100
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
Name = Annotated[str, Words(NAME_LIMIT, "name")]
Description = Annotated[str, Words(DESCRIPTION_LIMIT, "description", may_be_empty=True)]
Metadata = Annotated[dict[str, Any], AfterValidator(_small)]
Importance = Annotated[
    int,
    Field(strict=True, ge=1, le=10, description="1 to 10; 0.8 is read as 8."),
    BeforeValidator(_importance),
]


class ProfileOut(BaseModel):
    id: uuid.UUID
    name: str
    description: str
    is_default: bool
    default_mode: PrivacyMode
    learning: LearningMode
    local_only: bool
    memory_count: int = Field(description="Active memories.")
    summary: str | None = Field(description="Of them; none for a while after something in it ceased to hold.")
    created_at: datetime

    @classmethod
    def of(cls, profile: MemoryProfile) -> "ProfileOut":
        return cls(
            id=profile.pk,
            name=profile.name,
            description=profile.description,
            is_default=profile.is_default,
            default_mode=PrivacyMode(profile.default_mode),
            learning=LearningMode(profile.learning),
            local_only=profile.local_only,
            memory_count=profile.memory_count,
            summary=profile.summary,
            created_at=profile.created_at,
        )


class ProfileIn(Body):
    name: Name
    description: Description = ""
    default_mode: PrivacyMode = Field(PrivacyMode.NORMAL, description="Of new conversations.")
    learning: LearningMode = Field(LearningMode.AUTOMATIC, description="What becomes of what conversations tell.")
    local_only: bool = Field(False, strict=True, description="Only local models see its words.")


class ProfilePatch(Body):
    name: Name | None = None
    description: Description | None = None
    default_mode: PrivacyMode | None = None
    learning: LearningMode | None = None
    local_only: bool | None = Field(None, strict=True)

    def promises(self) -> Promises:
        promises = self.model_dump(include={"default_mode", "learning", "local_only"}, exclude_none=True)
        return cast("Promises", promises)


class CopyIn(Body):
    """Where to: a new profile of this name, or one that is there."""

    name: Name | None = None
    profile_id: uuid.UUID | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.name is None) == (self.profile_id is None):
            raise ValueError("Give either the name of a new profile, or the profile_id of another one.")
        return self


class CopiedOut(BaseModel):
    profile: ProfileOut
    count: int = Field(description="Memories that were copied.")
    known: int = Field(description="Memories that were known there in equal words.")
    change_id: uuid.UUID | None = Field(description="Undoes all of it at once; null where nothing was copied.")


class ForgottenOut(BaseModel):
    count: int
    preview: bool = Field(description="Whether this only says what would be forgotten.")
    change_id: uuid.UUID | None = Field(description="Undoes all of it at once.")


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


class MemoryFilter(PageQuery):
    status: Status = Status.ACTIVE
    kind: Kind | None = None
    sector: Sector | None = None
    origin: Origin | None = None
    profile_id: uuid.UUID | None = None
    since: Moment | None = Field(None, description="Held or happened then or later.")
    until: Moment | None = Field(None, description="Held or happened before then.")

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
        given = super().candidate()
        return dataclasses.replace(given, slot=slot_of(given.content))


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


class SearchIn(Body):
    query: Annotated[str, Words(QUERY_LIMIT, "query")]
    limit: int = Field(5, strict=True, ge=1, le=SEARCH_LIMIT)
    profile_id: uuid.UUID | None = Field(None, description="The default profile unless given.")
    kinds: list[Kind] | None = Field(None, description="An empty list allows nothing.")
    sectors: list[Sector] | None = Field(None, description="An empty list allows nothing.")
    threshold: float = Field(0.0, strict=True, ge=0, le=1, description="The least relevance, 0–1.")


class PartsOut(BaseModel):
    """The score taken apart; it is their sum."""

    relevance: float = Field(description="At most 0.60.")
    salience: float = Field(description="At most 0.20.")
    recency: float = Field(description="At most 0.10.")
    links: float = Field(description="At most 0.10.")


class FoundOut(BaseModel):
    id: uuid.UUID
    content: str
    kind: Kind
    sector: Sector
    importance: int
    score: float
    parts: PartsOut
    similarity: float | None = Field(description="The cosine; null without a vector.")
    keywords: float = Field(description="The BM25 score of the words.")
    occurred_at: datetime
    created_at: datetime
    metadata: dict[str, Any] | None
    conflicts_with: list[uuid.UUID] = Field(
        default_factory=list,
        description="Memories that say otherwise, where their owner has not decided; left out where there are none.",
    )

    @model_serializer(mode="wrap")
    def _without_no_conflicts(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        told: dict[str, Any] = serialise(self)
        return told if self.conflicts_with else {name: told[name] for name in told if name != "conflicts_with"}

    @classmethod
    def of(cls, hit: Hit, memory: Memory) -> "FoundOut":
        return cls(
            id=memory.pk,
            content=memory.content,
            kind=Kind(memory.kind),
            sector=Sector(memory.sector),
            importance=memory.importance,
            score=hit.score,
            parts=PartsOut(**dataclasses.asdict(hit.parts)),
            similarity=hit.similarity,
            keywords=hit.keywords,
            occurred_at=memory.occurred_at,
            created_at=memory.created_at,
            metadata=memory.metadata,
            conflicts_with=list(hit.conflicts_with),
        )


class SearchOut(BaseModel):
    results: list[FoundOut]
    took_ms: float
    degraded: list[str] = Field(description="Parts that could not take part, such as vectors.")
