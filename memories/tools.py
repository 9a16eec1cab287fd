"""The tools by which a model uses memories, in the chat, by MCP and in calls alike: searching, saving, deleting.

What a tool may do is decided here and by the two gates; what a door does with a statement that is to be kept, and how
it shows what was found, is the door's own (`Occasion`).
"""

import json
import re
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from django.conf import settings
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from memories.access import MemoryAccess
from memories.engine import writing
from memories.engine.limits import Allowance
from memories.engine.recall import QUERY_LIMIT, recall
from memories.engine.rules import understood
from memories.engine.sameness import words_that_matter
from memories.engine.types import CONTENT_LIMIT, Candidate, Hit, Provenance, UnknownMemory
from memories.engine.weighing import ASKS_FIRST, HELD_BACK, LIMIT_REACHED, NOT_CLEAR, NOT_LEARNING, Weighed, screened
from memories.models import FoundBy, Kind, LearningMode, Memory
from memorychat.lib.crypto import unlock
from memorychat.lib.text import TextError, clean
from memorychat.lib.wishes import REMEMBERS
from memorychat.llm.types import ToolCall, ToolSpec

PROMPT = Path(__file__).parent / "prompts" / "tools.txt"
VERSION = "tools-1"

FOUND, OFFERED = 5, 5
# A memory is offered for deletion when it answers the description at least so well.
MAY_BE_MEANT = 0.4
SENTENCES = re.compile(r"(?<=[.!?])\s+|\n+")
# Of the words of a statement that matter, so many must be the person's own.
OWN_WORDS = 0.5


class Action(StrEnum):
    """What became of a call."""

    FOUND = "found"
    QUEUED = "queued"
    CONFIRM_NEEDED = "confirm_needed"
    DISCARDED = "discarded"
    RATE_LIMITED = "rate_limited"
    NOT_ALLOWED = "not_allowed"
    CANDIDATES = "candidates"
    DELETED = "deleted"
    NOTHING_FOUND = "nothing_found"
    BAD_CALL = "bad_call"


@dataclass(frozen=True)
class Answer:
    """What a tool answers. `hits` are memories that it found, for the door to show in its way."""

    action: Action
    message: str
    hits: tuple[Hit, ...] = ()
    memory_ids: tuple[uuid.UUID, ...] = ()


@dataclass(frozen=True)
class Occasion:
    """On whose behalf and at what a tool is called.

    `said` are the person's own words, on which what is saved must rest: None where a program answers for them. `keep`
    takes what is to be weighed by the write gate, and does not lose it; `kept` says how much it holds already.
    `offered` are the memories that were offered for deletion before the person spoke last: no others are deleted.
    """

    access: MemoryAccess
    keep: Callable[[Candidate], None]
    provenance: Provenance = field(default_factory=Provenance)
    said: Sequence[str] | None = None
    offered: Collection[uuid.UUID] = ()
    kept: Callable[[], int] = lambda: 0


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="ignore")


class SearchMemories(_Arguments):
    """Search what is remembered of the person."""

    query: str = Field(description="What to look for, in a few words or a question.", max_length=QUERY_LIMIT)


def _as_tenths(value: object) -> object:
    """An importance between 0 and 1 that is no integer is read as tenths."""
    return max(1, round(value * 10)) if isinstance(value, float) and 0 < value < 1 else value


class SaveMemory(_Arguments):
    """Remember one statement of the person about themselves or somebody in their life."""

    content: str = Field(description="One short sentence in the person's own first person.", max_length=CONTENT_LIMIT)
    kind: Literal["fact", "preference", "decision", "note"] = "fact"
    confidence: float = Field(0.8, ge=0, le=1, description="How sure it is that they meant it so.")
    importance: Annotated[int, BeforeValidator(_as_tenths)] = Field(5, ge=1, le=10)


class DeleteMemory(_Arguments):
    """Forget what the person asks to be forgotten: first find what they may mean, then delete what they confirmed."""

    description: str = Field("", description="What is to be forgotten.", max_length=QUERY_LIMIT)
    confirm: bool = Field(False, description="True only after the person has confirmed these very memories.")
    memory_ids: list[uuid.UUID] = Field(default_factory=list, max_length=50)
    reason: str = Field("", max_length=200)


