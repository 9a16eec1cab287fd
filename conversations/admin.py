"""Conversations under /admin/, to look at: transcripts, with what was read and written beside each message."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import admin
from django.contrib.admin import display
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

from conversations.models import Conversation, Message
from memories.models import MemoryEvent
from memorychat.lib.admin import BaseAdmin, Made, id_of, moment_of, own_id
from memorychat.lib.crypto import unlock

MOST_MESSAGES = 200


@admin.register(Conversation)
class ConversationAdmin(BaseAdmin):
    list_display = (own_id, id_of("owner"), id_of("profile"), "mode", moment_of("created_at"), moment_of("last_at"))
    list_filter = ("mode", Made)
    search_fields = ("id", "owner", "profile")
    fieldsets = (
        (None, {"fields": ("title", "transcript")}),
        (_("Whose"), {"fields": ("id", "owner", "profile")}),
        (_("How it stands"), {"fields": ("mode", "answering", "created_at", "last_at")}),
    )

    @display(description=_("messages"))
    def transcript(self, conversation: Conversation) -> str:
        newest = conversation.messages.select_related("receipt").order_by("-pk")[:MOST_MESSAGES]
        messages = list(newest)[::-1]
        unlock(messages)
        context = {"shown": _with_events(messages), "most": MOST_MESSAGES}
        return render_to_string("admin/_transcript.html", context)


@dataclass(frozen=True)
class ShownMessage:
    """A message and the changes that it brought about."""

    message: Message
    events: Sequence[MemoryEvent]


def _with_events(messages: Sequence[Message]) -> list[ShownMessage]:
    """The events come without their words: the ledger's own page has those."""
    found = MemoryEvent.objects.filter(message_id__in=[message.pk for message in messages]).oldest_first()
    events = list(found.only("action", "memory_id", "message_id"))
    return [
        ShownMessage(message, [event for event in events if event.message_id == message.pk]) for message in messages
    ]
