"""What programs send and get about recall."""

import dataclasses
import uuid
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field, SerializerFunctionWrapHandler, model_serializer

from memories.engine.recall import QUERY_LIMIT
from memories.engine.types import Hit
from memories.models import Kind, Memory, Sector
from memorychat.lib.shapes import Body, Words

SEARCH_LIMIT = 100


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