def search_memories(asked: SearchMemories, occasion: Occasion) -> Answer:
    if not occasion.access.mode.reads:
        return Answer(Action.NOT_ALLOWED, "No memories are read in this privacy mode.")
    hits = recall(occasion.access, asked.query, limit=FOUND).hits
    if not hits:
        return Answer(Action.NOTHING_FOUND, "Nothing is remembered of that.")
    return Answer(Action.FOUND, f"{len(hits)} memories, the best first.", hits, tuple(hit.memory_id for hit in hits))


def save_memory(asked: SaveMemory, occasion: Occasion) -> Answer:
    """Says at once what will become of it; the write gate, which comes later, has the last word."""
    if refusal := next(_refusals(asked, occasion), None):
        return refusal
    screening = screened(occasion.access, _candidate(asked, occasion))
    if not isinstance(screening, Weighed):
        return Answer(Action.NOT_ALLOWED, screening.reason)
    if screening.is_held_back:
        return Answer(Action.NOT_ALLOWED, HELD_BACK)
    answer = _what_will_be(occasion, screening.candidate)
    occasion.keep(screening.candidate)
    return answer


def _refusals(asked: SaveMemory, occasion: Occasion) -> Iterator[Answer]:
    access = occasion.access
    if not access.mode.writes:
        yield Answer(Action.NOT_ALLOWED, "Nothing is remembered in this privacy mode.")
    if access.profile.learning == LearningMode.NEVER:
        yield Answer(Action.NOT_ALLOWED, NOT_LEARNING)
    if asked.confidence < settings.MEMORY_CONFIDENCE_ASK:
        yield Answer(Action.DISCARDED, NOT_CLEAR)
    if occasion.said is not None and not _rests_on(asked.content, occasion.said):
        yield Answer(Action.DISCARDED, "These are not the person's own words.")


def _what_will_be(occasion: Occasion, candidate: Candidate) -> Answer:
    access = occasion.access
    if not Allowance.peek(access, candidate, waiting=occasion.kept()):
        return Answer(Action.RATE_LIMITED, f"{LIMIT_REACHED} It waits for the person.")
    if access.profile.learning == LearningMode.ASK:
        return Answer(Action.CONFIRM_NEEDED, f"{ASKS_FIRST} They are being asked.")
    if candidate.confidence < settings.MEMORY_CONFIDENCE_AUTO:
        return Answer(Action.CONFIRM_NEEDED, "The person is being asked whether to keep it.")
    return Answer(Action.QUEUED, f"It will be remembered. {candidate.reason}".strip())


def delete_memory(asked: DeleteMemory, occasion: Occasion) -> Answer:
    access = occasion.access
    if not access.mode.writes:
        return Answer(Action.NOT_ALLOWED, "Nothing is forgotten in this privacy mode.")
    if asked.confirm:
        return _delete_confirmed(asked, occasion)
    description = asked.description.strip()
    hits = recall(access, description, limit=OFFERED, threshold=MAY_BE_MEANT).hits if description else ()
    if not hits:
        return Answer(Action.NOTHING_FOUND, "Nothing is remembered of that.")
    ids = tuple(hit.memory_id for hit in hits)
    return Answer(Action.CANDIDATES, "Ask the person which of these they mean, before anything is deleted.", hits, ids)


def _delete_confirmed(asked: DeleteMemory, occasion: Occasion) -> Answer:
    """Exactly those that were offered before the person spoke last; a foreign id and a missing one are the same."""
    deleted = []
    for memory_id in dict.fromkeys(asked.memory_ids):
        if memory_id not in occasion.offered:
            continue
        try:
            writing.forget(
                occasion.access,
                memory_id,
                reason=asked.reason or "Asked for in the chat.",
                message_id=occasion.provenance.message_id,
            )
        except UnknownMemory:
            continue
        deleted.append(memory_id)
    if not deleted:
        message = "None of these was offered to the person and confirmed by them. Call it with a description first."
        return Answer(Action.NOTHING_FOUND, message)
    return Answer(Action.DELETED, f"{len(deleted)} forgotten.", memory_ids=tuple(deleted))


