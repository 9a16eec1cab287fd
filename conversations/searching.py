"""One search over all that is a person's own: titles, messages and memories, found in their texts, opened for it.

The words that are looked for reach no address, no log and no statement of SQL.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from accounts.models import User
from conversations.branches import Tree
from conversations.models import Conversation, Message
from memories.models import Memory, Status
from memories.searching import QUERY_LIMIT, Narrowing
from memorychat.lib import text as texts
from memorychat.lib.crypto import unlock
from memorychat.lib.excerpts import Piece, excerpt, holds, words_of

FEWEST = 2
# Of the newest messages so many are looked through, so many at a time.
MOST_READ, AT_ONCE = 20_000, 1_000
MOST_SHOWN = 20


class QueryTooShort(texts.TextError):
    """Nearly everything would be found."""


@dataclass(frozen=True)
class FoundConversation:
    conversation: Conversation
    title: Sequence[Piece]


@dataclass(frozen=True)
class FoundMessage:
    """`place` is the message of the person in whose turn it stands; `is_shown` that its branch is."""

    message: Message
    words: Sequence[Piece]
    place: uuid.UUID
    is_shown: bool

    @property
    def at(self) -> datetime:
        return self.message.created_at


@dataclass(frozen=True)
class FoundMemory:
    memory: Memory
    words: Sequence[Piece]


@dataclass(frozen=True)
class Found:
    """The newest of each that hold every word. `is_cut` says that there are more than are shown."""

    conversations: Sequence[FoundConversation] = ()
    messages: Sequence[FoundMessage] = ()
    memories: Sequence[FoundMemory] = ()
    is_cut: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.conversations or self.messages or self.memories)


def search(user: User, query: str, *, most: int = MOST_SHOWN) -> Found:
    """Raises TextError, of which QueryTooShort is one."""
    words = words_of(texts.clean(query, limit=QUERY_LIMIT, name="query"))
    if len("".join(words)) < FEWEST:
        raise QueryTooShort(f"Type at least {FEWEST} characters.")
    # One more than are shown tells that there are more.
    conversations = list(islice(_conversations(user, words), most + 1))
    messages = list(islice(_messages(user, words), most + 1))
    memories = list(islice(_memories(user, words), most + 1))
    return Found(
        [FoundConversation(row, excerpt(row.title, words)) for row in conversations[:most]],
        _placed(messages[:most], words),
        [FoundMemory(row, excerpt(row.content, words)) for row in memories[:most]],
        is_cut=max(len(conversations), len(messages), len(memories)) > most,
    )


def _conversations(user: User, words: Sequence[str]) -> Iterator[Conversation]:
    rows = list(Conversation.objects.for_user(user).latest_first())
    unlock(rows)
    return (row for row in rows if holds(row.title, words))


def _messages(user: User, words: Sequence[str]) -> Iterator[uuid.UUID]:
    """Newest first, opened as far as they are wanted, and with nothing but their words."""
    newest, read = Message.objects.for_user(user).only("text").order_by("-pk"), 0
    while read < MOST_READ and (part := list(newest[:AT_ONCE])):
        unlock(part)
        yield from (message.pk for message in part if holds(message.text, words))
        newest, read = newest.filter(pk__lt=part[-1].pk), read + len(part)


def _memories(user: User, words: Sequence[str]) -> Iterator[Memory]:
    rows = list(Narrowing(also=(Status.ARCHIVED, Status.PENDING)).memories_of(user))
    unlock(rows)
    return (row for row in rows if holds(row.content, words))


def _placed(message_ids: Sequence[uuid.UUID], words: Sequence[str]) -> list[FoundMessage]:
    messages = list(Message.objects.filter(pk__in=message_ids).select_related("conversation").order_by("-pk"))
    conversations = {message.conversation_id: message.conversation for message in messages}
    unlock([*messages, *(message.conversation for message in messages)])
    shown = set(_shown_in(conversations.values()))
    return [
        FoundMessage(
            message,
            excerpt(message.text, words),
            place=(message.parent_id if message.is_answer else None) or message.pk,
            is_shown=message.pk in shown,
        )
        for message in messages
    ]


def _shown_in(conversations: Iterable[Conversation]) -> Iterator[uuid.UUID]:
    """The messages of the branches that are shown."""
    for conversation in conversations:
        yield from (place.id for place in Tree.of(conversation).branch(conversation.leaf_id))
