"""A turn: what a person says and the answer to it, from the first word to the receipt.

An incognito turn never becomes a row: it lives in the process alone.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from conversations import receipts
from conversations.models import Conversation, Message, MessageStatus, Role
from conversations.tasks import learn_from
from memories import profiles
from memories.access import MemoryAccess
from memories.models import Origin, PrivacyMode
from memorychat.jobs import enqueue
from memorychat.lib import text as texts
from memorychat.lib.crypto import unlock
from memorychat.lib.identifiers import uuid7
from memorychat.llm.types import ChatMessage

MESSAGE_LIMIT = 32_000
TITLE_LENGTH = 48
HISTORY_MESSAGES = 40
HISTORY_TOKENS = 3_000
BYTES_PER_TOKEN = 3.5
# For so long a claim to answer holds without being renewed.
CLAIM_SECONDS = 15


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
    """One turn on its way. `id` is the id of the person's message, or of nothing stored when it is incognito."""

    id: uuid.UUID
    access: MemoryAccess
    history: Sequence[ChatMessage]
    conversation_id: uuid.UUID | None
    is_new_conversation: bool = False

    @property
    def question(self) -> str:
        return self.history[-1].text

    @property
    def mode(self) -> PrivacyMode:
        return self.access.mode


@dataclass(frozen=True)
class Said:
    """What a person sends: the words and how they are to be treated."""

    text: str
    mode: PrivacyMode
    conversation_id: uuid.UUID | None = None
    profile_id: uuid.UUID | None = None
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

    Raises TextError, UnknownConversation, MemoryProfile.DoesNotExist, TurnRefused, AlreadySent.
    """
    words = texts.clean(said.text, limit=MESSAGE_LIMIT, name="message")
    if not said.mode.keeps_words:
        return _begin_unkept(user, said, words, door)
    with transaction.atomic(durable=True):
        conversation, is_new = _conversation_for(user, said, words)
        message = _store(conversation, said, words)
        _claim(conversation, message)
        conversation.mode, conversation.last_at = said.mode, timezone.now()
        conversation.save(update_fields=["mode", "last_at", "answering", "answering_since"])
    access = MemoryAccess(conversation.profile, said.mode, actor=user, door=door)
    history = _history(conversation, before=message.pk)
    return Turn(message.pk, access, [*history, ChatMessage("user", words)], conversation.pk, is_new)


def finish(turn: Turn, answer: str, status: MessageStatus, receipt: receipts.Draft | None) -> Message | None:
    """Keep the answer as far as it went, with its receipt, and have the turn learnt from; None when nothing is kept."""
    if not turn.mode.keeps_words:
        return None
    with transaction.atomic(durable=True):
        question = Message.objects.select_for_update(no_key=True, of=("self",)).select_related("owner").get(pk=turn.id)
        message = None
        if answer.strip():
            message = _store_answer(question, answer, status)
            if receipt:
                receipts.keep(message, receipt, answer)
        Conversation.objects.filter(pk=question.conversation_id, answering=turn.id).update(
            answering=None, last_at=timezone.now()
        )
        if turn.mode.writes and question.learning_since is None:
            question.learning_since = timezone.now()
            question.save(update_fields=["learning_since"])
            enqueue(learn_from, message_id=turn.id)
    return message


def renew_claim(turn: Turn) -> None:
    """The answer is still being written."""
    Conversation.objects.for_user(turn.access.profile.owner).filter(answering=turn.id).update(
        answering_since=timezone.now()
    )


def find_answer(user: User, turn_id: uuid.UUID) -> Message | None:
    return Message.objects.for_user(user).filter(answers=turn_id).select_related("owner", "receipt").first()


def clear(user: User, conversation_id: uuid.UUID) -> None:
    """Delete what was said; what was remembered of it stays. Raises UnknownConversation, TurnRefused."""
    with transaction.atomic(durable=True):
        conversation = _find(user, conversation_id, lock=True)
        _refuse_claimed(conversation)
        conversation.messages.all().delete()
        conversation.title = ""
        conversation.save(update_fields=["title"])


def _begin_unkept(user: User, said: Said, words: str, door: Origin) -> Turn:
    """Earlier stored turns are its context; nothing is written, and what is read is read without these words."""
    stored: list[ChatMessage] = []
    if said.conversation_id:
        conversation = _fetch(user, said.conversation_id)
        profile, stored = conversation.profile, _history(conversation)
    else:
        profile = profiles.get(user, said.profile_id)
    access = MemoryAccess(profile, said.mode, actor=user, door=door)
    history = _within_budget([*stored, *said.history])
    return Turn(uuid7(), access, [*history, ChatMessage("user", words)], said.conversation_id)


def _find(user: User, conversation_id: uuid.UUID, *, lock: bool = False) -> Conversation:
    rows = Conversation.objects.for_user(user).select_related("profile__owner", "owner")
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


def _conversation_for(user: User, said: Said, words: str) -> tuple[Conversation, bool]:
    conversation_id = said.conversation_id or _opened_by(user, said.message_id)
    if conversation_id:
        return _fetch(user, conversation_id, lock=True), False
    profile = profiles.get(user, said.profile_id)
    return Conversation.objects.create(owner=user, profile=profile, title=_title(words)), True


def _opened_by(user: User, message_id: uuid.UUID | None) -> uuid.UUID | None:
    """The conversation of a first message that is sent again."""
    if message_id is None:
        return None
    return Message.objects.for_user(user).filter(pk=message_id).values_list("conversation", flat=True).first()


def _title(words: str) -> str:
    line = words.splitlines()[0]
    return line if len(line) <= TITLE_LENGTH else f"{line[:TITLE_LENGTH].rstrip()}…"


def _store(conversation: Conversation, said: Said, words: str) -> Message:
    """The message; the very same one when it is sent again because its first answer got lost."""
    sent = _sent_before(conversation, said)
    if sent is not None:
        is_answered = Message.objects.filter(answers=sent, status=MessageStatus.COMPLETE).exists()
        if is_answered or (conversation.answering == sent.pk and _is_claimed(conversation)):
            raise AlreadySent(sent.pk, conversation.pk)
        return sent
    return Message.objects.create(
        id=said.message_id or uuid7(),
        owner=conversation.owner,
        conversation=conversation,
        role=Role.USER,
        text=words,
        mode=said.mode,
        client_message_id=said.client_message_id,
    )


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


def _history(conversation: Conversation, *, before: uuid.UUID | None = None) -> list[ChatMessage]:
    """The latest complete messages that fit the budget of tokens, oldest first."""
    rows = conversation.messages.filter(~Q(status=MessageStatus.INTERRUPTED)).select_related("owner").order_by("-pk")
    if before:
        rows = rows.filter(pk__lt=before)
    latest = list(rows[:HISTORY_MESSAGES])
    unlock(latest)
    return _within_budget(
        [ChatMessage("user" if row.role == Role.USER else "assistant", row.text) for row in reversed(latest)]
    )


def _within_budget(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """The last of them, as many as fit."""
    kept: list[ChatMessage] = []
    budget = HISTORY_TOKENS * BYTES_PER_TOKEN
    for message in reversed(messages):
        budget -= len(message.text.encode())
        if budget < 0:
            break
        kept.append(message)
    return kept[::-1]


def _store_answer(question: Message, answer: str, status: MessageStatus) -> Message:
    """An answer that was cut gives way to a whole one, when the same message is answered again."""
    Message.objects.filter(answers=question).exclude(status=MessageStatus.COMPLETE).delete()
    return Message.objects.create(
        owner=question.owner,
        conversation=question.conversation,
        role=Role.ASSISTANT,
        text=answer,
        mode=question.mode,
        status=status,
        answers=question,
    )
