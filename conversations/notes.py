"""What stands in the margin of a turn: what its message changed, and what its answer knew, in the words of then."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from conversations.models import Message
from memories.engine.history import newest_events, words_since_changed
from memories.engine.types import Outcome
from memories.engine.undoing import undone_among
from memories.models import Action, Memory, MemoryEvent, MemorySource, Origin, Status
from memorychat.lib.crypto import unlock

PART_NAMES = ("relevance", "salience", "recency", "links")
UNDO_DAYS = 30

# What the margin says of a new memory that does not simply stand.
WORDS: dict[str, str] = {
    Outcome.QUARANTINED: "Held back",
    Outcome.CONFLICT: "Contradicts another",
}
# And of one that waited for its owner, by what became of it.
WAITED = (Outcome.PENDING, Outcome.RATE_LIMITED)
DECIDED: dict[str, str] = {Status.PENDING: "Keep this?", Status.FORGOTTEN: "Discarded"}

# And of one that an answer knew, and that does not stand any more.
SINCE: dict[str, str] = {
    Status.FORGOTTEN: "Forgotten since.",
    Status.SUPERSEDED: "Replaced by a newer one since.",
    Status.ARCHIVED: "Archived since.",
    Status.HIDDEN: "Held back since.",
    Status.QUARANTINED: "Held back since.",
}


@dataclass(frozen=True)
class WrittenNote:
    """A change that a message brought about. `before` are the words that it struck through, `reason` says why.

    `is_pending` waits for its owner; `since` says what became of a new memory later. After the latest change of a
    memory nothing was built on it, so that it can be undone alone.
    """

    key: uuid.UUID
    word: str
    content: str
    before: str
    reason: str
    at: datetime
    memory_id: uuid.UUID
    change_id: uuid.UUID
    undone: bool
    action: str
    door: str
    is_pending: bool
    is_latest: bool
    since: str

    @property
    def can_undo(self) -> bool:
        return not (self.undone or self.is_pending) and self.at > timezone.now() - timedelta(days=UNDO_DAYS)

    @property
    def came_from_message(self) -> bool:
        """It stands, and was not done by hand in the margin."""
        return not self.undone and self.door != Origin.MANUAL


@dataclass(frozen=True)
class ScoreBar:
    """A score drawn as a bar of 100 units, each part where the one before it ends."""

    label: str
    parts: list[dict[str, Any]]


@dataclass(frozen=True)
class KnewNote:
    """A memory that an answer was given, in the words that it had then; `since` says what became of it, if anything.

    `source_id` is the message in which it was said. `stands` says that it is used still, `is_lowered` that its owner
    found it beside the point here.
    """

    anchor: str
    number: int
    content: str
    at: datetime
    memory_id: uuid.UUID
    score: ScoreBar
    since: str
    source_id: uuid.UUID | None
    question_id: uuid.UUID
    answer_id: uuid.UUID
    stands: bool
    is_lowered: bool
    by_tool: bool


@dataclass(frozen=True)
class Offer:
    """A memory that may be what the person wants forgotten."""

    id: uuid.UUID
    content: str


@dataclass(frozen=True)
class Notes:
    """The margin of one turn."""

    written: list[WrittenNote]
    knew: list[KnewNote]
    at_hand: list[KnewNote]
    offered: Sequence[Offer] = ()

    @property
    def came_from_message(self) -> list[uuid.UUID]:
        """The changes that may be taken back with the message that brought them."""
        return list(dict.fromkeys(note.change_id for note in self.written if note.came_from_message))


def notes_of(
    turns: Sequence[tuple[Message, Message | None]], *, latest: uuid.UUID | None = None
) -> dict[uuid.UUID, Notes]:
    """Question → its margin, for all turns of a page, each a question with the answer that is shown.

    What was offered to be forgotten is asked for in the `latest` turn alone.
    """
    written = _written_by([question.pk for question, _ in turns])
    known = _known([answer for _, answer in turns if answer])
    return {
        question.pk: Notes(
            written=written.get(question.pk, []),
            offered=offered_in(question) if question.pk == latest else (),
            **_knew_all(question, answer, written.get(question.pk, []), known),
        )
        for question, answer in turns
    }


def knew_of(question: Message, answer: Message) -> list[KnewNote]:
    """All memories that one answer was given, in the order in which it was given them."""
    known = _known([answer])
    return [_knew(question, answer, row, known, set()) for row in _receipt_rows(answer) if _is_known(row, known)]


def offered_in(question: Message) -> list[Offer]:
    """Those that are not forgotten yet."""
    if not question.offered:
        return []
    memories = list(
        Memory.objects.for_user(question.owner).active().filter(pk__in=question.offered).select_related("profile")
    )
    unlock(memories)
    found = {str(memory.pk): Offer(memory.pk, memory.content) for memory in memories}
    return [found[memory_id] for memory_id in question.offered if memory_id in found]


@dataclass(frozen=True)
class _Known:
    """What the receipts of a page speak of: memories as they are, words that were others, where they were said."""

    memories: dict[str, Memory]
    former: dict[tuple[uuid.UUID, int], str]
    sources: dict[uuid.UUID, tuple[uuid.UUID, datetime]]


def _knew_all(
    question: Message, answer: Message | None, written: list[WrittenNote], known: _Known
) -> dict[str, list[KnewNote]]:
    lowered = {note.memory_id for note in written if note.action == Action.ADJUSTED and not note.undone}
    rows = [row for row in _receipt_rows(answer) if _is_known(row, known)]
    notes = [(row["cited"], _knew(question, answer, row, known, lowered)) for row in rows if answer]
    return {
        "knew": [note for is_cited, note in notes if is_cited],
        "at_hand": [note for is_cited, note in notes if not is_cited],
    }


def _is_known(row: dict[str, Any], known: _Known) -> bool:
    """What was erased is not."""
    return row["memory_id"] in known.memories


def _receipt_rows(answer: Message | None) -> list[dict[str, Any]]:
    receipt = getattr(answer, "receipt", None)
    return receipt.recalled if receipt else []


def _known(answers: Iterable[Message]) -> _Known:
    rows = [row for answer in answers for row in _receipt_rows(answer)]
    ids = {uuid.UUID(row["memory_id"]) for row in rows}
    if not ids:
        return _Known({}, {}, {})
    memories = list(Memory.objects.filter(pk__in=ids).select_related("profile"))
    unlock(memories)
    return _Known(
        {str(memory.pk): memory for memory in memories},
        words_since_changed({(uuid.UUID(row["memory_id"]), row["event"]) for row in rows if "event" in row}),
        _said_in(ids),
    )


def _said_in(memory_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, tuple[uuid.UUID, datetime]]:
    """Memory → the first message in which it was said that is there still, and when that was."""
    sources = MemorySource.objects.filter(memory__in=memory_ids, message_id__isnull=False).order_by("-said_at")
    said = list(sources.values_list("memory_id", "message_id", "said_at"))
    there = set(Message.objects.filter(pk__in=[row[1] for row in said]).values_list("pk", flat=True)) if said else set()
    return {memory_id: (message_id, at) for memory_id, message_id, at in said if message_id in there}


def _knew(question: Message, answer: Message, row: dict[str, Any], known: _Known, lowered: set[uuid.UUID]) -> KnewNote:
    memory = known.memories[row["memory_id"]]
    former = known.former.get((memory.pk, row.get("event", 0)))
    source_id, said_at = known.sources.get(memory.pk, (None, memory.occurred_at))
    return KnewNote(
        anchor=f"knew-{question.pk}-{row['number']}",
        number=row["number"],
        content=memory.content if former is None else former,
        at=said_at,
        memory_id=memory.pk,
        score=_bar(row["parts"]),
        since=SINCE.get(memory.status, "" if former is None else "Corrected since."),
        source_id=source_id,
        question_id=question.pk,
        answer_id=answer.pk,
        stands=memory.status == Status.ACTIVE,
        is_lowered=memory.pk in lowered,
        by_tool=row.get("by_tool", False),
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
    newest = newest_events({event.memory_id for event in events})
    notes: dict[uuid.UUID, list[WrittenNote]] = {}
    for event in events:
        if event.action == Action.SUPERSEDED or event.message_id is None:
            continue
        note = _written(
            event,
            before=superseded.get(event.change_id, ""),
            undone=event.change_id in undone,
            is_latest=newest[event.memory_id] == event.number,
        )
        notes.setdefault(event.message_id, []).append(note)
    return notes


def _written(event: MemoryEvent, *, before: str, undone: bool, is_latest: bool) -> WrittenNote:
    return WrittenNote(
        key=event.pk,
        word="Changed" if before else _word(event),
        content=(event.after or {}).get("content") or event.memory.content,
        before=before,
        reason=event.reason,
        at=event.created_at,
        memory_id=event.memory_id,
        change_id=event.change_id,
        undone=undone,
        action=event.action,
        door=event.door,
        is_pending=event.memory.status == Status.PENDING,
        is_latest=is_latest,
        since="" if undone else _since(event),
    )


def _word(event: MemoryEvent) -> str:
    if event.outcome in WAITED:
        return DECIDED.get(event.memory.status, "Kept")
    if event.action == Action.ADJUSTED:
        return "Counts less"
    return WORDS.get(event.outcome) or str(Action(event.action).label)


def _since(event: MemoryEvent) -> str:
    """What became of a memory that a message brought; one that waited says so by its word."""
    if event.action != Action.CREATED or event.outcome in (*WAITED, Outcome.QUARANTINED):
        return ""
    return SINCE.get(event.memory.status, "")
