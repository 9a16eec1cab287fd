"""A conversation in a few numbers, with what was written down of it as its episode."""

from dataclasses import dataclass

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, F, Func, JSONField, Q
from django.db.models.fields.json import KT

from conversations.models import Conversation, Receipt, Role
from memories.models import Action, Kind, Memory, MemoryBatch, MemoryEvent, PrivacyMode, Status
from memorychat.lib.crypto import unlock


@dataclass(frozen=True)
class Overview:
    """`summary` is empty while there is no episode; `written` and `used` count memories."""

    summary: str
    messages: int
    own_messages: int
    written: int
    used: int
    modes: list[PrivacyMode]


def overview_of(conversation: Conversation) -> Overview:
    counted = conversation.messages.aggregate(
        messages=Count("pk"),
        own_messages=Count("pk", filter=Q(role=Role.USER)),
        modes=ArrayAgg("mode", distinct=True, default=[]),
    )
    return Overview(
        summary=_episode_of(conversation),
        messages=counted["messages"],
        own_messages=counted["own_messages"],
        written=_written_by(conversation),
        used=_used_by(conversation),
        modes=[mode for mode in PrivacyMode if mode in counted["modes"]],
    )


def _episode_of(conversation: Conversation) -> str:
    """Unless its owner forgot it, or it does not stand for another reason."""
    events = MemoryEvent.objects.filter(batch__purpose=MemoryBatch.Purpose.EPISODE, batch__reference=conversation.pk)
    episode = (
        Memory.objects.for_user(conversation.owner)
        .filter(pk__in=events.values("memory"), kind=Kind.EPISODE, status__in=[Status.ACTIVE, Status.ARCHIVED])
        .newest_first()
        .first()
    )
    if episode is None:
        return ""
    unlock([episode])
    return str(episode.content)


def _written_by(conversation: Conversation) -> int:
    events = MemoryEvent.objects.filter(
        message_id__in=conversation.messages.values("pk"), owner=conversation.owner_id, action=Action.CREATED
    )
    return events.values("memory").distinct().count()


def _used_by(conversation: Conversation) -> int:
    """Distinct memories that its answers were given."""
    rows = Func(F("recalled"), function="jsonb_array_elements", output_field=JSONField(), set_returning=True)
    receipts = Receipt.objects.filter(message__conversation=conversation).annotate(row=rows)
    return receipts.annotate(memory=KT("row__memory_id")).values("memory").distinct().count()
