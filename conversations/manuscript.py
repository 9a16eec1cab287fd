"""The turns of a conversation as its page shows them, with what stands in their margins."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from conversations.models import Conversation, Message, MessageStatus, Role
from conversations.receipts import Notes, notes_of
from memories.models import MemorySource, PrivacyMode
from memorychat.lib import markdown
from memorychat.lib.crypto import unlock

PAGE_SIZE = 50

TROUBLES = {
    MessageStatus.COMPLETE: "",
    MessageStatus.STOPPED: "Stopped here.",
    MessageStatus.INTERRUPTED: "Cut short: the answer was interrupted.",
}


@dataclass(frozen=True)
class ShownTurn:
    """`changes_mode` asks for a divider before it; `trouble` says why its answer is not whole."""

    id: uuid.UUID
    asked: SafeString
    said: SafeString
    mode: PrivacyMode
    notes: Notes
    changes_mode: bool
    is_being_answered: bool
    trouble: str


@dataclass(frozen=True)
class Manuscript:
    """Some turns, oldest first; `earlier` is the message before which the page before this one ends."""

    turns: Sequence[ShownTurn]
    earlier: uuid.UUID | None


def manuscript_of(conversation: Conversation, *, before: uuid.UUID | None = None) -> Manuscript:
    questions = conversation.messages.filter(role=Role.USER).select_related("answer__receipt").order_by("-pk")
    if before:
        questions = questions.filter(pk__lt=before)
    latest = list(questions[: PAGE_SIZE + 1])
    shown = latest[:PAGE_SIZE][::-1]
    return Manuscript(_turns(conversation, shown), earlier=shown[0].pk if len(latest) > PAGE_SIZE else None)


def address_of(question: Message) -> str:
    """Where a message stands: in the page that holds it, which need not be the latest."""
    conversation = question.conversation
    later = conversation.messages.filter(role=Role.USER, pk__gt=question.pk).order_by("pk")
    after_it = later.values_list("pk", flat=True)[PAGE_SIZE // 2 : PAGE_SIZE // 2 + 1]
    before = "".join(f"?before={message_id}" for message_id in after_it)
    return f"{conversation.get_absolute_url()}{before}#turn-{question.pk}"


def turn_of(question: Message) -> ShownTurn:
    """One turn as it is now; the question comes with its conversation."""
    [turn] = _turns(question.conversation, [question])
    return turn


def _turns(conversation: Conversation, questions: Sequence[Message]) -> list[ShownTurn]:
    answers = [_answer_to(question) for question in questions]
    unlock([*questions, *filter(None, answers)])
    notes = notes_of(questions, conversation.get_absolute_url())
    quotes = _quotes_from(questions)
    modes = [PrivacyMode.NORMAL, *(PrivacyMode(question.mode) for question in questions)]
    return [
        ShownTurn(
            id=question.pk,
            asked=_marked(question.text, _kept(quotes.get(question.pk, []), notes[question.pk])),
            said=_html_of(answer) if answer else SafeString(),
            mode=mode,
            notes=notes[question.pk],
            changes_mode=mode != former,
            is_being_answered=answer is None and question.pk == conversation.answering,
            trouble=_trouble(answer),
        )
        for question, answer, former, mode in zip(questions, answers, modes, modes[1:], strict=False)
    ]


def _quotes_from(questions: Sequence[Message]) -> dict[uuid.UUID | None, list[MemorySource]]:
    """Question → the words of it that memories came from."""
    sources = list(MemorySource.objects.filter(message_id__in=[question.pk for question in questions]))
    unlock(sources)
    found: dict[uuid.UUID | None, list[MemorySource]] = {}
    for source in sources:
        found.setdefault(source.message_id, []).append(source)
    return found


def _kept(sources: Sequence[MemorySource], notes: Notes) -> list[str]:
    """The quotes whose change still stands."""
    standing = {note.memory_id for note in notes.written if not note.undone}
    return [source.quote for source in sources if source.memory_id in standing]


def _marked(text: str, quotes: Sequence[str]) -> SafeString:
    """The words that something was learnt from stand out; where quotes overlap, the first one counts."""
    found = sorted((text.find(quote), len(quote)) for quote in quotes if quote and quote in text)
    parts, end = [], 0
    for start, length in found:
        if start >= end:
            parts += [escape(text[end:start]), format_html("<mark>{}</mark>", text[start : start + length])]
            end = start + length
    return mark_safe("".join([*parts, escape(text[end:])]))  # noqa: S308  # every part is escaped


def _html_of(answer: Message) -> SafeString:
    """A stored answer as safe HTML; numbers of memories that it was given become marks."""
    receipt = getattr(answer, "receipt", None)
    numbers = [row["number"] for row in receipt.recalled] if receipt else []
    return mark_safe(markdown.to_html(answer.text, citations=numbers))  # noqa: S308  # cleaned by nh3


def _answer_to(question: Message) -> Message | None:
    return getattr(question, "answer", None)


def _trouble(answer: Message | None) -> str:
    return TROUBLES[MessageStatus(answer.status)] if answer else "This was not answered."
