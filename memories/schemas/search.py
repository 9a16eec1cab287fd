"""What programs send and get about recall."""

import dataclasses
import uuid
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field, SerializerFunctionWrapHandler, model_serializer

from memories.engine import explaining
from memories.engine.recall import QUERY_LIMIT
from memories.engine.types import Hit
from memories.models import Kind, Memory, Sector, Status
from memorychat.lib.shapes import Body, Span, Words

SEARCH_LIMIT = 100
SAID_WHERE_IT_IS_SO = frozenset({"conflicts_with", "status", "why"})


class SearchIn(Span, Body):
    query: Annotated[str, Words(QUERY_LIMIT, "query")]
    limit: int = Field(5, strict=True, ge=1, le=SEARCH_LIMIT)
    profile_id: uuid.UUID | None = Field(None, description="The default profile unless given.")
    kinds: list[Kind] | None = Field(None, description="An empty list allows nothing.")
    sectors: list[Sector] | None = Field(None, description="An empty list allows nothing.")
    threshold: float = Field(0.0, strict=True, ge=0, le=1, description="The least relevance, 0–1.")
    include: list[Status] = Field(
        [], description="Besides active ones, those of these statuses; each then tells its own."
    )
    explain: bool = Field(False, strict=True, description="Have each tell why it came.")


class RecentQuery(BaseModel):
    limit: int = Field(10, ge=1, le=SEARCH_LIMIT)
    profile_id: uuid.UUID | None = Field(None, description="The default profile unless given.")


class PartsOut(BaseModel):
    """The score taken apart; it is their sum."""

    relevance: float = Field(description="At most 0.60.")
    salience: float = Field(description="At most 0.20.")
    recency: float = Field(description="At most 0.10.")
    links: float = Field(description="At most 0.10.")


class PartOut(BaseModel):
    name: str
    value: float
    share: float = Field(description="Of the most that it can be, 0–1.")


class WhyOut(BaseModel):
    """Why a memory came."""

    sentence: str
    words: list[str] = Field(description="Those of the query that it holds in one form or another.")
    parts: list[PartOut] = Field(description="What the score is made of.")

    @classmethod
    def of(cls, hit: Hit, memory: Memory, query: str) -> "WhyOut":
        told = explaining.explain(hit, question=query, content=memory.content)
        parts = [PartOut(**dataclasses.asdict(part)) for part in told.parts]
        return cls(sentence=told.sentence, words=explaining.matching_words(query, memory.content), parts=parts)


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
    status: Status | None = Field(None, description="Left out unless others than active ones were asked for.")
    why: WhyOut | None = Field(None, description="Left out unless it was asked for.")

    @model_serializer(mode="wrap")
    def _without_what_is_not_told(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        told: dict[str, Any] = serialise(self)
        return {name: value for name, value in told.items() if value or name not in SAID_WHERE_IT_IS_SO}

    @classmethod
    def of(cls, hit: Hit, memory: Memory, asked: SearchIn | None = None) -> "FoundOut":
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
            status=Status(memory.status) if asked and asked.include else None,
            why=WhyOut.of(hit, memory, asked.query) if asked and asked.explain else None,
        )


class SearchOut(BaseModel):
    results: list[FoundOut]
    took_ms: float
    degraded: list[str] = Field(description="Parts that could not take part, such as vectors.")
