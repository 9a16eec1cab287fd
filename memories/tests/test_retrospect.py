from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from memories import profiles, retrospect
from memories.access import MemoryAccess
from memories.engine import writing
from memories.engine.types import Candidate, Slot
from memories.models import MemoryEvent, MemoryProfile

pytestmark = pytest.mark.django_db

HOME = Slot("person", "home town")


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """What is written inside was written then."""
    known = set(MemoryEvent.objects.values_list("pk", flat=True))
    yield
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE memories_memoryevent DISABLE TRIGGER USER")
        MemoryEvent.objects.exclude(pk__in=known).update(created_at=moment)
        cursor.execute("ALTER TABLE memories_memoryevent ENABLE TRIGGER USER")


def address(profile: MemoryProfile) -> str:
    return reverse("profile-history", args=[profile.pk])


def text_of(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined]  # of the test client


def rows(response: object) -> list[tuple[str, str]]:
    return [(row.held.content, row.since) for row in response.context["rows"]]  # type: ignore[attr-defined]


def test_a_day_shows_what_was_held_and_what_became_of_it(reader: Client, access: MemoryAccess) -> None:
    may, june = datetime(2024, 5, 3, 12, tzinfo=UTC), datetime(2024, 6, 3, 12, tzinfo=UTC)
    with at(may):
        writing.remember(access, Candidate("I live in Porto", slot=HOME))
        boat = writing.remember(access, Candidate("I own a boat")).memory_id
        cello = writing.remember(access, Candidate("I play the cello")).memory_id
        writing.remember(access, Candidate("I am left-handed"))
    assert boat
    assert cello
    with at(june):
        writing.remember(access, Candidate("I moved to Lisbon", slot=HOME))
        writing.forget(access, boat)
        writing.revise(access, cello, "I play the viola")

    before = reader.get(address(access.profile), {"on": "2024-05-02"})
    then = reader.get(address(access.profile), {"on": "2024-05-03"})
    now = reader.get(address(access.profile))

    assert rows(before) == []
    assert rows(then) == [
        ("I am left-handed", ""),
        ("I play the cello", "Worded otherwise since"),
        ("I own a boat", "Forgotten since"),
        ("I live in Porto", "Superseded since"),
    ]
    assert "I moved to Lisbon" in text_of(then)
    assert "I play the viola" in text_of(then)
    assert {content for content, _ in rows(now)} == {"I am left-handed", "I moved to Lisbon", "I play the viola"}
    assert {since for _, since in rows(now)} == {""}


def test_the_day_ends_where_its_reader_lives(reader: Client, alice: User, access: MemoryAccess) -> None:
    alice.time_zone = "Pacific/Auckland"
    alice.save()
    with at(datetime(2024, 6, 9, 11, tzinfo=UTC)):
        writing.remember(access, Candidate("I saw a heron"))
    with at(datetime(2024, 6, 9, 13, tzinfo=UTC)):
        writing.remember(access, Candidate("I saw an owl"))

    assert rows(reader.get(address(access.profile), {"on": "2024-06-09"})) == [("I saw a heron", "")]
    assert len(rows(reader.get(address(access.profile), {"on": "2024-06-10"}))) == 2


def test_a_day_to_come_is_today(reader: Client, access: MemoryAccess) -> None:
    writing.remember(access, Candidate("I own a boat"))
    tomorrow = timezone.localdate() + timedelta(days=2)

    response = reader.get(address(access.profile), {"on": tomorrow.isoformat()})

    assert rows(response) == [("I own a boat", "")]
    assert response.context["day"] <= timezone.localdate()


@pytest.mark.parametrize("on", ["soon", "2024-02-30", "0001-01-01", "9999-12-31", "\x00"])
def test_a_day_that_is_none_is_told_so(reader: Client, access: MemoryAccess, on: str) -> None:
    response = reader.get(address(access.profile), {"on": on})

    assert response.status_code == 422
    assert "no day that can be looked back to" in text_of(response)


def test_older_memories_are_a_page_away(reader: Client, access: MemoryAccess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrospect, "PAGE_SIZE", 2)
    for number in range(3):
        writing.remember(access, Candidate(f"Box {number} holds hat{number}"))

    first = reader.get(address(access.profile))
    second = reader.get(address(access.profile), {"cursor": str(first.context["next"])})

    assert [len(rows(page)) for page in (first, second)] == [2, 1]
    assert second.context["next"] is None
    assert first.context["count"] == second.context["count"] == 3


def test_a_stranger_looks_back_at_nothing(reader: Client, client: Client, bob: User, profile: MemoryProfile) -> None:
    foreign = profiles.default_for(bob)
    anonymous = Client()

    assert reader.get(address(profile)).status_code == 200
    assert reader.get(address(foreign)).status_code == 404
    assert anonymous.get(address(profile)).status_code == 302


def test_a_deleted_profile_is_not_looked_back_at(reader: Client, alice: User) -> None:
    work = profiles.create(alice, "Work")
    profiles.delete(work)

    assert reader.get(address(work)).status_code == 404


def test_the_list_of_profiles_leads_there(reader: Client, profile: MemoryProfile) -> None:
    assert address(profile) in text_of(reader.get(reverse("profile-list")))


def test_the_queries_do_not_grow_with_what_was_held(
    reader: Client, access: MemoryAccess, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    writing.remember_all(access, [Candidate(f"Box {number} holds a hat") for number in range(30)], as_given=True)

    with django_assert_max_num_queries(16):
        reader.get(address(access.profile))
