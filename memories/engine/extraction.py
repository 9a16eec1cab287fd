"""Candidates in what a person said: by the language model when one is connected, by the built-in rules when none is.

Only a person's own words come in here. When the model fails, the failure is raised and the job tries again later: the
rules never stand in for it, for a guess that was written is hard to take back.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, ValidationError

from memories.engine import rules
from memories.engine.types import Candidate, Provenance, Slot
from memories.engine.writing import CONTENT_LIMIT
from memories.models import FoundBy, Kind, Sector
from memorychat.lib.text import clean
from memorychat.llm.providers import complete, get_chat_model, has_language_model
from memorychat.llm.types import ChatMessage, Prompt, ProviderError

PROMPT = Path(__file__).parent.parent / "prompts" / "extract.txt"
MOST_CANDIDATES = 50


@dataclass(frozen=True)
class Extraction:
    """What was found in one message: candidates, and what the person asks to be forgotten, in their words."""

    candidates: list[Candidate]
    forgets: list[str]


class _Found(BaseModel):
    content: Annotated[str, AfterValidator(partial(clean, limit=CONTENT_LIMIT, name="memory"))]
    kind: Kind = Kind.FACT
    sector: Sector = Sector.SEMANTIC
    importance: int = Field(5, ge=1, le=10)
    confidence: float = Field(0.6, ge=0, le=1)
    slot: str | None = None
    quote: str = ""


class _Answer(BaseModel):
    memories: list[_Found] = Field(default_factory=list, max_length=MOST_CANDIDATES)
    forget: list[str] = Field(default_factory=list, max_length=MOST_CANDIDATES)


def extract(words: str, provenance: Provenance, *, correlation_id: str) -> Extraction:
    """Raises ProviderError when the model does not answer, or answers something that is no list of candidates."""
    if has_language_model():
        return _by_model(words, provenance, correlation_id)
    return _by_rules(words, provenance)


def _by_rules(words: str, provenance: Provenance) -> Extraction:
    candidates = [
        Candidate(
            content=finding.content,
            kind=finding.kind,
            sector=finding.sector,
            importance=finding.importance,
            confidence=finding.confidence,
            occurred_at=provenance.said_at,
            slot=finding.slot,
            quote=finding.quote,
            found_by=FoundBy.RULES,
            found_version=rules.VERSION,
            provenance=provenance,
        )
        for finding in rules.find(words)
    ]
    return Extraction(candidates, rules.find_forgets(words))


def _by_model(words: str, provenance: Provenance, correlation_id: str) -> Extraction:
    instructions = PROMPT.read_text(encoding="utf-8")
    prompt = Prompt(
        f"{instructions}\nIt was said on {_day(provenance.said_at)}.",
        history=[ChatMessage("user", words)],
        json_schema=_Answer.model_json_schema(),
    )
    answer = _parse(complete(get_chat_model(), prompt, correlation_id=correlation_id))
    candidates = [_candidate(found, words, provenance) for found in answer.memories]
    return Extraction(candidates, answer.forget)


def _parse(text: str) -> _Answer:
    """The JSON object in an answer, which some models fence or preface."""
    start, end = text.find("{"), text.rfind("}")
    try:
        return _Answer.model_validate_json(text[start : end + 1])
    except ValidationError as error:
        raise ProviderError("The model's list of memories cannot be read.", code="nonsense") from error


def _candidate(found: _Found, words: str, provenance: Provenance) -> Candidate:
    return Candidate(
        content=found.content,
        kind=found.kind,
        sector=found.sector,
        importance=found.importance,
        confidence=found.confidence,
        occurred_at=provenance.said_at,
        slot=Slot("person", found.slot) if found.slot in rules.SLOTS else None,
        # A quote that was never said is none.
        quote=found.quote if found.quote in words else words,
        found_by=FoundBy.MODEL,
        found_version=_version(),
        provenance=provenance,
    )


def _day(said_at: datetime | None) -> str:
    return f"{said_at:%A, %d %B %Y}" if said_at else "an unknown day"


@cache
def _version() -> str:
    return f"extract-{hashlib.sha256(PROMPT.read_bytes()).hexdigest()[:12]}"
