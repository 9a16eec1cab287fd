"""Links between recallable memories that are near to each other: to at most five neighbours, one row a pair.

They are derived from the vectors, under the lock of the profile: made with a memory, and made anew when it is reworded,
hidden or shown again.
"""

import uuid
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Q
from pgvector import HalfVector
from pgvector.django import CosineDistance

from memories.models import Action, Memory, MemoryEmbedding, MemoryLink, MemoryProfile
from memorychat.llm.providers import get_embedder
from memorychat.llm.types import Vector

MOST_LINKS = 5
AT_ONCE = 50
LINKED = 0.80  # on the common scale of similarity


Near = Sequence[tuple[uuid.UUID, float]]


def nearest(
    profile: MemoryProfile, vector: Sequence[float] | Vector, most: int, *, but: uuid.UUID | None = None
) -> Near:
    """The recallable memories nearest to a vector, with their positions on the common scale, nearest first.

    From the covering index alone: the memories themselves are read after the cut.
    """
    embedder = get_embedder(profile)
    rows = MemoryEmbedding.objects.filter(profile=profile, model=embedder.name, recallable=True)
    if but is not None:
        rows = rows.exclude(memory=but)
    rows = rows.annotate(distance=CosineDistance("embedding", HalfVector([float(each) for each in vector])))
    found = rows.order_by("distance").values_list("memory_id", "distance")[:most]
    return [(memory_id, embedder.calibration.position(1 - distance)) for memory_id, distance in found]


def connect(memory: Memory, near: Near) -> None:
    """Link a recallable memory that has no links yet to the first of these that are near enough."""
    connect_all([(memory, near)])


def connect_all(found: Sequence[tuple[Memory, Near]]) -> None:
    """The same for several."""
    MemoryLink.objects.bulk_create(
        (
            MemoryLink(
                profile=memory.profile, one_id=min(memory.pk, other), other_id=max(memory.pk, other), weight=weight
            )
            for memory, near in found
            for other, weight in near[:MOST_LINKS]
            if weight > LINKED
        ),
        ignore_conflicts=True,
    )


def connect_all_of(change_id: uuid.UUID) -> None:
    """Link what a list brought, a few at a time: nobody who writes into the profile is kept waiting for long."""
    brought = Memory.objects.filter(events__change_id=change_id, events__action=Action.CREATED).order_by("pk")
    ids = list(brought.values_list("pk", flat=True))
    for start in range(0, len(ids), AT_ONCE):
        some = Memory.objects.filter(pk__in=ids[start : start + AT_ONCE])
        with transaction.atomic(durable=True):
            profiles = MemoryProfile.objects.filter(pk__in=some.values("profile"))
            list(profiles.select_for_update(no_key=True).order_by("pk"))
            # Only under the lock is it sure which of them hold.
            for memory in some.select_related("profile"):
                renew(memory)


def cut(memory_ids: Sequence[uuid.UUID]) -> None:
    """Take away all links of these."""
    MemoryLink.objects.filter(Q(one__in=memory_ids) | Q(other__in=memory_ids)).delete()


def renew(memory: Memory) -> None:
    """After it was reworded, hidden or shown again."""
    cut([memory.pk])
    if not memory.is_recallable:
        return
    stored = MemoryEmbedding.objects.filter(memory=memory, model=get_embedder(memory.profile).name).first()
    if stored is not None:
        connect(memory, nearest(memory.profile, stored.embedding, MOST_LINKS, but=memory.pk))
