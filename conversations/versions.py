"""Flipping between what was said in one place: the branch that is shown, and goes on, is chosen by its message."""

import uuid

from django.db import transaction

from accounts.models import User
from conversations import turns
from conversations.branches import Tree
from conversations.models import Conversation, Message
from conversations.news import announce_change
from conversations.turns import TurnRefused, UnknownConversation


def show(user: User, conversation_id: uuid.UUID, message_id: uuid.UUID) -> Message:
    """From here on the newest branch through this message is shown; the question of its turn is answered.

    Raises UnknownConversation, UnknownMessage, TurnRefused.
    """
    with transaction.atomic(durable=True):
        rows = Conversation.objects.for_user(user).select_for_update(no_key=True, of=("self",))
        conversation = rows.filter(pk=conversation_id).first()
        if conversation is None:
            raise UnknownConversation
        leaf = Tree.of(conversation).end_of(message_id)
        if conversation.answering and turns.is_being_answered(user, conversation.answering):
            raise TurnRefused("An answer is being written. Wait for it, or stop it.", code="being_answered")
        conversation.leaf_id = leaf
        conversation.save(update_fields=["leaf_id"])
        announce_change(conversation)
    shown = Message.objects.select_related("conversation", "parent__conversation").get(pk=message_id)
    return shown.parent if shown.is_answer and shown.parent else shown
