"""What the worker does for memories."""

from memories.engine import index
from memorychat.jobs import periodic

AT_ONCE = 200


@periodic("memories.embed_missing", cron="* * * * *")
def embed_missing() -> None:
    """Memories that were saved while the embedder was down, or before it was changed, get their vectors."""
    while index.embed_missing(AT_ONCE):
        pass
