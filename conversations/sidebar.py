"""The conversations of a person as lists show them: what is pinned, then the latest by days, and apart the archived."""

from dataclasses import dataclass, field
from datetime import date, timedelta

from django.core.paginator import Page, Paginator
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from conversations.models import Conversation
from memorychat.lib.crypto import unlock

MOST_LISTED = 50
PAGE_SIZE = 50
PINNED, TODAY, YESTERDAY, WEEK, EARLIER = "Pinned", "Today", "Yesterday", "Last 7 days", "Earlier"


@dataclass
class Group:
    """Conversations under one heading. A conversation that begins now comes first in the one that is `newest`."""

    heading: str
    conversations: list[Conversation] = field(default_factory=list)

    @property
    def is_newest(self) -> bool:
        return self.heading == TODAY


def groups_of(user: User) -> list[Group]:
    """What is pinned, and the latest of the others."""
    kept = Conversation.objects.for_user(user).archived(False)
    rows = list(kept.order_by(F("pinned_at").desc(nulls_last=True), "-last_at")[:MOST_LISTED])
    unlock(rows)
    groups = {heading: Group(heading) for heading in (PINNED, TODAY, YESTERDAY, WEEK, EARLIER)}
    today = timezone.localdate()
    for row in rows:
        heading = PINNED if row.pinned_at else _heading_of(timezone.localdate(row.last_at), today)
        groups[heading].conversations.append(row)
    return list(groups.values())


def page_of(user: User, number: str, *, archived: bool) -> Page[Conversation]:
    """A page of all that are archived, or of all that are not: the one that was spoken in last comes first."""
    rows = Conversation.objects.for_user(user).archived(archived).order_by("-last_at", "-pk")
    page = Paginator(rows, PAGE_SIZE).get_page(number)
    page.object_list = list(page.object_list)
    unlock(page.object_list)
    return page


def _heading_of(day: date, today: date) -> str:
    if day >= today:
        return TODAY
    if day == today - timedelta(days=1):
        return YESTERDAY
    return WEEK if day > today - timedelta(days=7) else EARLIER
