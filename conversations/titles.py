"""The title of a conversation: its first words at once, then what a model makes of its first turn, or what its owner
calls it, which stays.
"""

import json
import uuid
from functools import partial
from pathlib import Path
from typing import Annotated

import structlog
from django.db import transaction
from pydantic import AfterValidator, BaseModel

from conversations.models import Conversation, Message, MessageStatus, Role
from conversations.news import announce_change
from conversations.usage import UsedUp
from memorychat.jobs import correlation_id
from memorychat.lib import text as texts
from memorychat.lib.crypto import unlock
from memorychat.llm.providers import has_language_model
from memorychat.llm.structured import answer_as
from memorychat.llm.types import ChatMessage, Prompt, ProviderError

log = structlog.get_logger(__name__)

PROMPT = Path(__file__).parent / "prompts" / "title.txt"
# What a model or the first words may have; its owner may write more.
TITLE_LENGTH, OWN_LENGTH = 48, 100
# Of the message and of its answer.
MOST_OF_EACH = 1_000
NOT_PART_OF_IT = " \t\"'“”„«»`*#.:"


def first_words(words: str) -> str:
    """Of a message: what a conversation is called until it is named."""
    line = words.strip().splitlines()[0] if words.strip() else ""
    return line if len(line) <= TITLE_LENGTH else f"{line[:TITLE_LENGTH].rstrip()}…"


def clean(words: str, *, limit: int = OWN_LENGTH) -> str:
    """One line. Raises TextError."""
    return texts.clean(" ".join(words.split()), limit=limit, name="title")


def _unquoted(words: str) -> str:
    return words.strip(NOT_PART_OF_IT)


class _Answer(BaseModel):
    title: Annotated[str, AfterValidator(_unquoted), AfterValidator(partial(clean, limit=TITLE_LENGTH))]


def is_wanted(question: Message) -> bool:
    """After the answer to a message that nothing came before."""
    return question.parent_id is None and not question.conversation.is_renamed


def write(conversation_id: uuid.UUID) -> None:
    """Have a model name it, unless somebody named it already. Running it again changes nothing."""
    conversation = _unnamed(conversation_id)
    if conversation is None or not has_language_model(conversation.profile):
        return
    first = _first_turn(conversation)
    if first is None or conversation.title != first_words(first[0].text):
        return
    if title := _by_model(conversation, first):
        _keep(conversation, title)


def _unnamed(conversation_id: uuid.UUID) -> Conversation | None:
    rows = Conversation.objects.filter(pk=conversation_id, is_renamed=False, profile__deleted_at=None)
    return rows.select_related("profile__owner", "owner").first()


def _first_turn(conversation: Conversation) -> tuple[Message, Message] | None:
    """The message that opened it, with an answer that is whole."""
    rows = conversation.messages.select_related("owner", "parent__owner").order_by("pk")
    answer = rows.filter(role=Role.ASSISTANT, status=MessageStatus.COMPLETE, parent__parent=None).first()
    if answer is None or answer.parent is None:
        return None
    unlock([conversation, answer, answer.parent])
    return answer.parent, answer


def _by_model(conversation: Conversation, first: tuple[Message, Message]) -> str:
    """Empty where the model gives none: what it has is a title too, and nobody waits for a better one."""
    said = [{"who": message.role, "said": message.text[:MOST_OF_EACH]} for message in first]
    lines = "\n".join(json.dumps(each, ensure_ascii=False) for each in said)
    prompt = Prompt(PROMPT.read_text(encoding="utf-8"), history=[ChatMessage("user", lines)])
    try:
        return answer_as(_Answer, conversation.profile, prompt, correlation_id=correlation_id()).title
    except UsedUp:
        raise
    except ProviderError as error:
        log.warning("title_not_given", conversation=str(conversation.pk), code=error.code)
        return ""


def _keep(conversation: Conversation, title: str) -> None:
    with transaction.atomic(durable=True):
        rows = Conversation.objects.select_for_update(no_key=True, of=("self",)).select_related("owner")
        row = rows.filter(pk=conversation.pk, is_renamed=False).first()
        # The words may have been deleted while a model read them.
        if row is None or not row.messages.exists():
            return
        row.title = title
        row.save(update_fields=["title"])
        announce_change(row)
