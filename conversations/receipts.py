"""The receipt of an answer: what was recalled and given, who saw it, what was written; and the notes that tell it."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from conversations.models import Message, Receipt
from memories.engine.types import Hit, Outcome, Recall
from memories.engine.undoing import undone_among
from memories.models import Action, Memory, MemoryEvent
from memorychat.lib import markdown
from memorychat.lib.crypto import unlock
from memorychat.llm.types import Finished

PART_NAMES = ("relevance", "salience", "recency", "links")


@dataclass
class Draft:
    """A receipt while its answer is being written. `given` are the hits that the model was given, numbered from 1."""

    mode: str
    provider: str
    model: str
    recall: Recall
    given: Sequence[Hit] = ()
    finished: Finished = field(default_factory=lambda: Finished(""))
    first_piece_ms: float = 0.0
    took_ms: float = 0.0

    def frame(self, answer: str) -> dict[str, Any]:
        """Ids and numbers for the page; nothing of it is stored for an incognito turn."""
        return {
            "mode": self.mode,
            "recalled": _recalled(self.given, answer),
            "read": len(self.given),
            "written": 0,
            "provider": self.provider,
            "model": self.model,
            "input_tokens": self.finished.input_tokens,
            "output_tokens": self.finished.output_tokens,
            "degraded": list(self.recall.degraded),
            "took_ms": round(self.took_ms, 1),
        }


def _recalled(given: Sequence[Hit], answer: str) -> list[dict[str, Any]]:
    cited = markdown.cited(answer)
    return [
        {
            "memory_id": str(hit.memory_id),
            "number": number,
            "score": round(hit.score, 4),
            "parts": {name: round(value, 4) for name, value in asdict(hit.parts).items()},
            "cited": number in cited,
        }
        for number, hit in enumerate(given, start=1)
    ]


def keep(message: Message, draft: Draft, answer: str) -> Receipt:
    return Receipt.objects.create(
        message=message,
        recalled=_recalled(draft.given, answer),
        degraded=list(draft.recall.degraded),
        provider=draft.provider,
        model=draft.model,
        input_tokens=draft.finished.input_tokens,
        output_tokens=draft.finished.output_tokens,
        recall_ms=draft.recall.took_ms,
        first_piece_ms=draft.first_piece_ms,
        took_ms=draft.took_ms,
    )


# What the margin says of a new memory that does not simply stand.
WORDS: dict[str, str] = {
    Outcome.PENDING: "Waits for you",
    Outcome.RATE_LIMITED: "Waits for you",
    Outcome.QUARANTINED: "Held back",
    Outcome.CONFLICT: "Contradicts another",
}


@dataclass(frozen=True)
class WrittenNote:
    """A change that a message brought about. `before` are the words that it struck through, `reason` says why."""

    key: uuid.UUID
    word: str
    content: str
    before: str
    reason: str
    at: datetime
    memory_id: uuid.UUID
    change_id: uuid.UUID
    undone: bool


@dataclass(frozen=True)
class ScoreBar:
    """A score drawn as a bar of 100 units, each part where the one before it ends."""

    label: str
    parts: list[dict[str, Any]]


@dataclass(frozen=True)
class KnewNote:
    """A memory that an answer was given."""

    anchor: str
    number: int
    content: str
    at: datetime
    memory_id: uuid.UUID
    score: ScoreBar


@dataclass(frozen=True)
class Notes:
    """The margin of one turn."""

    page: str
    written: list[WrittenNote]
    knew: list[KnewNote]
    at_hand: list[KnewNote]
    remark: str = ""


def notes_of(questions: Sequence[Message], page: str) -> dict[uuid.UUID, Notes]:
    """Question → its margin, for all turns of a page with three queries in all."""
    answers = {
        message.answers_id: message
        for message in Message.objects.filter(answers__in=[question.pk for question in questions]).select_related(
            "receipt"
        )
    }
    written = _written_by([question.pk for question in questions])
    memories = _memories(answers.values())
    return {
        question.pk: _notes(question, answers.get(question.pk), written.get(question.pk, []), memories, page)
        for question in questions
    }


def _notes(
    question: Message,
    answer: Message | None,
    written: list[WrittenNote],
    memories: dict[str, Memory],
    page: str,
) -> Notes:
    rows = _receipt_rows(answer)
    notes = [(row, _knew(question, row, memories[row["memory_id"]])) for row in rows if row["memory_id"] in memories]
    return Notes(
        page=page,
        written=written,
        knew=[note for row, note in notes if row["cited"]],
        at_hand=[note for row, note in notes if not row["cited"]],
    )


def _receipt_rows(answer: Message | None) -> list[dict[str, Any]]:
    receipt = getattr(answer, "receipt", None)
    return receipt.recalled if receipt else []


def _memories(answers: Iterable[Message]) -> dict[str, Memory]:
    ids = {row["memory_id"] for answer in answers for row in _receipt_rows(answer)}
    rows = list(Memory.objects.filter(pk__in=ids).select_related("profile")) if ids else []
    unlock(rows)
    return {str(row.pk): row for row in rows}


def _knew(question: Message, row: dict[str, Any], memory: Memory) -> KnewNote:
    return KnewNote(
        anchor=f"knew-{question.pk}-{row['number']}",
        number=row["number"],
        content=memory.content,
        at=memory.occurred_at,
        memory_id=memory.pk,
        score=_bar(row["parts"]),
    )


def _bar(parts: dict[str, float]) -> ScoreBar:
    drawn, start = [], 0.0
    for name in PART_NAMES:
        width = round(parts[name] * 100, 1)
        drawn.append({"name": name, "start": round(start, 1), "width": width})
        start += width
    return ScoreBar(", ".join(f"{part['name']} {part['width']:.0f}" for part in drawn), drawn)


def _written_by(question_ids: list[uuid.UUID]) -> dict[uuid.UUID, list[WrittenNote]]:
    """What each message changed, one note a change; what was superseded stands struck out in the note of the new."""
    events = list(
        MemoryEvent.objects.filter(message_id__in=question_ids)
        .select_related("memory__profile", "profile")
        .order_by("number")
    )
    if not events:
        return {}
    changes = {event.change_id for event in events}
    undone = undone_among(changes)
    unlock([*events, *(event.memory for event in events)])
    superseded = {event.change_id: event.memory.content for event in events if event.action == Action.SUPERSEDED}
    notes: dict[uuid.UUID, list[WrittenNote]] = {}
    for event in events:
        if event.action == Action.SUPERSEDED or event.message_id is None:
            continue
        notes.setdefault(event.message_id, []).append(_written(event, superseded.get(event.change_id, ""), undone))
    return notes


def _written(event: MemoryEvent, before: str, undone: set[uuid.UUID]) -> WrittenNote:
    return WrittenNote(
        key=event.pk,
        word="Changed" if before else WORDS.get(event.outcome) or str(Action(event.action).label),
        content=(event.after or {}).get("content") or event.memory.content,
        before=before,
        reason=event.reason,
        at=event.created_at,
        memory_id=event.memory_id,
        change_id=event.change_id,
        undone=event.change_id in undone,
    )
