"""What of a conversation a model is given again: its latest messages in full, as far as the budget of tokens reaches,
and of those before them a summary.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from django.conf import settings

from conversations.branches import Place
from conversations.models import Conversation, Message, MessageStatus, Role
from memorychat.lib.crypto import unlock
from memorychat.lib.text import tokens_of
from memorychat.llm.types import ChatMessage

MOST_MESSAGES = 40

Said = TypeVar("Said", Message, ChatMessage)


@dataclass(frozen=True)
class Earlier:
    """What came before a message. `ids` are those of `messages`, as far as these are stored.

    `summary` tells what the `summarised` messages before them said; `left_out` counts those that nothing tells of.
    """

    messages: Sequence[ChatMessage] = ()
    ids: Sequence[uuid.UUID] = ()
    summary: str = ""
    summarised: int = 0
    left_out: int = 0


def earlier_in(conversation: Conversation, branch: Sequence[Place]) -> Earlier:
    """Of this way through the conversation, which ends before the message that is to be answered."""
    ids = [place.id for place in branch]
    rows = conversation.messages.filter(pk__in=ids[-MOST_MESSAGES:]).exclude(status=MessageStatus.INTERRUPTED)
    latest = list(rows.select_related("owner").order_by("pk"))
    unlock(latest)
    kept = within_budget(latest)
    before = ids.index(kept[0].pk) if kept else len(ids)
    summarised = _told_by_summary(conversation, ids[:before])
    if summarised:
        unlock([conversation])
    return Earlier(
        messages=[_said(message) for message in kept],
        ids=[message.pk for message in kept],
        summary=conversation.summary or "" if summarised else "",
        summarised=summarised,
        left_out=before - summarised,
    )


def within_budget(messages: Sequence[Said]) -> list[Said]:
    """The last of them, as many as fit."""
    budget, kept = settings.LLM_HISTORY_TOKENS, 0
    for message in reversed(messages):
        budget -= tokens_of(message.text)
        if budget < 0:
            break
        kept += 1
    return _from_the_person_on(messages[len(messages) - kept :])


def _from_the_person_on(messages: Sequence[Said]) -> list[Said]:
    """What the assistant said to a message that is left out says nothing, and some models refuse to begin with it."""
    first = next((at for at, message in enumerate(messages) if message.role == Role.USER), len(messages))
    return list(messages[first:])


def _told_by_summary(conversation: Conversation, before: Sequence[uuid.UUID]) -> int:
    """How many of these messages the summary tells of: none where it was made of another branch."""
    if conversation.summary_through not in before:
        return 0
    return before.index(conversation.summary_through) + 1


def _said(message: Message) -> ChatMessage:
    return ChatMessage("user" if message.role == Role.USER else "assistant", message.text)
