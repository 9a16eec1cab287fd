import json
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from conversations import keeping, turns
from conversations.learning import learn
from conversations.models import Conversation, Message, MessageStatus
from conversations.sidebar import MOST_LISTED, groups_of
from conversations.tests.test_turns import answer, say
from conversations.turns import Turn
from memories.models import Memory, Status

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
BY_POST = ["pin", "unpin", "archive", "unarchive", "rename", "delete"]
BY_GET = ["options", "rename", "delete", "export-markdown", "export-json"]


@pytest.fixture
def turn(alice: User) -> Turn:
    said = say(alice, "I live in <Porto>.")
    answer(said, "Noted *well*.")
    return said


def at(name: str, turn: Turn, *more: uuid.UUID) -> str:
    return reverse(name, args=[turn.conversation_id, *more])


def the_conversation() -> Conversation:
    return Conversation.objects.select_related("owner").get()


def text_of(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined]  # of the test client


def listed(user: User) -> dict[str, list[str]]:
    groups = {group.heading: [row.title for row in group.conversations] for group in groups_of(user)}
    return {heading: titles for heading, titles in groups.items() if titles}


def test_pinned_ones_come_first_then_days_and_the_archived_nowhere(alice: User) -> None:
    for days, words in enumerate(("today", "yesterday", "this week", "old", "pinned", "archived")):
        said = say(alice, words)
        ago = timedelta(days={2: 5, 3: 30}.get(days, days))
        assert said.conversation_id
        Conversation.objects.filter(pk=said.conversation_id).update(last_at=timezone.now() - ago)
        if words in ("pinned", "archived"):
            (keeping.pin if words == "pinned" else keeping.archive)(alice, said.conversation_id)
    assert listed(alice) == {
        "Pinned": ["pinned"],
        "Today": ["today"],
        "Yesterday": ["yesterday"],
        "Last 7 days": ["this week"],
        "Earlier": ["old"],
    }


def test_the_day_is_that_of_the_reader(alice: User) -> None:
    say(alice, "late")
    Conversation.objects.update(last_at=timezone.now())
    with timezone.override("Pacific/Kiritimati"):
        east = timezone.localdate()
        assert listed(alice) == {"Today": ["late"]}
    with timezone.override("Pacific/Pago_Pago"):
        assert timezone.localdate() < east
        assert listed(alice) == {"Today": ["late"]}


def test_nobody_sees_another_person_s_list(alice: User, bob: User, client: Client, turn: Turn) -> None:
    client.force_login(bob)
    for name in ("shelf", "shelf-archived", "sidebar-list"):
        assert "Porto" not in text_of(client.get(reverse(name)))
    assert listed(bob) == {}


