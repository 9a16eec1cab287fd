"""The summary of a long conversation: what a model is told of the messages that do not fit its prompt any more.

It is written by a model, grows with the conversation, and holds nothing but words of that conversation.
"""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

from django.db import transaction
from pydantic import AfterValidator, BaseModel

from conversations.branches import Tree
from conversations.history import MOST_MESSAGES, earlier_in, within_budget
from conversations.models import Conversation, Message, MessageStatus
from memorychat.jobs import correlation_id
from memorychat.lib.crypto import unlock
from memorychat.lib.text import clean
from memorychat.llm.providers import has_language_model
from memorychat.llm.structured import answer_as
from memorychat.llm.types import ChatMessage, Prompt

PROMPT = Path(__file__).parent / "prompts" / "summary.txt"
SUMMARY_LIMIT = 1_500
# So many messages are told at once, and so much of each is read.
AT_ONCE, MOST_OF_EACH = 40, 2_000
# A summary is not written anew for less than this, or each answer of a long conversation would cost another one.
FEWEST = 4
# Turns that follow each other closely are told of together.
PATIENCE = timedelta(seconds=10)


class _Answer(BaseModel):
    summary: Annotated[str, AfterValidator(partial(clean, limit=SUMMARY_LIMIT, name="summary"))]


@dataclass(frozen=True)
class _Untold:
    """The next messages that nothing tells of, oldest first, and the summary of those before them."""

    ids: Sequence[uuid.UUID]
    former: str


def is_wanted(messages: Sequence[ChatMessage]) -> bool:
    """Whether these, which end with an answer, are more than the next prompt takes."""
    return len(messages) > MOST_MESSAGES or len(within_budget(messages)) < len(messages)


def write(conversation_id: uuid.UUID) -> None:
    """Tell of all that does not fit. Raises ProviderError. Running it again finds nothing left to tell."""
    rows = Conversation.objects.filter(pk=conversation_id, profile__deleted_at=None)
    while conversation := rows.select_related("profile__owner", "owner").first():
        if not has_language_model(conversation.profile):
            return
        untold = _untold(conversation)
        if untold is None or not _keep(conversation, untold, _by_model(conversation, untold)):
            return


def forget_if_it_tells_of(conversation: Conversation, tree: Tree, message_ids: Sequence[uuid.UUID]) -> None:
    """For messages that are to be deleted; the caller saves the row."""
    told = {place.id for place in tree.branch(conversation.summary_through)}
    if told.intersection(message_ids):
        conversation.summary = conversation.summary_through = None


def _untold(conversation: Conversation) -> _Untold | None:
    """In the branch that is shown; None where there is not enough."""
    branch = Tree.of(conversation).branch(conversation.leaf_id)
    earlier = earlier_in(conversation, branch)
    if earlier.left_out < (FEWEST if earlier.summarised else 1):
        return None
    ids = [place.id for place in branch][earlier.summarised : earlier.summarised + earlier.left_out]
    return _Untold(ids[:AT_ONCE], earlier.summary)


def _by_model(conversation: Conversation, untold: _Untold) -> str:
    lines = [{"who": message.role, "said": message.text[:MOST_OF_EACH]} for message in _messages(conversation, untold)]
    if not lines:
        return untold.former
    told = [{"summary": untold.former}, *lines] if untold.former else lines
    words = "\n".join(json.dumps(each, ensure_ascii=False) for each in told)
    prompt = Prompt(PROMPT.read_text(encoding="utf-8"), history=[ChatMessage("user", words)])
    return answer_as(_Answer, conversation.profile, prompt, correlation_id=correlation_id()).summary


def _messages(conversation: Conversation, untold: _Untold) -> list[Message]:
    """What broke off is no part of what a model sees."""
    rows = conversation.messages.filter(pk__in=untold.ids).exclude(status=MessageStatus.INTERRUPTED)
    messages = list(rows.select_related("owner").order_by("pk"))
    unlock(messages)
    return messages


def _keep(conversation: Conversation, untold: _Untold, summary: str) -> bool:
    """False where what it tells of was deleted meanwhile, or another summary was written: then this one is dropped."""
    with transaction.atomic(durable=True):
        rows = Conversation.objects.select_for_update(no_key=True, of=("self",)).select_related("owner")
        row = rows.filter(pk=conversation.pk).first()
        if row is None or row.summary_through != conversation.summary_through:
            return False
        if row.messages.filter(pk__in=untold.ids).count() < len(untold.ids):
            return False
        row.summary, row.summary_through = summary, untold.ids[-1]
        row.save(update_fields=["summary", "summary_through"])
    return True
