"""What the open pages of a person are told, whichever page, program or job it came from: ids, and no words."""

from conversations.models import Conversation
from memorychat.lib.notify import announce


def announce_change(conversation: Conversation) -> None:
    """The other pages of this person look again, once this is committed."""
    announce(conversation.owner_id, "conversation.changed", {"conversation": str(conversation.pk)})