@dataclass(frozen=True)
class Tool:
    arguments: type[_Arguments]
    run: Callable[[Any, Occasion], Answer]


TOOLS: dict[str, Tool] = {
    "search_memories": Tool(SearchMemories, search_memories),
    "save_memory": Tool(SaveMemory, save_memory),
    "delete_memory": Tool(DeleteMemory, delete_memory),
}


def offered_to(access: MemoryAccess) -> list[ToolSpec]:
    """Only what the privacy mode and the profile allow: none in incognito, no saving where nothing is learnt."""
    names = ["search_memories"] if access.mode.reads else []
    if access.mode.writes:
        names += ["save_memory"] if access.profile.learning != LearningMode.NEVER else []
        names += ["delete_memory"]
    return [_spec(name) for name in names]


@cache
def _spec(name: str) -> ToolSpec:
    """As a model is told of it; a schema takes as long to make as some statements of the database."""
    schema = TOOLS[name].arguments.model_json_schema()
    return ToolSpec(name, str(schema.pop("description")), schema)


def instructions(names: Collection[str]) -> str:
    """How to use the tools of these names: what the file says of each of them, and of all."""
    paragraphs = PROMPT.read_text(encoding="utf-8").strip().split("\n\n")
    told = [words for words in paragraphs if (name := words.split(":")[0]) not in TOOLS or name in names]
    return "\n\n".join(told) if names else ""


def call(called: ToolCall, occasion: Occasion) -> Answer:
    """Whatever a model calls, known or not, right or wrong: it always gets an answer."""
    tool = TOOLS.get(called.name)
    if tool is None:
        return Answer(Action.BAD_CALL, f"There is no such tool. There are: {', '.join(TOOLS)}.")
    given = called.given()
    if given is None:
        return Answer(Action.BAD_CALL, "The arguments are no JSON object.")
    try:
        return tool.run(tool.arguments.model_validate(given), occasion)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        return Answer(Action.BAD_CALL, f"The arguments are not right. {wrong}")
    except TextError as error:
        return Answer(Action.BAD_CALL, str(error))


def as_json(answer: Answer, lines: Sequence[str] = ()) -> str:
    """The answer as a model reads it; `lines` tell the memories in the way of the door."""
    told: dict[str, object] = {"action": answer.action, "message": answer.message}
    if lines:
        told["memories"] = list(lines)
    if answer.action is Action.CANDIDATES:
        told["memory_ids"] = [str(memory_id) for memory_id in answer.memory_ids]
    return json.dumps(told, ensure_ascii=False)


def words_of(answer: Answer) -> dict[uuid.UUID, Memory]:
    """The memories that a tool found, with their words at hand."""
    rows = list(Memory.objects.filter(pk__in=answer.memory_ids).select_related("profile"))
    unlock(rows)
    return {row.pk: row for row in rows}


def _candidate(asked: SaveMemory, occasion: Occasion) -> Candidate:
    content = clean(asked.content, limit=CONTENT_LIMIT, name="memory")
    said = occasion.said or ()
    candidate = Candidate(
        content=content,
        kind=Kind(asked.kind),
        importance=asked.importance,
        confidence=asked.confidence,
        quote=_sentence_behind(content, said),
        asked_for=any(REMEMBERS.search(words) for words in said),
        found_by=FoundBy.MODEL,
        found_version=VERSION,
        provenance=occasion.provenance,
    )
    return understood(candidate)


def _sentence_behind(content: str, said: Sequence[str]) -> str:
    """The sentence of the person that has most of the words; none where none has any."""
    claimed = set(words_that_matter(content))
    sentences = [sentence.strip() for words in said for sentence in SENTENCES.split(words) if sentence.strip()]
    best = max(sentences, key=lambda sentence: len(claimed & set(words_that_matter(sentence))), default="")
    return best if claimed & set(words_that_matter(best)) else ""


def _rests_on(content: str, said: Sequence[str]) -> bool:
    """Whether enough of the words that matter are the person's own: neither a memory nor the assistant is evidence."""
    claimed = set(words_that_matter(content))
    own = {word for words in said for word in words_that_matter(words)}
    return not claimed or len(claimed & own) >= OWN_WORDS * len(claimed)