def test_the_number_of_queries_does_not_grow_with_the_list(
    reader: Client, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(12):
        say(alice, f"Number {number}")
    with django_assert_max_num_queries(14):
        reader.get(reverse("shelf"))
    with django_assert_max_num_queries(10):
        reader.get(reverse("sidebar-list"))


def test_a_long_list_has_pages(reader: Client, alice: User) -> None:
    for number in range(MOST_LISTED + 2):
        said = say(alice, f"Number {number:02}")
        assert said.conversation_id
        Conversation.objects.filter(pk=said.conversation_id).update(last_at=timezone.now() - timedelta(days=number + 2))
    second = text_of(reader.get(reverse("shelf"), {"page": "2"})).split('class="rows shelf"')[1]
    assert "Number 51" in second
    assert "Number 49" not in second
    assert reader.get(reverse("shelf"), {"page": "nonsense"}).status_code == 200
    assert reader.get(reverse("shelf"), {"page": "99"}).status_code == 200


def test_empty_lists_say_so(reader: Client) -> None:
    assert "No conversations yet." in text_of(reader.get(reverse("shelf")))
    assert "Nothing is archived." in text_of(reader.get(reverse("shelf-archived")))


@pytest.mark.parametrize("name", BY_POST)
def test_a_foreign_conversation_and_a_missing_one_are_the_same(
    client: Client, bob: User, turn: Turn, name: str
) -> None:
    client.force_login(bob)
    address = f"conversation-{name}"
    for missing in (turn.conversation_id, uuid.uuid4()):
        assert client.post(reverse(address, args=[missing]), {"title": "Mine"}).status_code == 404
        assert client.post(reverse(address, args=[missing]), {"title": "Mine"}, headers=HTMX).status_code == 404
    assert the_conversation().title == "I live in <Porto>."


@pytest.mark.parametrize("name", BY_GET)
def test_a_stranger_sees_no_page_of_a_conversation(client: Client, bob: User, turn: Turn, name: str) -> None:
    client.force_login(bob)
    for missing in (turn.conversation_id, uuid.uuid4()):
        assert client.get(reverse(f"conversation-{name}", args=[missing])).status_code == 404
    client.logout()
    assert client.get(at(f"conversation-{name}", turn))["Location"].startswith(reverse("account_login"))


def test_a_stranger_deletes_and_finds_no_turn(client: Client, bob: User, turn: Turn) -> None:
    client.force_login(bob)
    for name in ("turn-delete", "found-elsewhere"):
        assert client.get(at(name, turn, turn.id)).status_code == 404
    assert client.post(at("turn-delete", turn, turn.id)).status_code == 404
    assert Message.objects.count() == 2


@pytest.mark.parametrize("name", ["pin", "unpin", "archive", "unarchive"])
def test_a_link_alone_changes_nothing(reader: Client, turn: Turn, name: str) -> None:
    assert reader.get(at(f"conversation-{name}", turn)).status_code == 405


@pytest.mark.parametrize(
    ("name", "where", "shown"),
    [
        ("pin", "shelf", "Pinned"),
        ("unpin", "shelf", "Porto"),
        ("archive", "shelf-archived", "Unarchive"),
        ("unarchive", "shelf", "Porto"),
    ],
)
def test_a_plain_form_leads_to_the_list_in_which_it_stands_now(
    reader: Client, turn: Turn, name: str, where: str, shown: str
) -> None:
    response = reader.post(at(f"conversation-{name}", turn))
    assert response["Location"] == reverse(where)
    assert shown in text_of(reader.get(where and reverse(where))).split('class="rows shelf"')[1]


def test_the_sidebar_gets_its_list_anew_with_the_open_one_marked(reader: Client, turn: Turn) -> None:
    page = at("conversation", turn)
    headers = {**HTMX, "HX-Current-URL": f"http://testserver{page}?before={uuid.uuid4()}"}
    shown = text_of(reader.post(at("conversation-pin", turn), headers=headers))
    assert "<html" not in shown
    assert f'href="{page}" aria-current="page"' in shown
    assert "<h2>Pinned</h2>" in shown
    elsewhere = text_of(reader.get(reverse("sidebar-list"), headers={**HTMX, "HX-Current-URL": "http://x/nowhere"}))
    assert "aria-current" not in elsewhere


def test_the_menu_offers_what_can_be_done_with_it_now(reader: Client, turn: Turn) -> None:
    menu = text_of(reader.get(at("conversation-options", turn), headers=HTMX))
    assert "<html" not in menu
    assert at("conversation-pin", turn) in menu
    assert at("conversation-archive", turn) in menu
    reader.post(at("conversation-archive", turn))
    page = text_of(reader.get(at("conversation-options", turn)))
    assert at("conversation-unarchive", turn) in page
    assert at("conversation-delete", turn) in page


def test_a_title_is_written_anew_in_its_place_or_on_a_page(reader: Client, turn: Turn) -> None:
    address = at("conversation-rename", turn)
    assert 'value="I live in &lt;Porto&gt;."' in text_of(reader.get(address, headers=HTMX))
    shown = text_of(reader.post(address, {"title": "<b>Move</b>"}, headers=HTMX))
    assert "&lt;b&gt;Move&lt;/b&gt;" in shown
    assert reader.post(address, {"title": "My move"})["Location"] == at("conversation", turn)
    assert (the_conversation().title, the_conversation().is_renamed) == ("My move", True)


@pytest.mark.parametrize("title", ["", "  ", "x" * 101, "a\x00b"])
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_what_is_no_title_comes_back_with_a_sentence(
    reader: Client, turn: Turn, title: str, headers: dict[str, str]
) -> None:
    response = reader.post(at("conversation-rename", turn), {"title": title}, headers=headers)
    assert response.status_code == 422
    assert "errorlist" in text_of(response)
    assert not the_conversation().is_renamed


def test_before_a_conversation_is_deleted_its_memories_are_shown(reader: Client, turn: Turn) -> None:
    learn(turn.id)
    shown = text_of(reader.get(at("conversation-delete", turn)))
    assert "1 memory came from this conversation" in shown
    assert "2 messages" in shown
    assert Memory.objects.get().get_absolute_url() in shown
    assert Conversation.objects.exists()


@pytest.mark.parametrize(("choice", "left"), [("keep", Status.ACTIVE), ("take_back", Status.FORGOTTEN)])
@pytest.mark.parametrize("what", ["conversation", "turn"])
def test_deleting_keeps_or_takes_back_what_was_shown(
    reader: Client, turn: Turn, what: str, choice: str, left: Status
) -> None:
    learn(turn.id)
    address = at("conversation-delete", turn) if what == "conversation" else at("turn-delete", turn, turn.id)
    seen = text_of(reader.get(address)).split('name="seen" value="')[1].split('"')[0]
    response = reader.post(address, {"memories": choice, "seen": seen}, follow=True)
    assert "deleted" in text_of(response).split('class="notices"')[1]
    assert not Message.objects.exists()
    assert (Memory.objects.get().status == Status.ACTIVE) == (left == Status.ACTIVE)


@pytest.mark.parametrize("seen", ["", "0" * 64])
def test_what_was_not_shown_is_not_taken_back_and_nothing_is_deleted(reader: Client, turn: Turn, seen: str) -> None:
    learn(turn.id)
    for address in (at("conversation-delete", turn), at("turn-delete", turn, turn.id)):
        response = reader.post(address, {"memories": "take_back", "seen": seen})
        assert response["Location"] == address
    assert (Message.objects.count(), Memory.objects.get().status) == (2, Status.ACTIVE)


def test_nothing_is_deleted_under_an_answer_and_the_page_says_why(reader: Client, alice: User, turn: Turn) -> None:
    say(alice, "And now?", conversation_id=turn.conversation_id)
    for address in (at("conversation-delete", turn), at("turn-delete", turn, turn.id)):
        assert "An answer is being written." in text_of(reader.post(address, {"memories": "keep"}, follow=True))
    assert Message.objects.count() == 3


@pytest.mark.parametrize("memories", ["all", "x" * 1_000])
def test_a_nonsensical_choice_deletes_nothing(reader: Client, turn: Turn, memories: str) -> None:
    assert reader.post(at("conversation-delete", turn), {"memories": memories}).status_code == 422
    assert Conversation.objects.exists()


def test_an_export_is_a_file_of_its_owner_with_a_safe_name(reader: Client, alice: User, turn: Turn) -> None:
    assert turn.conversation_id
    keeping.rename(alice, turn.conversation_id, '../../etc/"passwd"; São\u202egnp')
    for name, ending in (("markdown", "md"), ("json", "json")):
        response = reader.get(at(f"conversation-export-{name}", turn))
        header = response["Content-Disposition"]
        assert header.startswith("attachment; filename")
        assert header.endswith(f".{ending}")
        assert not set('/\\"\u202e') & set(header.split("filename", 1)[1].strip('*="'))
        assert response["Cache-Control"].startswith("max-age=0")


def test_markdown_tells_the_branch_that_is_shown_at_the_reader_s_hour(reader: Client, alice: User, turn: Turn) -> None:
    edited = say(alice, "I live in Lisbon.", conversation_id=turn.conversation_id, edits=turn.id)
    answer(edited, "Half", MessageStatus.STOPPED)
    User.objects.update(time_zone="Asia/Tokyo")
    Message.objects.update(created_at="2026-03-01T20:30:00Z")
    shown = text_of(reader.get(at("conversation-export-markdown", turn)))
    assert "## You, 2 March 2026, 05:30\n\nI live in Lisbon.\n\n## MemoryChat, 2 March 2026, 05:30\n\nHalf\n" in shown
    assert "*Stopped here.*" in shown
    assert "Porto" not in shown.split("\n", 1)[1]


def test_json_holds_all_branches_and_the_numbers_of_the_receipts(reader: Client, alice: User, turn: Turn) -> None:
    edited = say(alice, "I live in Lisbon.", conversation_id=turn.conversation_id, edits=turn.id)
    answer(edited, "Half", MessageStatus.STOPPED)
    exported = json.loads(text_of(reader.get(at("conversation-export-json", turn))))
    assert [each["text"] for each in exported["messages"]] == [
        "I live in <Porto>.",
        "Noted *well*.",
        "I live in Lisbon.",
        "Half",
    ]
    assert exported["shown"] == [each["id"] for each in exported["messages"][2:]]
    assert exported["messages"][3]["parent"] == str(edited.id)
    assert exported["messages"][3]["status"] == "stopped"
    assert exported["messages"][1]["receipt"]["provider"] == "fake"
    assert exported["messages"][0]["receipt"] is None


def test_an_empty_conversation_can_be_taken_along_too(reader: Client, alice: User, turn: Turn) -> None:
    assert turn.conversation_id
    turns.clear(alice, turn.conversation_id)
    assert text_of(reader.get(at("conversation-export-markdown", turn))).startswith("# Conversation\n")
    assert json.loads(text_of(reader.get(at("conversation-export-json", turn))))["messages"] == []
