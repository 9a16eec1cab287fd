import logging
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from conversations import keeping, searching
from conversations.models import Conversation, Message
from conversations.searching import Found, QueryTooShort, search
from conversations.tests.test_branches import texts
from conversations.tests.test_turns import answer, say
from conversations.turns import Turn
from memories import profiles
from memories.engine import writing
from memories.engine.types import Candidate
from memories.models import Memory, PrivacyMode
from memorychat.lib.text import TextError

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def turn(alice: User) -> Turn:
    said = say(alice, "Planning the garden")
    answer(said, "A quince in the corner would do well.")
    return said


def words_of(found: Found) -> list[str]:
    return ["".join(piece.text for piece in each.words) for each in found.messages]


def text_of(response: Any) -> str:
    return str(response.content.decode())


def remember(user: User, content: str) -> Memory:
    written = writing.remember(profiles.by_hand(user, profiles.default_for(user)), Candidate(content))
    assert written.memory_id
    return Memory.objects.get(pk=written.memory_id)


def test_titles_messages_and_memories_are_found_by_parts_of_words(alice: User, turn: Turn) -> None:
    remember(alice, "My garden faces south")
    found = search(alice, "ARDEN")
    assert [each.conversation.title for each in found.conversations] == ["Planning the garden"]
    assert words_of(found) == ["Planning the garden"]
    assert [each.memory.content for each in found.memories] == ["My garden faces south"]
    assert words_of(search(alice, "quince corner")) == ["A quince in the corner would do well."]
    assert search(alice, "quince medlar").is_empty


@pytest.mark.parametrize("query", ["jose", "JOSÉ", "José's", "jose\u0301"])
def test_case_and_accents_do_not_matter(alice: User, query: str) -> None:
    answer(say(alice, "I met José’s brother."))
    assert words_of(search(alice, query)) == ["I met José’s brother."]


@pytest.mark.parametrize("query", ["a", "é", " x ", "\u0301"])
def test_too_short_a_query_finds_nearly_everything_and_is_refused(alice: User, query: str) -> None:
    with pytest.raises(QueryTooShort):
        search(alice, query)


@pytest.mark.parametrize("query", ["", "x" * 1_001, "ab\x00", "ab\ud800"])
def test_what_is_no_query_is_refused(alice: User, query: str) -> None:
    with pytest.raises(TextError):
        search(alice, query)


def test_nobody_finds_what_is_another_person_s(bob: User, alice: User, turn: Turn) -> None:
    remember(alice, "My garden faces south")
    assert search(bob, "garden").is_empty


def test_a_message_of_a_branch_that_is_not_shown_is_found_there(alice: User, reader: Client, turn: Turn) -> None:
    answer(say(alice, "Planning the roof", conversation_id=turn.conversation_id, edits=turn.id))
    [found] = search(alice, "quince").messages
    assert (found.place, found.is_shown) == (turn.id, False)
    address = reverse("found-elsewhere", args=[turn.conversation_id, turn.id])
    assert address in text_of(reader.post(reverse("search"), {"query": "quince"}))
    assert reverse("show-version", args=[turn.conversation_id, turn.id]) in text_of(reader.get(address))
    reader.post(reverse("show-version", args=[turn.conversation_id, turn.id]))
    assert texts(Conversation.objects.get())[0] == "Planning the garden"
    assert search(alice, "quince").messages[0].is_shown


def test_what_is_archived_is_found(alice: User, turn: Turn) -> None:
    assert turn.conversation_id
    keeping.archive(alice, turn.conversation_id)
    assert len(search(alice, "garden").conversations) == 1


def test_the_newest_come_first_and_the_rest_is_told_of(alice: User) -> None:
    for number in range(4):
        answer(say(alice, f"Quince number {number}"))
    found = search(alice, "quince", most=3)
    assert words_of(found) == ["Quince number 3", "Quince number 2", "Quince number 1"]
    assert found.is_cut
    assert not search(alice, "quince", most=4).is_cut


def test_only_the_newest_messages_are_looked_through(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "MOST_READ", 4)
    monkeypatch.setattr(searching, "AT_ONCE", 2)
    for words in ("oldest quince", "older plum", "newest plum"):
        answer(say(alice, words))
    assert words_of(search(alice, "plum")) == ["newest plum", "older plum"]
    assert search(alice, "oldest quince").messages == []


def test_an_incognito_message_is_nowhere_to_be_found(alice: User) -> None:
    say(alice, "Planning a secret quince", PrivacyMode.INCOGNITO)
    assert search(alice, "quince").is_empty


def test_the_words_reach_no_statement_of_sql_and_no_log(
    reader: Client, turn: Turn, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        CaptureQueriesContext(
            connection,
        ) as queries,
        caplog.at_level(logging.DEBUG),
    ):
        response = reader.post(reverse("search"), {"query": "quince"})
    assert "<mark>quince</mark>" in text_of(response)
    assert "quince" not in str(queries.captured_queries)
    assert "quince" not in caplog.text


def test_a_page_gives_a_page_and_the_palette_a_fragment(reader: Client, turn: Turn) -> None:
    page = text_of(reader.post(reverse("search"), {"query": "quince"}))
    fragment = text_of(reader.post(reverse("search"), {"query": "quince"}, headers=HTMX))
    assert "<html" in page
    assert "<html" not in fragment
    for shown in (page, fragment):
        assert reverse("message", args=[turn.id]) in shown
        assert "A <mark>quince</mark> in the corner" in shown


def test_what_was_said_is_shown_as_text(reader: Client, alice: User) -> None:
    answer(say(alice, "<script>quince</script>"))
    shown = text_of(reader.post(reverse("search"), {"query": "quince"}, headers=HTMX))
    assert "&lt;script&gt;<mark>quince</mark>&lt;/script&gt;" in shown


@pytest.mark.parametrize(("query", "says"), [("q", "at least 2"), ("nowhere", "Nothing holds"), ("x" * 1_001, "long")])
def test_what_finds_nothing_says_so(reader: Client, turn: Turn, query: str, says: str) -> None:
    for headers in ({}, HTMX):
        response = reader.post(reverse("search"), {"query": query}, headers=headers)
        assert says in text_of(response)
    assert response.status_code == 200


def test_an_empty_field_brings_the_list_back(reader: Client) -> None:
    assert text_of(reader.post(reverse("search"), {"query": " "}, headers=HTMX)).strip() == ""


def test_words_in_the_address_are_not_looked_for(reader: Client, turn: Turn) -> None:
    assert "<mark>" not in text_of(reader.get(reverse("search"), {"query": "quince"}))


def test_a_stranger_is_led_to_the_sign_in(client: Client) -> None:
    for response in (client.get(reverse("search")), client.post(reverse("search"), {"query": "quince"})):
        assert response["Location"].startswith(reverse("account_login"))


def test_a_message_that_is_no_more_leads_nowhere(reader: Client, turn: Turn) -> None:
    assert reader.get(reverse("found-elsewhere", args=[turn.conversation_id, uuid.uuid4()])).status_code == 404
    assert Message.objects.count() == 2
