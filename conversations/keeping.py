"""What a person does with a conversation as a whole: calls it otherwise, pins it, sets it aside, deletes it or a turn
of it. Each is one transaction, and the other pages hear of it.

Deleting is final for the words. What was remembered of them stays, unless it is taken back too.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from conversations import summarising, titles, turns
from conversations.branches import Tree, UnknownMessage
from conversations.manuscript import turn_of
from conversations.models import Conversation, Message, Role
from conversations.news import announce_change
from conversations.turns import TurnRefused, UnknownConversation
from memories import profiles
from memories.access import MemoryAccess
from memories.engine import undoing
from memories.engine.types import StaleChange
from memories.engine.undoing import NOT_AS_SHOWN, Preview


@dataclass(frozen=True)
class Brought:
    """What came of words that are to be deleted: the changes that stand, and what taking them back would do."""

    access: MemoryAccess
    changes: Sequence[uuid.UUID]

    def preview(self) -> Preview | None:
        """None where there is nothing to take back, or nothing that can be."""
        try:
            return undoing.preview(self.access, self.changes) if self.changes else None
        except StaleChange:
            return None

    def take_back(self, seen: str) -> None:
        """As it was `seen`. Raises StaleChange where it is something else by now."""
        if not self.changes:
            raise StaleChange(NOT_AS_SHOWN)
        undoing.undo_all(self.access, self.changes, seen=seen)


def rename(user: User, conversation_id: uuid.UUID, title: str) -> None:
    """No model names it any more. Raises UnknownConversation, TextError."""
    _change(user, conversation_id, title=titles.clean(title), is_renamed=True)


def pin(user: User, conversation_id: uuid.UUID) -> None:
    """Raises UnknownConversation, as the following do."""
    _change(user, conversation_id, pinned_at=timezone.now(), archived_at=None)


def unpin(user: User, conversation_id: uuid.UUID) -> None:
    _change(user, conversation_id, pinned_at=None)


def archive(user: User, conversation_id: uuid.UUID) -> None:
    """It stands in no list but that of the archived, until something is said in it."""
    _change(user, conversation_id, archived_at=timezone.now(), pinned_at=None)


def unarchive(user: User, conversation_id: uuid.UUID) -> None:
    _change(user, conversation_id, archived_at=None)


def brought_by(conversation: Conversation) -> Brought:
    if conversation.profile.deleted_at:
        return Brought(_access(conversation), ())
    access = _access(conversation)
    return Brought(access, undoing.changes_of_conversation(access, conversation.pk))


def brought_by_turn(question: Message) -> Brought:
    """The question comes with its conversation and that with its profile."""
    access = _access(question.conversation)
    is_gone = question.conversation.profile.deleted_at
    return Brought(access, () if is_gone else turn_of(question).notes.came_from_message)


def delete(user: User, conversation_id: uuid.UUID, *, seen: str = "") -> None:
    """For good; what it brought is taken back first if that was `seen`.

    Raises UnknownConversation, TurnRefused, StaleChange.
    """
    conversation = find(user, conversation_id)
    _refuse_answering(user, conversation)
    if seen:
        brought_by(conversation).take_back(seen)
    with transaction.atomic(durable=True):
        conversation = _locked(user, conversation_id)
        _refuse_answering(user, conversation)
        announce_change(conversation)
        conversation.delete()


def delete_turn(user: User, conversation_id: uuid.UUID, message_id: uuid.UUID, *, seen: str = "") -> None:
    """A message with all answers to it; what followed goes on from what came before.

    Raises UnknownConversation, UnknownMessage, TurnRefused, StaleChange.
    """
    question = find_question(user, conversation_id, message_id)
    _refuse_answering(user, question.conversation)
    if seen:
        brought_by_turn(question).take_back(seen)
    with transaction.atomic(durable=True):
        conversation = _locked(user, conversation_id)
        _refuse_answering(user, conversation)
        _cut_out(conversation, message_id)
        announce_change(conversation)


def find(user: User, conversation_id: uuid.UUID) -> Conversation:
    """Raises UnknownConversation."""
    rows = Conversation.objects.for_user(user).select_related("profile__owner", "owner")
    conversation = rows.filter(pk=conversation_id).first()
    if conversation is None:
        raise UnknownConversation
    return conversation


def find_question(user: User, conversation_id: uuid.UUID, message_id: uuid.UUID) -> Message:
    """A message of the person's own. Raises UnknownMessage."""
    rows = Message.objects.for_user(user).filter(conversation=conversation_id, role=Role.USER)
    question = rows.select_related("conversation__profile__owner", "owner").filter(pk=message_id).first()
    if question is None:
        raise UnknownMessage
    return question


def _change(user: User, conversation_id: uuid.UUID, **columns: object) -> None:
    with transaction.atomic(durable=True):
        conversation = _locked(user, conversation_id)
        for name, value in columns.items():
            setattr(conversation, name, value)
        conversation.save(update_fields=list(columns))
        announce_change(conversation)


def _cut_out(conversation: Conversation, question_id: uuid.UUID) -> None:
    tree = Tree.of(conversation)
    gone = tree.turn(question_id)
    parent = conversation.messages.values_list("parent", flat=True).get(pk=question_id)
    summarising.forget_if_it_tells_of(conversation, tree, gone)
    following = conversation.messages.filter(parent__in=gone).exclude(pk__in=gone)
    following.update(parent=parent)
    conversation.messages.filter(pk__in=gone).delete()
    if conversation.leaf_id in gone:
        conversation.leaf_id = Tree.of(conversation).end_after(parent)
    if parent is None and not conversation.is_renamed:
        conversation.title = _title_of(conversation)
    conversation.save(update_fields=["leaf_id", "summary", "summary_through", "title"])


def _title_of(conversation: Conversation) -> str:
    """Without the words that were deleted: those that the conversation begins with now."""
    branch = Tree.of(conversation).branch(conversation.leaf_id)
    first = conversation.messages.select_related("owner").filter(pk__in=[place.id for place in branch[:1]]).first()
    return titles.first_words(first.text) if first else ""


def _refuse_answering(user: User, conversation: Conversation) -> None:
    if conversation.answering and turns.is_being_answered(user, conversation.answering):
        raise TurnRefused("An answer is being written. Wait for it, or stop it.", code="being_answered")


def _locked(user: User, conversation_id: uuid.UUID) -> Conversation:
    rows = Conversation.objects.for_user(user).select_related("owner").select_for_update(no_key=True, of=("self",))
    conversation = rows.filter(pk=conversation_id).first()
    if conversation is None:
        raise UnknownConversation
    return conversation


def _access(conversation: Conversation) -> MemoryAccess:
    return profiles.by_hand(conversation.owner, conversation.profile)
