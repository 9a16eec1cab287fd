"""A turn: what a person says and the answer to it, from the first word to the receipt.

An incognito turn never becomes a row: it lives in the process alone.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from conversations import receipts, summarising, titles, wishes
from conversations.branches import Tree, UnknownMessage
from conversations.history import Earlier, earlier_in, within_budget
from conversations.models import Conversation, Message, MessageStatus, Role
from conversations.news import announce_change
from conversations.tasks import learn_from, name_conversation, summarise
from memories import profiles
from memories.access import MemoryAccess
from memories.engine.types import Candidate
from memories.models import Origin, PrivacyMode
from memorychat.jobs import enqueue
from memorychat.lib import text as texts
from memorychat.lib.crypto import unlock
from memorychat.lib.identifiers import uuid7
from memorychat.lib.notify import announce
from memorychat.llm.providers import has_language_model
from memorychat.llm.types import ChatMessage

MESSAGE_LIMIT = 32_000
CLAIM = ("answering", "answering_since")
# For so long a claim to answer holds without being renewed.
CLAIM_SECONDS = 15
# For so long a page may try to get rid of a message.
SENT_AGAIN = timedelta(hours=1)


class UnknownConversation(Exception):
    """No such conversation of this person: a foreign one and a missing one are the same."""


class TurnRefused(Exception):
    """This cannot be taken now; the message is a sentence for the person, `code` a stable word for the page."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class AlreadySent(Exception):
    """This message was sent before, and is answered or being answered."""

    def __init__(self, turn_id: uuid.UUID, conversation_id: uuid.UUID) -> None:
        super().__init__(str(turn_id))
        self.turn_id = turn_id
        self.conversation_id = conversation_id


@dataclass(frozen=True)
class Turn:
    """One turn on its way. `id` is the id of the person's message, or of nothing stored when it is incognito.

    `earlier` is what was said before the `question`.
    """

    id: uuid.UUID
    access: MemoryAccess
    question: str
    earlier: Earlier
    conversation_id: uuid.UUID | None
    is_new_conversation: bool = False

    @property
    def history(self) -> list[ChatMessage]:
        return [*self.earlier.messages, ChatMessage("user", self.question)]

    @property
    def mode(self) -> PrivacyMode:
        return self.access.mode


@dataclass(frozen=True)
class Said:
    """What a person sends: the words and how they are to be treated.

    `edits` is the message of theirs in whose place these words are to stand, in a branch of its own.
    """

    text: str
    mode: PrivacyMode
    conversation_id: uuid.UUID | None = None
    profile_id: uuid.UUID | None = None
    edits: uuid.UUID | None = None
    client_message_id: str = ""
    # Under which it is to be stored, for a program that may send it again.
    message_id: uuid.UUID | None = None
    # Of an incognito stretch, which is stored nowhere.
    history: Sequence[ChatMessage] = ()


def usual_mode(user: User, conversation_id: uuid.UUID | None, profile_id: uuid.UUID | None) -> PrivacyMode:
    """In which a message is meant that does not say. Raises UnknownConversation, MemoryProfile.DoesNotExist."""
    if conversation_id:
        return PrivacyMode(_find(user, conversation_id).mode)
    return PrivacyMode(profiles.get(user, profile_id).default_mode)


def begin(user: User, said: Said, *, door: Origin = Origin.CHAT) -> Turn:
    """Take what a person says; from here on nothing of it is lost, unless it is incognito.

    Raises TextError, UnknownConversation, UnknownMessage, MemoryProfile.DoesNotExist, TurnRefused, AlreadySent.
    """
    words = texts.clean(said.text, limit=MESSAGE_LIMIT, name="message")
    if not said.mode.keeps_words:
        return _begin_unkept(user, said, words, door)
    with transaction.atomic(durable=True):
        conversation, is_new = _conversation_for(user, said, words)
        message = _message_for(conversation, said, words, is_new_conversation=is_new)
        _claim(conversation, message)
        conversation.mode, conversation.last_at, conversation.archived_at = said.mode, timezone.now(), None
        conversation.leaf_id = message.pk
        conversation.save(update_fields=None if is_new else ["mode", "last_at", "archived_at", "leaf_id", *CLAIM])
        if message._state.adding:
            message.save(force_insert=True)
        announce_change(conversation)
    return _turn(conversation, message, user, door, is_new_conversation=is_new)


