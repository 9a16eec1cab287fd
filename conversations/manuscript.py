"""The turns of a conversation as its page shows them, with what stands in their margins."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString, mark_safe

from conversations.models import Conversation, Message, MessageStatus, Role
from conversations.receipts import Notes, notes_of
from memories.models import PrivacyMode
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
    asked: str
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
    answers = [_answer_to(question) for question in shown]
    unlock([*shown, *filter(None, answers)])
    notes = notes_of(shown, conversation.get_absolute_url())
    modes = [PrivacyMode.NORMAL, *(PrivacyMode(question.mode) for question in shown)]
    turns = [
        ShownTurn(
            id=question.pk,
            asked=question.text,
            said=_html_of(answer) if answer else mark_safe(""),
            mode=mode,
            notes=notes[question.pk],
            changes_mode=mode != former,
            is_being_answered=answer is None and question.pk == conversation.answering,
            trouble=_trouble(answer),
        )
        for question, answer, former, mode in zip(shown, answers, modes, modes[1:], strict=False)
    ]
    return Manuscript(turns, earlier=shown[0].pk if len(latest) > PAGE_SIZE else None)


def _html_of(answer: Message) -> SafeString:
    """A stored answer as safe HTML; numbers of memories that it was given become marks."""
    receipt = getattr(answer, "receipt", None)
    numbers = [row["number"] for row in receipt.recalled] if receipt else []
    return mark_safe(markdown.to_html(answer.text, citations=numbers))  # noqa: S308  # cleaned by nh3


def _answer_to(question: Message) -> Message | None:
    return getattr(question, "answer", None)


def _trouble(answer: Message | None) -> str:
    return TROUBLES[MessageStatus(answer.status)] if answer else "This was not answered."
