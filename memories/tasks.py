"""What the worker does for memories by the clock; what a change leaves to it stands in `memories.engine.errands`."""

from memories.engine import fading
from memories.engine.errands import embed_missing
from memorychat.jobs import enqueue, periodic


@periodic("memories.embed_missing_hourly", cron="17 * * * *")
def embed_missing_hourly() -> None:
    enqueue(embed_missing)


@periodic("memories.archive_faded", cron="23 */6 * * *")
def archive_faded() -> None:
    fading.archive_faded()
