"""What goes into the two gates and what comes out of them."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypedDict

from memories.models import FoundBy, Kind, Sector

CONTENT_LIMIT = 2_000


class Outcome(StrEnum):
    """What the write gate decided about one candidate."""

    CREATED = "created"
    REINFORCED = "reinforced"
    SUPERSEDED = "superseded"
    CONFLICT = "conflict"
    PENDING = "pending"
    DISCARDED = "discarded"
    RATE_LIMITED = "rate_limited"
    NOT_ALLOWED = "not_allowed"
    QUARANTINED = "quarantined"


class NotAllowed(Exception):
    """The privacy mode does not allow this; the message is a sentence for the person."""


class UnknownMemory(Exception):
    """No such memory in this profile: a foreign one and a missing one are the same."""


class StaleChange(Exception):
    """The change cannot be undone alone, because later ones built on it; `follows` names those that would follow."""

    def __init__(self, message: str, *, follows: tuple[uuid.UUID, ...] = ()) -> None:
        super().__init__(message)
        self.follows = follows


@dataclass(frozen=True)
class Slot:
    """What a one-valued statement is about: (person, home town)."""

    subject: str
    attribute: str

    def key(self) -> str:
        return f"{self.subject.casefold()}|{self.attribute.casefold()}"


@dataclass(frozen=True)
class Ending:
    """What is over, if this slot is held by a statement that names it: `named` are words, any statement if empty."""

    slot: Slot
    named: str = ""


@dataclass(frozen=True)
class Provenance:
    """Where a candidate was said: a message, or a place in a thread that a program names."""

    message_id: uuid.UUID | None = None
    conversation_id: uuid.UUID | None = None
    thread: str = ""
    position: int | None = None
    speaker: str = ""
    said_at: datetime | None = None


@dataclass(frozen=True)
class Candidate:
    """A statement that was found and is not yet weighed.

    `asked_for` says that the person asked to remember it; `reason` is what the finder has to say of it to the ledger.
    Of what it `ends` the first that is held counts: the candidate then takes that slot, and says that nothing holds.
    """

    content: str
    kind: Kind = Kind.FACT
    sector: Sector = Sector.SEMANTIC
    importance: int = 5
    confidence: float = 1.0
    occurred_at: datetime | None = None
    slot: Slot | None = None
    ends: tuple[Ending, ...] = ()
    quote: str = ""
    asked_for: bool = False
    reason: str = ""
    metadata: dict[str, object] | None = None
    found_by: FoundBy = FoundBy.SAID
    found_version: str = ""
    provenance: Provenance = field(default_factory=Provenance)


class Adjustment(TypedDict, total=False):
    """What a person may say otherwise about a memory, besides its words."""

    kind: Kind
    sector: Sector
    importance: int
    pinned: bool
    metadata: dict[str, object] | None


@dataclass(frozen=True)
class Written:
    """What became of one candidate. `change_id` is what an undo takes."""

    outcome: Outcome
    memory_id: uuid.UUID | None = None
    change_id: uuid.UUID | None = None
    reason: str = ""


@dataclass(frozen=True)
class ScoreParts:
    """The score taken apart, each part weighted already (see `scoring.WEIGHTS`); their sum is the score."""

    relevance: float
    salience: float
    recency: float
    links: float

    @property
    def total(self) -> float:
        return self.relevance + self.salience + self.recency + self.links


@dataclass(frozen=True)
class Grounds:
    """Why a memory came, besides its numbers. `came_by` is the hit whose link led to it, `link` the link's weight."""

    days_since_said: float | None = None
    has_asked_slot: bool = False
    said_by_asked: bool = False
    in_asked_time: bool = False
    answers_question: bool = False
    linked_to: uuid.UUID | None = None
    came_by: uuid.UUID | None = None
    link: float = 0.0


@dataclass(frozen=True)
class Hit:
    """One recalled memory. `similarity` is the cosine (None without a vector), `keywords` the BM25 score.

    `conflicts_with` are the memories that it stands in an open conflict with.
    """

    memory_id: uuid.UUID
    parts: ScoreParts
    relevance: float
    similarity: float | None
    keywords: float
    grounds: Grounds = Grounds()
    conflicts_with: tuple[uuid.UUID, ...] = ()

    @property
    def score(self) -> float:
        return self.parts.total


@dataclass(frozen=True)
class Recall:
    """The answer of the read gate, best hit first; `degraded` names the parts that could not take part."""

    hits: tuple[Hit, ...] = ()
    took_ms: float = 0.0
    degraded: tuple[str, ...] = ()
