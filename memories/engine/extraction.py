"""Candidates in what a person said: by the language model when one is connected, by the built-in rules when none is.

Only a person's own words are evidence; what others said in between is shown to the model as such. When the model fails,
the failure is raised and the job tries again later: the rules never stand in for it, for a guess that was written is
hard to take back.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import structlog
from pydantic import AfterValidator, BaseModel, Field

from memories.engine import dates, rules
from memories.engine.rules import Finding
from memories.engine.transcripts import Turn, chunks
from memories.engine.types import CONTENT_LIMIT, Candidate, Provenance, Slot
from memories.models import FoundBy, Kind, MemoryProfile, Sector
from memorychat.lib.text import clean, normalise
from memorychat.lib.wishes import FORGETS, REMEMBERS
from memorychat.llm.providers import has_language_model
from memorychat.llm.structured import answer_as
from memorychat.llm.types import ChatMessage, Prompt

__all__ = ["Extraction", "Turn", "extract", "extract_turns"]

log = structlog.get_logger(__name__)

PROMPTS = Path(__file__).parent.parent / "prompts"
PROMPT, PROMPT_OF_TURNS = PROMPTS / "extract.txt", PROMPTS / "extract_turns.txt"
MOST_CANDIDATES = 100  # of one answer; what a model lists beyond is left out and counted
LONGEST_SUBJECT = 80
PERSON = "person"
UNSURE_OF_SECTOR = "The sector was not clear, so it is kept as semantic."
NO_SUCH_TIME = "Its date was not plausible and is left out."


@dataclass(frozen=True)
class Extraction:
    """What was found: candidates, and what the person asks to be forgotten, in their words."""

    candidates: list[Candidate]
    forgets: list[str]


class _Found(BaseModel):
    content: Annotated[str, AfterValidator(partial(clean, limit=CONTENT_LIMIT, name="memory"))]
    kind: Kind = Kind.FACT
    # Free, for a sector that is none is no reason to lose the statement.
    sector: str | None = None
    importance: int = Field(5, ge=1, le=10)
    confidence: float = Field(0.6, ge=0, le=1, allow_inf_nan=False)
    when: str | None = None
    subject: str | None = PERSON
    slot: str | None = None
    asked_for: bool = False
    quote: str = ""
    turn: int | None = None


class _Answer(BaseModel):
    memories: list[_Found] = Field(default_factory=list)
    forget: list[Annotated[str, AfterValidator(partial(clean, limit=CONTENT_LIMIT, name="wish"))]] = Field(
        default_factory=list
    )


def extract(words: str, provenance: Provenance, *, profile: MemoryProfile, correlation_id: str) -> Extraction:
    """From one turn of the person. Raises ProviderError when the model does not answer, or answers nonsense twice."""
    return extract_turns([Turn(words, provenance)], profile=profile, correlation_id=correlation_id)


def extract_turns(turns: Sequence[Turn], *, profile: MemoryProfile, correlation_id: str) -> Extraction:
    """From a conversation or a call, in its order; long ones in overlapping chunks, joined without repeats.

    `profile` says which models may see the words and in which time zone the person counts days.
    """
    turns = [turn for turn in turns if turn.words.strip()]
    if not any(turn.is_persons for turn in turns):
        return Extraction([], [])
    zone = dates.zone_of(profile.owner.time_zone)
    if not has_language_model(profile):
        return _joined(_by_rules(turn, zone) for turn in turns if turn.is_persons)
    return _joined(_by_model(chunk, zone, profile, correlation_id) for chunk in chunks(turns))


def _joined(parts: Iterator[Extraction]) -> Extraction:
    candidates: dict[str, Candidate] = {}
    forgets: dict[str, None] = {}
    for part in parts:
        for candidate in part.candidates:
            candidates.setdefault(normalise(candidate.content), candidate)
        forgets |= dict.fromkeys(part.forgets)
    return Extraction(list(candidates.values()), list(forgets))


def _by_rules(turn: Turn, zone: ZoneInfo) -> Extraction:
    candidates = [_found_by_rules(finding, turn.provenance, zone) for finding in rules.find(turn.words)]
    return Extraction(candidates, rules.find_forgets(turn.words))


def _found_by_rules(finding: Finding, provenance: Provenance, zone: ZoneInfo) -> Candidate:
    at = rules.event_time(finding, provenance.said_at, zone)
    happened = at is not None and finding.tells_what_happened
    return Candidate(
        content=finding.content,
        kind=finding.kind,
        sector=Sector.EPISODIC if happened else finding.sector,
        importance=finding.importance,
        confidence=finding.confidence,
        occurred_at=at or provenance.said_at,
        slot=finding.slot,
        ends=finding.ends,
        quote=finding.quote,
        asked_for=finding.asked_for,
        found_by=FoundBy.RULES,
        found_version=rules.VERSION,
        provenance=provenance,
    )


def _by_model(turns: Sequence[Turn], zone: ZoneInfo, profile: MemoryProfile, correlation_id: str) -> Extraction:
    answer = answer_as(_Answer, profile, _prompt(turns, zone), correlation_id=correlation_id)
    if (left_out := len(answer.memories) - MOST_CANDIDATES) > 0:
        log.warning("candidates_left_out", count=left_out, correlation_id=correlation_id)
    candidates = [_found_by_model(found, turns, zone) for found in answer.memories[:MOST_CANDIDATES]]
    kept = [candidate for candidate in candidates if candidate]
    if unfounded := len(candidates) - len(kept):
        log.warning("candidates_without_evidence", count=unfounded, correlation_id=correlation_id)
    return Extraction(kept, answer.forget[: rules.MOST_FINDINGS] if _asks_to_forget(turns) else [])


def _asks_to_forget(turns: Sequence[Turn]) -> bool:
    """A model alone withdraws nothing: the person's own words must hold a wish."""
    return any(FORGETS.search(turn.words) for turn in turns if turn.is_persons)


