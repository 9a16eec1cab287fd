"""What the worker does for memories."""

from memories.engine import index
from memorychat.jobs import enqueue, job, periodic

AT_ONCE = 200


@job("memories.embed_missing", queueing_lock="memories.embed_missing")
def embed_missing() -> None:
    """Memories that were saved while the embedder was down, or before it was changed, get their vectors."""
    while index.embed_missing(AT_ONCE):
        pass


@periodic("memories.embed_missing_hourly", cron="17 * * * *")
def embed_missing_hourly() -> None:
    enqueue(embed_missing)