def begin_again(user: User, message_id: uuid.UUID, conversation_id: uuid.UUID | None) -> Turn:
    """Have a message of this conversation answered once more, beside the answers that it has.

    Raises UnknownConversation, UnknownMessage, TurnRefused.
    """
    with transaction.atomic(durable=True):
        if conversation_id is None:
            raise UnknownMessage
        conversation = _fetch(user, conversation_id, lock=True)
        # Under the lock, when nobody can delete it.
        message = _fetch_own(user, message_id)
        if message.conversation_id != conversation.pk:
            raise UnknownMessage
        _claim(conversation, message)
        conversation.leaf_id, conversation.last_at = message.pk, timezone.now()
        conversation.save(update_fields=["last_at", "leaf_id", *CLAIM])
        announce_change(conversation)
    return _turn(conversation, message, user, Origin.CHAT)


def finish(turn: Turn, answer: str, status: MessageStatus, receipt: receipts.Draft | None) -> Message | None:
    """Keep the answer as far as it went, with its receipt, and have the turn learnt from; None when nothing is kept."""
    if not turn.mode.keeps_words:
        return None
    with transaction.atomic(durable=True):
        rows = Message.objects.select_for_update(no_key=True, of=("self",)).select_related("conversation")
        question, message = rows.get(pk=turn.id), None
        # Whose key is known already.
        question.owner = turn.access.profile.owner
        if answer.strip():
            message = _store_answer(question, answer, status)
            if receipt:
                receipts.keep(message, receipt, answer)
        # Where another answer came to nothing, the ones before it are there still.
        leaf_id = message.pk if message else Tree.of(question.conversation).end_of(question.pk)
        ended: dict[str, Any] = {"answering": None, "last_at": timezone.now(), "leaf_id": leaf_id}
        if Conversation.objects.filter(pk=question.conversation_id, answering=turn.id).update(**ended):
            announce_change(question.conversation)
        if turn.mode.writes and (question.learning_since is None or _has_wishes(question)):
            question.learning_since = timezone.now()
            question.save(update_fields=["learning_since"])
            enqueue(learn_from, message_id=turn.id)
        if message and status is MessageStatus.COMPLETE:
            _have_it_told(turn, question, answer)
    return message


def renew_claims(turns: Sequence[Turn]) -> None:
    """Their answers are still being written."""
    kept = [turn for turn in turns if turn.mode.keeps_words]
    claimed = Conversation.objects.filter(
        pk__in=[turn.conversation_id for turn in kept], answering__in=[turn.id for turn in kept]
    )
    claimed.update(answering_since=timezone.now())


def find_answer(user: User, turn_id: uuid.UUID) -> Message | None:
    """The answer that a message was given last."""
    answers = Message.objects.for_user(user).filter(parent=turn_id, role=Role.ASSISTANT)
    return answers.select_related("owner", "receipt").order_by("-pk").first()


def is_being_answered(user: User, turn_id: uuid.UUID) -> bool:
    """By whichever process."""
    conversation = Conversation.objects.for_user(user).filter(answering=turn_id).first()
    return conversation is not None and _is_claimed(conversation)


def ask_to_stop(user: User, conversation_id: uuid.UUID) -> None:
    """The process that writes the answer, whichever it is, hears of it."""
    conversation = Conversation.objects.for_user(user).filter(pk=conversation_id).first()
    if conversation and conversation.answering:
        announce(user.pk, "reply.stopping", {"turn": str(conversation.answering)})


def clear(user: User, conversation_id: uuid.UUID) -> None:
    """Delete what was said; what was remembered of it stays. Raises UnknownConversation, TurnRefused."""
    with transaction.atomic(durable=True):
        conversation = _find(user, conversation_id, lock=True)
        _refuse_claimed(conversation)
        conversation.messages.all().delete()
        conversation.title, conversation.leaf_id = "", None
        conversation.summary = conversation.summary_through = None
        conversation.save(update_fields=["title", "summary", "summary_through", "leaf_id"])


