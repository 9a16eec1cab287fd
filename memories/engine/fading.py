"""Setting aside what has faded: what was neither said nor used for half a year and matters little by now.

Never what a person put their hand to: what they wrote, asked to remember, pinned, corrected, confirmed, adjusted or
brought back. Nor one-valued facts: where somebody lives does not fade.
"""

import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from memories.access import MemoryAccess
from memories.engine import changes
from memories.engine.ledger import Act
from memories.engine.scoring import salience_in_sql
from memories.engine.types import NotAllowed
from memories.models import (
    Action,
    Memory,
    MemoryEvent,
    MemoryProfile,
    MemoryQuerySet,
    Origin,
    PrivacyMode,
    Status,
)
from memorychat.lib.identifiers import uuid7

log = structlog.get_logger(__name__)

OLD_AFTER = timedelta(days=180)
FADED_BELOW = 0.3
AT_ONCE = 200
REASON = "It had faded."

BY_HAND = (Action.REVISED, Action.CONFIRMED, Action.ADJUSTED, Action.RESTORED, Action.UNDONE)
# Programs say of their own accord how sure they are; in a conversation, only what was asked for is certain.
PROGRAMS = (Origin.API, Origin.MCP, Origin.IMPORT)


@dataclass
class Fading:
    """What one run did: old memories that it looked at, and how many of each sector it archived."""

    looked_at: int = 0
    archived: Counter[str] = field(default_factory=Counter)


def archive_faded() -> Fading:
    """One change in each profile, which can be undone. Running it again finds nothing more."""
    run, now = Fading(), timezone.now()
    for profile_id in _profiles_with_faded(run, now):
        profile = MemoryProfile.objects.select_related("owner").get(pk=profile_id)
        access = MemoryAccess(profile, PrivacyMode.NORMAL, actor=None, door=Origin.SYSTEM)
        # Whoever deleted the profile in this moment has set all of it aside.
        with suppress(NotAllowed):
            _archive(access, run, now)
    log.info("faded_archived", looked_at=run.looked_at, archived=run.archived.total(), sectors=dict(run.archived))
    return run


def not_by_hand(memories: MemoryQuerySet) -> MemoryQuerySet:
    """Those that no person wrote, asked to remember, pinned or changed: the machine may set them aside."""
    touched = MemoryEvent.objects.filter(memory=OuterRef("pk"), action__in=BY_HAND, actor__isnull=False)
    unsure = Q(confidence__lt=1) | Q(origin__in=PROGRAMS)
    return memories.filter(unsure, ~Exists(touched), pinned=False).exclude(origin__in=[Origin.MANUAL, Origin.ADMIN])


def _profiles_with_faded(run: Fading, now: datetime) -> Iterator[uuid.UUID]:
    """Piece by piece, by their keys."""
    last = uuid.UUID(int=0)
    while profiles := _next_profiles(last):
        last = profiles[-1]
        run.looked_at += _old(now).filter(profile__in=profiles).count()
        yield from _faded(now).filter(profile__in=profiles).values_list("profile", flat=True).distinct()


def _next_profiles(last: uuid.UUID) -> list[uuid.UUID]:
    rows = MemoryProfile.objects.active().filter(pk__gt=last).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:AT_ONCE])


def _old(now: datetime) -> MemoryQuerySet:
    """What was neither said nor used for long, one-valued facts apart."""
    then = now - OLD_AFTER
    return Memory.objects.filter(status=Status.ACTIVE, slot=None, last_said_at__lt=then, salience_at__lt=then)


def _faded(now: datetime) -> MemoryQuerySet:
    return not_by_hand(_old(now)).alias(matters=salience_in_sql(now)).filter(matters__lt=FADED_BELOW)


def _archive(access: MemoryAccess, run: Fading, now: datetime) -> None:
    change_id = uuid7()
    while _archive_some(access, change_id, run, now) == AT_ONCE:
        pass


def _archive_some(access: MemoryAccess, change_id: uuid.UUID, run: Fading, now: datetime) -> int:
    """Few at a time, so that whoever writes to this profile does not wait for all."""
    with changes.locked(access) as profile:
        act = Act(access, reason=REASON, change_id=change_id)
        faded = list(_faded(now).filter(profile=profile).select_related("profile__owner").order_by("pk")[:AT_ONCE])
        for memory in faded:
            changes.change(act, memory, Action.ARCHIVED, status=Status.ARCHIVED)
    run.archived.update(memory.sector for memory in faded)
    return len(faded)
