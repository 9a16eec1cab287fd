"""What every page shows of conversations."""

from typing import Any

from django import template
from django.template.context import Context
from django.utils import timezone

from conversations.models import Conversation
from memorychat.lib.crypto import unlock

register = template.Library()

MOST_LISTED = 50


@register.inclusion_tag("conversations/_conversation_list.html", takes_context=True)
def conversation_list(context: Context) -> dict[str, Any]:
    """The person's latest conversations, those of today apart; the one that is open is marked."""
    rows = list(Conversation.objects.for_user(context["user"]).latest_first()[:MOST_LISTED])
    unlock(rows)
    today = timezone.localdate()
    groups: dict[str, list[Conversation]] = {"Today": [], "Earlier": []}
    for row in rows:
        groups["Today" if timezone.localdate(row.last_at) == today else "Earlier"].append(row)
    return {"groups": groups, "conversation": context.get("conversation")}