def _have_it_told(turn: Turn, question: Message, answer: str) -> None:
    """A conversation that has begun is named, and one that has become long is summarised, where there is a model.

    What is said paused names nothing: whoever pauses wants nothing made of it that stays.
    """
    if not has_language_model(turn.access.profile):
        return
    if turn.mode.writes and titles.is_wanted(question):
        enqueue(name_conversation, conversation_id=question.conversation_id)
    if turn.earlier.left_out or summarising.is_wanted([*turn.history, ChatMessage("assistant", answer)]):
        enqueue(summarise, after=summarising.PATIENCE, conversation_id=question.conversation_id)


def _turn(
    conversation: Conversation, message: Message, user: User, door: Origin, *, is_new_conversation: bool = False
) -> Turn:
    access = MemoryAccess(conversation.profile, PrivacyMode(message.mode), actor=user, door=door)
    branch = Tree.of(conversation).branch(message.parent_id) if message.parent_id else []
    unlock([message])
    earlier = earlier_in(conversation, branch)
    return Turn(message.pk, access, message.text, earlier, conversation.pk, is_new_conversation)


def keep_wish(turn: Turn, candidate: Candidate) -> None:
    """What a tool wants remembered goes with the message, and is weighed by the job that learns from it."""
    with transaction.atomic(durable=True):
        question = _own_question(turn)
        question.wishes = [*(question.wishes or []), wishes.as_json(candidate)]
        question.save(update_fields=["wishes"])


def offer(turn: Turn, memory_ids: Sequence[uuid.UUID]) -> None:
    """These memories were shown as what may be meant by a wish to forget."""
    with transaction.atomic(durable=True):
        question = _own_question(turn)
        question.offered = list(dict.fromkeys([*question.offered, *map(str, memory_ids)]))
        question.save(update_fields=["offered"])


def offered_before(turn: Turn) -> set[uuid.UUID]:
    """What was offered in earlier turns that the model still sees: the person has spoken since."""
    rows = Message.objects.for_user(turn.access.profile.owner).filter(pk__in=turn.earlier.ids)
    return {uuid.UUID(memory_id) for offered in rows.values_list("offered", flat=True) for memory_id in offered}


def _has_wishes(question: Message) -> bool:
    """Of an answer that was given again, after the message was learnt from."""
    return Message.objects.filter(pk=question.pk, wishes__isnull=False).exists()


def _own_question(turn: Turn) -> Message:
    question = Message.objects.select_for_update(no_key=True, of=("self",)).select_related("owner").get(pk=turn.id)
    unlock([question])
    return question


def _begin_unkept(user: User, said: Said, words: str, door: Origin) -> Turn:
    """Earlier stored turns are its context; nothing is written, and what is read is read without these words."""
    earlier = Earlier()
    if said.conversation_id:
        conversation = _fetch(user, said.conversation_id)
        profile, branch = conversation.profile, Tree.of(conversation).branch(conversation.leaf_id)
        earlier = earlier_in(conversation, branch)
    else:
        profile = profiles.get(user, said.profile_id)
    access = MemoryAccess(profile, said.mode, actor=user, door=door)
    known = within_budget([*earlier.messages, *said.history])
    # The same message sent again after a lost connection is the same turn, though it is stored nowhere.
    turn_id = uuid.uuid5(user.pk, said.client_message_id) if said.client_message_id else uuid7()
    return Turn(turn_id, access, words, replace(earlier, messages=known, ids=()), said.conversation_id)


def _find(user: User, conversation_id: uuid.UUID, *, lock: bool = False) -> Conversation:
    rows = Conversation.objects.for_user(user).select_related("profile__owner", "profile__organization", "owner")
    if lock:
        rows = rows.select_for_update(no_key=True, of=("self",))
    conversation = rows.filter(pk=conversation_id).first()
    if conversation is None:
        raise UnknownConversation
    return conversation