def _prompt(turns: Sequence[Turn], zone: ZoneInfo) -> Prompt:
    instructions = PROMPT.read_text(encoding="utf-8")
    if len(turns) == 1:
        said = f"{instructions}\nIt was said on {_day(turns[0].provenance.said_at, zone)}."
        return Prompt(said, history=[ChatMessage("user", turns[0].words)])
    lines = [_line(number, turn, zone) for number, turn in enumerate(turns, start=1)]
    instructions += PROMPT_OF_TURNS.read_text(encoding="utf-8")
    return Prompt(instructions, history=[ChatMessage("user", "\n".join(lines))])


def _line(number: int, turn: Turn, zone: ZoneInfo) -> str:
    told = {
        "turn": number,
        "speaker": PERSON if turn.is_persons else "other",
        "said_on": _day(turn.provenance.said_at, zone),
        "words": turn.words,
    }
    return json.dumps(told, ensure_ascii=False)


def _found_by_model(found: _Found, turns: Sequence[Turn], zone: ZoneInfo) -> Candidate | None:
    """None where the quoted words are no words of the person."""
    turn = _evidence(found, turns)
    if turn is None:
        return None
    sector, unsure = _sector(found.sector)
    at, impossible = _when(found.when, turn.provenance.said_at, zone)
    return Candidate(
        content=found.content,
        kind=found.kind,
        sector=sector,
        importance=found.importance,
        confidence=found.confidence,
        occurred_at=at,
        slot=_slot(found),
        quote=found.quote if found.quote and found.quote in turn.words else turn.words,
        asked_for=found.asked_for and REMEMBERS.search(turn.words) is not None,
        reason=" ".join(filter(None, (unsure, impossible))),
        found_by=FoundBy.MODEL,
        found_version=_version(),
        provenance=turn.provenance,
    )


def _evidence(found: _Found, turns: Sequence[Turn]) -> Turn | None:
    """The person's turn in which the quoted words were said; the one that the model names, where they stand in it."""
    quote = normalise(found.quote)
    if not quote:
        return turns[0] if len(turns) == 1 else None
    named = [turns[found.turn - 1]] if found.turn and 1 <= found.turn <= len(turns) else []
    spoken = (turn for turn in (*named, *turns) if turn.is_persons)
    return next((turn for turn in spoken if f" {quote} " in f" {normalise(turn.words)} "), None)


def _sector(named: str | None) -> tuple[Sector, str]:
    try:
        return Sector((named or "").strip().lower()), ""
    except ValueError:
        return Sector.SEMANTIC, UNSURE_OF_SECTOR


def _when(named: str | None, said_at: datetime | None, zone: ZoneInfo) -> tuple[datetime | None, str]:
    at = dates.read(named, said_at, zone) if named else None
    return at or said_at, NO_SUCH_TIME if named and at is None else ""


def _slot(found: _Found) -> Slot | None:
    if found.slot not in rules.SLOTS:
        return None
    # A model that leaves the subject out must not make the sister's job the person's.
    subject = normalise(found.subject or PERSON)[:LONGEST_SUBJECT] or PERSON
    known = rules.slot_of(found.content) if subject == PERSON else None
    return known if known and known.attribute == found.slot else Slot(subject, found.slot)


def _day(said_at: datetime | None, zone: ZoneInfo) -> str:
    return f"{said_at.astimezone(zone):%A, %d %B %Y}" if said_at else "an unknown day"


@cache
def _version() -> str:
    digest = hashlib.sha256(PROMPT.read_bytes() + PROMPT_OF_TURNS.read_bytes())
    return f"extract-{digest.hexdigest()[:12]}"
