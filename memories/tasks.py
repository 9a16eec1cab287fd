"""What the worker does for memories by the clock; what a change leaves to it stands in `memories.engine.errands`."""

import uuid

from memories.engine import consolidation, fading
from memories.engine.errands import embed_missing
from memories.models import MemoryProfile
from memorychat.jobs import enqueue, job, periodic


@periodic("memories.embed_missing_hourly", cron="17 * * * *")
def embed_missing_hourly() -> None:
    enqueue(embed_missing)


@periodic("memories.archive_faded", cron="23 */6 * * *")
def archive_faded() -> None:
    fading.archive_faded()


@job("memories.consolidate", lock="consolidate {profile_id}", queueing_lock="consolidate {profile_id}")
def consolidate(profile_id: uuid.UUID) -> None:
    profile = MemoryProfile.objects.active().select_related("owner").filter(pk=profile_id).first()
    if profile is not None:
        consolidation.consolidate(profile)


@periodic("memories.consolidate_nightly", cron="41 3 * * *")
def consolidate_nightly() -> None:
    for profile_id in consolidation.changed_lately():
        enqueue(consolidate, profile_id=profile_id)