def _fetch(user: User, conversation_id: uuid.UUID, *, lock: bool = False) -> Conversation:
    conversation = _find(user, conversation_id, lock=lock)
    if conversation.profile.deleted_at:
        raise TurnRefused(
            "The memory profile of this conversation was deleted. Bring it back, or begin a new conversation.",
            code="profile_deleted",
        )
    return conversation


def _fetch_own(user: User, message_id: uuid.UUID) -> Message:
    """A message that this person said."""
    message = Message.objects.for_user(user).filter(pk=message_id, role=Role.USER).select_related("owner").first()
    if message is None:
        raise UnknownMessage
    return message


def _conversation_for(user: User, said: Said, words: str) -> tuple[Conversation, bool]:
    conversation_id = said.conversation_id or _opened_by(user, said)
    if conversation_id:
        return _fetch(user, conversation_id, lock=True), False
    profile = profiles.get(user, said.profile_id)
    return Conversation(owner=profile.owner, profile=profile, title=titles.first_words(words)), True


def _opened_by(user: User, said: Said) -> uuid.UUID | None:
    """The conversation of a first message that is sent again, since nobody heard what became of it."""
    messages = Message.objects.for_user(user)
    if said.message_id:
        messages = messages.filter(pk=said.message_id)
    elif said.client_message_id:
        # Two at once: the second waits here and finds what the first made.
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{user.pk} {said.client_message_id}"]
            )
        messages = messages.filter(client_message_id=said.client_message_id, created_at__gt=timezone.now() - SENT_AGAIN)
    else:
        return None
    return messages.order_by("-pk").values_list("conversation", flat=True).first()


def _message_for(conversation: Conversation, said: Said, words: str, *, is_new_conversation: bool) -> Message:
    """The message, to be stored; the very same one when it is sent again because its first answer got lost."""
    sent = None if is_new_conversation else _sent_before(conversation, said)
    if sent is not None:
        is_answered = sent.children.filter(role=Role.ASSISTANT, status=MessageStatus.COMPLETE).exists()
        if is_answered or (conversation.answering == sent.pk and _is_claimed(conversation)):
            raise AlreadySent(sent.pk, conversation.pk)
        return sent
    return Message(
        id=said.message_id or uuid7(),
        owner=conversation.owner,
        conversation=conversation,
        role=Role.USER,
        text=words,
        mode=said.mode,
        client_message_id=said.client_message_id,
        parent_id=_parent_of(conversation, said),
    )


def _parent_of(conversation: Conversation, said: Said) -> uuid.UUID | None:
    """What these words follow: the end of the branch, or what the message followed in whose place they stand."""
    if said.edits is None:
        return conversation.leaf_id
    edited = conversation.messages.filter(pk=said.edits, role=Role.USER).first()
    if edited is None:
        raise UnknownMessage
    return edited.parent_id


def _sent_before(conversation: Conversation, said: Said) -> Message | None:
    if said.message_id:
        return conversation.messages.filter(pk=said.message_id).first()
    if said.client_message_id:
        return conversation.messages.filter(client_message_id=said.client_message_id).first()
    return None


def _claim(conversation: Conversation, message: Message) -> None:
    """One answer at a time in a conversation, whichever tab or process gives it."""
    _refuse_claimed(conversation)
    conversation.answering, conversation.answering_since = message.pk, timezone.now()


def _refuse_claimed(conversation: Conversation) -> None:
    if _is_claimed(conversation):
        raise TurnRefused(
            "Another message of this conversation is being answered. Wait for it, or stop it.", code="being_answered"
        )


def _is_claimed(conversation: Conversation) -> bool:
    """A claim that nobody renews belongs to a process that died."""
    oldest = timezone.now() - timedelta(seconds=CLAIM_SECONDS)
    return bool(conversation.answering and conversation.answering_since and conversation.answering_since > oldest)


def _store_answer(question: Message, answer: str, status: MessageStatus) -> Message:
    """An answer that broke off gives way to the next one; what the person stopped stays beside it."""
    question.children.filter(role=Role.ASSISTANT, status=MessageStatus.INTERRUPTED).delete()
    return Message.objects.create(
        owner=question.owner,
        conversation=question.conversation,
        role=Role.ASSISTANT,
        text=answer,
        mode=question.mode,
        status=status,
        parent=question,
    )
