"""What the worker does for conversations."""

import uuid

from conversations import learning
from memorychat.jobs import job, periodic


@job("conversations.learn", lock="learn {message_id}", queueing_lock="learn {message_id}")
def learn_from(message_id: uuid.UUID) -> None:
    learning.learn(message_id)


@periodic("conversations.learn_abandoned", cron="* * * * *")
def learn_from_abandoned() -> None:
    """Nothing acknowledged is lost: what no reply ended to enqueue is enqueued here."""
    learning.enqueue_abandoned(learn_from)
