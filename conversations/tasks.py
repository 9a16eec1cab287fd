"""What the worker does for conversations."""

import uuid

from conversations import episodes, learning, summarising, titles
from memorychat.jobs import enqueue, job, periodic


@job("conversations.write_episode", lock="episode {conversation_id}", queueing_lock="episode {conversation_id}")
def write_episode(conversation_id: uuid.UUID) -> None:
    episodes.write(conversation_id)


@job("conversations.learn", lock="learn {message_id}", queueing_lock="learn {message_id}")
def learn_from(message_id: uuid.UUID) -> None:
    # Before the learning, which marks the message: a worker that dies between them has it enqueued again.
    if conversation_id := episodes.due_with(message_id):
        enqueue(write_episode, conversation_id=conversation_id)
    learning.learn(message_id)


@job("conversations.name", lock="title {conversation_id}", queueing_lock="title {conversation_id}")
def name_conversation(conversation_id: uuid.UUID) -> None:
    titles.write(conversation_id)


@job("conversations.summarise", lock="summary {conversation_id}", queueing_lock="summary {conversation_id}")
def summarise(conversation_id: uuid.UUID) -> None:
    summarising.write(conversation_id)


@periodic("conversations.learn_abandoned", cron="* * * * *")
def learn_from_abandoned() -> None:
    """Nothing acknowledged is lost: what no reply ended to enqueue is enqueued here."""
    learning.enqueue_abandoned(learn_from)
