"""What every page shows of conversations."""

from typing import Any

from django import template
from django.template.context import Context

from conversations.sidebar import groups_of

register = template.Library()


@register.inclusion_tag("conversations/_conversation_list.html", takes_context=True)
def conversation_list(context: Context) -> dict[str, Any]:
    """The person's conversations; the one that is open is marked."""
    conversation = context.get("conversation")
    return {"groups": groups_of(context["user"]), "open_id": conversation.pk if conversation else None}
