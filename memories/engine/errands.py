"""What the write gate leaves to the worker. The clock's own work stands in `memories.tasks`, above the gate."""

import uuid
from datetime import timedelta

from memories.engine import index, links, summaries
from memories.models import MemoryProfile
from memorychat.jobs import enqueue, job

AT_ONCE = 200
# Changes come in flocks: one summary for all of a minute.
SUMMARISED_AFTER = timedelta(minutes=1)


@job("memories.embed_missing", queueing_lock="memories.embed_missing")
def embed_missing() -> None:
    """Memories that were saved while the embedder was down, or before it was changed, get their vectors."""
    while index.embed_missing(AT_ONCE):
        pass


@job("memories.link", queueing_lock="memories.link {change_id}")
def link(change_id: uuid.UUID) -> None:
    """What a list brought is linked after it is written."""
    links.connect_all_of(change_id)


@job("memories.summarise", lock="summary {profile_id}", queueing_lock="summary {profile_id}")
def summarise(profile_id: uuid.UUID) -> None:
    summaries.refresh(profile_id)


def summarise_later(profile: MemoryProfile) -> None:
    """In the transaction that changed it. A summary that may tell what holds no longer is taken away at once."""
    if not summaries.is_behind(profile):
        return
    if summaries.tells_too_much(profile):
        MemoryProfile.objects.filter(pk=profile.pk).update(summary=None)
    enqueue(summarise, after=SUMMARISED_AFTER, profile_id=profile.pk)
