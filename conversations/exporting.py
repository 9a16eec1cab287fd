"""A conversation taken along by its owner: as Markdown to be read, as JSON with all that is known of it."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from django.utils import timezone
from django.utils.text import slugify

from conversations.branches import Tree
from conversations.models import Conversation, Message, MessageStatus, Receipt, Role
from memories.models import PrivacyMode
from memorychat.lib.crypto import unlock

FORMAT, VERSION = "memorychat-conversation", 1
NAME_LENGTH = 60
UNTITLED = "Conversation"
SPEAKERS = {Role.USER: "You", Role.ASSISTANT: "MemoryChat"}
BROKEN_OFF = {MessageStatus.STOPPED: "Stopped here.", MessageStatus.INTERRUPTED: "Cut short."}
NUMBERS = ("input_tokens", "output_tokens", "cost", "recall_ms", "first_piece_ms", "took_ms")


def file_name(conversation: Conversation, ending: str) -> str:
    """Of its title, and safe in every file system."""
    name = slugify(conversation.title, allow_unicode=True)[:NAME_LENGTH].strip("-_")
    return f"{name or 'conversation'}.{ending}"


def as_markdown(conversation: Conversation) -> str:
    """The branch that is shown, with its times where the reader lives."""
    messages = _messages(conversation, Tree.of(conversation))
    modes = [PrivacyMode.NORMAL, *(PrivacyMode(message.mode) for message in messages)]
    parts = [f"# {conversation.title or UNTITLED}", _when(conversation)]
    for message, former in zip(messages, modes, strict=False):
        parts += _told(message, former)
    return "\n\n".join(parts) + "\n"


def as_json(conversation: Conversation) -> str:
    """All branches; `shown` are the ids of the one that is shown, in their order."""
    tree = Tree.of(conversation)
    exported = {
        "format": FORMAT,
        "version": VERSION,
        "id": str(conversation.pk),
        "title": conversation.title,
        "profile_id": str(conversation.profile_id),
        "mode": conversation.mode,
        "created_at": conversation.created_at.isoformat(),
        "last_at": conversation.last_at.isoformat(),
        "summary": conversation.summary,
        "shown": [str(place.id) for place in tree.branch(conversation.leaf_id)],
        "messages": [_as_json(message) for message in _opened(conversation.messages.order_by("pk"))],
    }
    return json.dumps(exported, ensure_ascii=False, indent=2) + "\n"


def _messages(conversation: Conversation, tree: Tree) -> list[Message]:
    shown = [place.id for place in tree.branch(conversation.leaf_id)]
    return _opened(conversation.messages.filter(pk__in=shown).order_by("pk"))


def _opened(rows: Any) -> list[Message]:
    messages = list(rows.select_related("owner", "receipt"))
    unlock(messages)
    return messages


def _when(conversation: Conversation) -> str:
    begun, last = timezone.localtime(conversation.created_at), timezone.localtime(conversation.last_at)
    return f"*{begun:%-d %B %Y, %H:%M} to {last:%-d %B %Y, %H:%M} ({begun.tzname()})*"


def _told(message: Message, former: PrivacyMode) -> Iterator[str]:
    if message.mode != former:
        yield f"*{PrivacyMode(message.mode).label}*"
    said_at = timezone.localtime(message.created_at)
    yield f"## {SPEAKERS[Role(message.role)]}, {said_at:%-d %B %Y, %H:%M}"
    yield message.text
    if trouble := BROKEN_OFF.get(MessageStatus(message.status)):
        yield f"*{trouble}*"


def _as_json(message: Message) -> dict[str, Any]:
    receipt = getattr(message, "receipt", None)
    return {
        "id": str(message.pk),
        "parent": str(message.parent_id) if message.parent_id else None,
        "role": message.role,
        "text": message.text,
        "mode": message.mode,
        "status": message.status,
        "created_at": message.created_at.isoformat(),
        "receipt": _receipt(receipt) if receipt else None,
    }


def _receipt(receipt: Receipt) -> dict[str, Any]:
    """Who saw what, and what it took: ids and numbers."""
    return {
        "provider": receipt.provider,
        "model": receipt.model,
        "seen_by": receipt.seen_by,
        "recalled": _recalled(receipt.recalled),
        "degraded": receipt.degraded,
        **{name: getattr(receipt, name) for name in NUMBERS},
    }


def _recalled(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: row[name] for name in ("memory_id", "number", "score", "cited") if name in row} for row in rows]
