"""The search of the page of memories: its filters, what is near in meaning, and why each was found."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from memories import profiles
from memories.access import MemoryAccess
from memories.engine import writing
from memories.engine.types import Candidate, Slot
from memories.models import Memory, Sector

pytestmark = pytest.mark.django_db

LIST = "/memories/"


@pytest.fixture
def tell(access: MemoryAccess) -> Callable[..., Memory]:
    """Something that Alice keeps."""

    def tell(content: str, **rest: object) -> Memory:
        written = writing.remember(access, Candidate(content, **rest))  # type: ignore[arg-type]  # fields of Candidate
        assert written.memory_id
        return Memory.objects.get(pk=written.memory_id)

    return tell


def shown(response: object) -> set[str]:
    found = response.context["found"]  # type: ignore[attr-defined]  # of the test client
    return {memory.content for memory in [*found.memories, *found.near]}


def text_of(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined]  # of the test client


def test_the_list_is_narrowed_by_sector(reader: Client, tell: Callable) -> None:
    tell("I live in Porto")
    tell("I braid my hair before rowing", sector=Sector.PROCEDURAL)

    assert shown(reader.get(LIST, {"sector": "procedural"})) == {"I braid my hair before rowing"}


def test_days_are_those_of_the_reader_and_both_belong_to_the_time_asked_for(
    reader: Client, tell: Callable, alice: User
) -> None:
    alice.time_zone = "Pacific/Auckland"
    alice.save()
    # In Auckland the first is the evening of the 9th, the second the first minute of the 10th, and so on.
    for hour, content in ((10, "I saw a heron"), (11, "I saw an owl"), (12, "I saw a stork")):
        tell(content, occurred_at=datetime(2024, 6, 9, hour + 1, 30, tzinfo=UTC))

    on_the_tenth = {"since": "2024-06-10", "until": "2024-06-10"}
    assert shown(reader.get(LIST, on_the_tenth)) == {"I saw an owl", "I saw a stork"}
    assert shown(reader.get(LIST, {"until": "2024-06-09"})) == {"I saw a heron"}
    assert shown(reader.post(LIST, {"query": "saw", **on_the_tenth})) == {"I saw an owl", "I saw a stork"}


@pytest.mark.parametrize("since", ["soon", "2024-02-30", "0001-01-01", "9999-12-31", "\x00", "2024-06-10T10:00"])
def test_a_day_that_is_none_narrows_nothing(reader: Client, tell: Callable, since: str) -> None:
    tell("I live in Porto")

    assert shown(reader.get(LIST, {"since": since, "until": since})) == {"I live in Porto"}


def test_a_time_that_ends_before_it_begins_is_refused_in_words(reader: Client, tell: Callable) -> None:
    tell("I live in Porto")

    response = reader.get(LIST, {"since": "2024-06-10", "until": "2024-06-09"})

    assert response.status_code == 422
    assert "ends before it begins" in text_of(response)
    assert shown(response) == set()


def test_archived_ones_and_earlier_versions_come_when_they_are_asked_for(reader: Client, tell: Callable) -> None:
    home = Slot("person", "home town")
    tell("I live in Porto", slot=home)
    tell("I moved to Lisbon", slot=home)

    assert shown(reader.get(LIST)) == {"I moved to Lisbon"}
    assert shown(reader.get(LIST, {"also": "archived"})) == {"I moved to Lisbon"}
    assert shown(reader.get(LIST, {"also": ["archived", "superseded"]})) == {"I moved to Lisbon", "I live in Porto"}
    assert "I live in Porto" in shown(reader.post(LIST, {"query": "porto", "also": "superseded"}))
    assert "I live in Porto" not in shown(reader.post(LIST, {"query": "porto"}))


def test_what_is_neither_archived_nor_an_earlier_version_does_not_come_along(reader: Client, tell: Callable) -> None:
    tell("I want a boat", confidence=0.6)

    assert shown(reader.get(LIST, {"also": "pending"})) == set()


def test_words_find_what_is_near_to_them_in_meaning_too(reader: Client, tell: Callable) -> None:
    tell("My home is a flat in Porto")
    tell("I play the cello")

    response = reader.post(LIST, {"query": "Where do I live?"})

    found = response.context["found"]
    assert [memory.content for memory in found.near] == ["My home is a flat in Porto"]
    assert found.memories == []
    assert "Near in meaning" in text_of(response)


def test_each_that_is_found_says_why(reader: Client, tell: Callable) -> None:
    held = tell("I play the cello in the evening")
    near = tell("The instrument that I play is a violoncello")

    found = reader.post(LIST, {"query": "cello"})

    why = found.context["found"].why
    assert set(why) == {held.pk, near.pk}
    assert all(each.sentence for each in why.values())
    assert text_of(found).count('<details class="why">') == 2
    assert '<details class="why">' not in text_of(reader.get(LIST))


def test_what_only_holds_a_part_of_a_word_says_that(reader: Client, tell: Callable) -> None:
    memory = tell("I collect xylophones")

    why = reader.post(LIST, {"query": "ylophon"}).context["found"].why[memory.pk]

    assert why.sentence == "Holds “ylophon”."


def test_nothing_of_somebody_else_is_near(reader: Client, bob: User) -> None:
    writing.remember(profiles.by_hand(bob, profiles.default_for(bob)), Candidate("My home is a flat in Porto"))

    assert shown(reader.post(LIST, {"query": "Where is my home in Porto?"})) == set()


def test_a_foreign_profile_is_as_empty_as_a_missing_one(
    reader: Client, tell: Callable, bobs_access: MemoryAccess
) -> None:
    writing.remember(bobs_access, Candidate("I live in Braga"))

    foreign = {"profile": str(bobs_access.profile.pk)}
    assert shown(reader.get(LIST, foreign)) == set()
    assert shown(reader.post(f"{LIST}?profile={bobs_access.profile.pk}", {"query": "Braga"})) == set()


def test_filters_without_words_go_into_the_address_and_words_never_do(reader: Client) -> None:
    chosen = {"sector": "procedural", "since": "2024-06-10", "also": ["archived", "superseded"]}

    without = reader.post(f"{LIST}?kind=fact&cursor={uuid.uuid4()}", {"query": " ", **chosen})
    with_words = reader.post(f"{LIST}?kind=fact", {"query": "secret words", **chosen})

    address = urlsplit(without["Location"])
    assert (without.status_code, address.path) == (302, reverse("memory-list"))
    assert parse_qs(address.query) == {
        "kind": ["fact"],
        "sector": ["procedural"],
        "since": ["2024-06-10"],
        "also": ["archived", "superseded"],
    }
    assert with_words.status_code == 200
    assert "secret+words" not in text_of(with_words)
    assert "secret%20words" not in text_of(with_words)


def test_while_one_types_the_address_follows_the_filters_alone(reader: Client, tell: Callable) -> None:
    tell("I braid my hair before rowing", sector=Sector.PROCEDURAL)
    tell("I live in Porto")
    chosen = {"sector": "procedural", "also": ["archived"]}

    for query in ("hair", ""):
        response = reader.post(LIST, {"query": query, **chosen}, headers={"HX-Request": "true"})

        assert shown(response) == {"I braid my hair before rowing"}
        assert response["HX-Replace-Url"] == f"{LIST}?sector=procedural&also=archived"


def test_the_filters_that_are_chosen_are_shown_as_chosen(reader: Client) -> None:
    page = text_of(reader.get(LIST, {"sector": "emotional", "since": "2024-06-10", "also": "archived"}))

    assert '<option value="emotional" selected>' in page
    assert 'value="2024-06-10"' in page
    assert 'value="archived" id="id_also_0" checked' in page
    assert '<details class="narrowing" open>' in page
    assert "sector=emotional" in page


@pytest.mark.parametrize("query", ["a\x00b", "x" * 1_001])
def test_words_that_recall_refuses_are_refused_in_a_sentence(reader: Client, query: str) -> None:
    response = reader.post(LIST, {"query": query})

    assert response.status_code == 422
    assert 'role="alert"' in text_of(response)


def test_a_search_asks_the_database_as_often_for_many_as_for_one(
    reader: Client, access: MemoryAccess, django_assert_max_num_queries: Callable
) -> None:
    writing.remember_all(access, [Candidate(f"Box {number} holds a hat") for number in range(40)], as_given=True)

    with django_assert_max_num_queries(20):
        reader.post(LIST, {"query": "hat"})
