"""The turns of a conversation as its page shows them, with what stands in their margins."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from conversations import colophon, rendering
from conversations.branches import Place, Tree, answer_in
from conversations.models import Conversation, Message, MessageStatus, Role
from conversations.notes import Notes, notes_of
from memories.models import MemorySource, PrivacyMode
from memorychat.lib.crypto import unlock

PAGE_SIZE = 50

# Why a model ended that did not end by itself.
CUT = {
    "length": "Cut here: the answer has reached the length that is allowed.",
    "other": "Cut here by the model's provider.",
}

TROUBLES = {
    MessageStatus.COMPLETE: "",
    MessageStatus.STOPPED: "Stopped here.",
    MessageStatus.INTERRUPTED: "Cut short: the answer was interrupted.",
}


@dataclass(frozen=True)
class Versions:
    """The place of a message among those that stand in its place in other branches: `number` of `count`."""

    number: int
    count: int
    before: uuid.UUID | None
    after: uuid.UUID | None


@dataclass(frozen=True)
class ShownTurn:
    """`changes_mode` asks for a divider before it; `trouble` says why its answer is not whole.

    `line` is what stands under the answer, in parts; it is empty where there is no receipt.
    """

    id: uuid.UUID
    answer_id: uuid.UUID | None
    asked: SafeString
    said: SafeString
    mode: PrivacyMode
    notes: Notes
    changes_mode: bool
    is_being_answered: bool
    trouble: str
    versions: Versions
    answer_versions: Versions | None
    line: Sequence[str]


@dataclass(frozen=True)
class Manuscript:
    """Some turns, oldest first, up to `before`; `earlier` is the message before which the page before this one ends."""

    turns: Sequence[ShownTurn]
    earlier: uuid.UUID | None
    before: uuid.UUID | None


def manuscript_of(conversation: Conversation, *, before: uuid.UUID | None = None) -> Manuscript:
    """Of the branch that is chosen."""
    tree = Tree.of(conversation)
    branch = tree.branch(conversation.leaf_id)
    asked = [place.id for place in branch if place.role == Role.USER and (before is None or place.id < before)]
    shown = asked[-PAGE_SIZE:]
    earlier = shown[0] if shown and shown[0] != asked[0] else None
    return Manuscript(_turns(conversation, tree, branch, shown), earlier=earlier, before=before)


def address_of(question: Message) -> str:
    """Where a message stands: in the page that holds it, which need not be the latest."""
    conversation = question.conversation
    branch = Tree.of(conversation).branch(conversation.leaf_id)
    asked = [place.id for place in branch if place.role == Role.USER]
    after_it = [message_id for message_id in asked if message_id > question.pk]
    before = "".join(f"?before={message_id}" for message_id in after_it[PAGE_SIZE // 2 : PAGE_SIZE // 2 + 1])
    return f"{conversation.get_absolute_url()}{before}#turn-{question.pk}"


def turn_of(question: Message) -> ShownTurn:
    """One turn as it is now, in the branch that is shown if that holds it; the question comes with its conversation."""
    tree = Tree.of(question.conversation)
    branch = tree.branch(question.conversation.leaf_id)
    if all(place.id != question.pk for place in branch):
        branch = tree.branch(tree.end_of(question.pk))
    [turn] = _turns(question.conversation, tree, branch, [question.pk])
    return turn


def _turns(
    conversation: Conversation, tree: Tree, branch: Sequence[Place], shown: Sequence[uuid.UUID]
) -> list[ShownTurn]:
    places = {place.id: place for place in branch}
    answer_ids = {question_id: answer_in(branch, question_id) for question_id in shown}
    rows = conversation.messages.filter(pk__in=[*shown, *filter(None, answer_ids.values())])
    messages = {row.pk: row for row in rows.select_related("owner", "receipt")}
    unlock(messages.values())
    pairs = [(messages[question], _answer(messages, answer)) for question, answer in answer_ids.items()]
    latest = next((place.id for place in reversed(branch) if place.role == Role.USER), None)
    notes = notes_of(pairs, latest=latest)
    quotes = _quotes_from([question for question, _ in pairs])
    modes = [PrivacyMode.NORMAL, *(PrivacyMode(question.mode) for question, _ in pairs)]
    return [
        ShownTurn(
            id=question.pk,
            answer_id=answer.pk if answer else None,
            asked=_marked(question.text, _kept(quotes.get(question.pk, []), notes[question.pk])),
            said=mark_safe(rendering.html_of_answer(answer)) if answer else SafeString(),  # noqa: S308  # cleaned by nh3
            mode=mode,
            notes=notes[question.pk],
            changes_mode=mode != former,
            is_being_answered=question.pk == conversation.answering,
            trouble=_trouble(answer),
            versions=_versions(tree, places[question.pk]),
            answer_versions=_versions(tree, places[answer.pk]) if answer else None,
            line=_line(answer),
        )
        for (question, answer), former, mode in zip(pairs, modes, modes[1:], strict=False)
    ]


def _line(answer: Message | None) -> Sequence[str]:
    receipt = getattr(answer, "receipt", None)
    if answer is None or receipt is None:
        return ()
    return colophon.line_of(receipt, PrivacyMode(answer.mode), read=len(receipt.recalled), degraded=receipt.degraded)


def _answer(messages: dict[uuid.UUID, Message], answer_id: uuid.UUID | None) -> Message | None:
    return messages.get(answer_id) if answer_id else None


def _versions(tree: Tree, place: Place) -> Versions:
    ids = tree.versions(place)
    at = ids.index(place.id)
    return Versions(at + 1, len(ids), ids[at - 1] if at else None, ids[at + 1] if at + 1 < len(ids) else None)


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


def _trouble(answer: Message | None) -> str:
    if answer is None:
        return "This was not answered."
    receipt = getattr(answer, "receipt", None)
    ended = receipt.prompt.get("ended", "") if receipt and answer.status == MessageStatus.COMPLETE else ""
    return CUT[ended] if ended else TROUBLES[MessageStatus(answer.status)]
