"""/admin/: lists of ids, words where one row is opened, and a trail of who opened it."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from structlog.testing import capture_logs

from accounts.models import User
from conversations import learning, turns
from conversations.models import Conversation, MessageStatus
from conversations.prompting import prompt_of
from conversations.receipts import Draft
from conversations.turns import Said
from memories import profiles
from memories.engine import writing
from memories.models import Memory, MemoryEvent, MemoryProfile, PrivacyMode
from memorychat.lib.admin import OPENED, BaseAdmin, words_of

pytestmark = pytest.mark.django_db

MODELS = list(admin.site._registry)
LOOKED_AT = (MemoryProfile, Memory, MemoryEvent, Conversation)
# In every sentence that anybody says here.
WORD = "quince"
# Queries of any page: session, person, their other sessions, rights.
FOR_WHO_LOOKS = 9
# With the kinds of rows and the days to choose from.
FOR_THE_TRAIL = 5


def path_to(model: type[Model], page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def tell(user: User, words: str = f"I live by the {WORD} tree.") -> None:
    turn = turns.begin(user, Said(words, PrivacyMode.NORMAL))
    draft = Draft("normal", "", "")
    prompt_of(turn, draft)
    turns.finish(turn, f"The {WORD} tree.", MessageStatus.COMPLETE, draft)
    learning.learn(turn.id)


@pytest.fixture
def story(alice: User) -> None:
    """Words in every kind of row that has any."""
    profile = profiles.default_for(alice)
    profiles.describe(profile, f"The {WORD}s", f"All of a {WORD}")
    tell(alice)
    tell(alice, f"I work in the {WORD} orchard.")
    access = profiles.by_hand(alice, profile)
    memory = Memory.objects.for_user(alice).newest_first()[0]
    writing.revise(access, memory.pk, f"I work in another {WORD} orchard")
    writing.forget(access, memory.pk, reason=f"No {WORD} any more")


def staff(email: str, *permissions: str) -> Client:
    user = User.objects.create_user(email, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def moderator(db: None) -> Client:
    """May look at everything."""
    return staff("moderator@example.com", *(f"view_{model._meta.model_name}" for model in MODELS))


@pytest.fixture
def superuser(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com"))
    return client


def page(client: Client, path: str, **query: str) -> str:
    return client.get(path, query).content.decode()


def test_everything_here_goes_by_the_one_base() -> None:
    assert set(LOOKED_AT) < set(MODELS)
    assert [model for model, pages in admin.site._registry.items() if not isinstance(pages, BaseAdmin)] == []


def test_the_door_is_everybodys_door(client: Client) -> None:
    assert client.get("/admin/", follow=True).redirect_chain == [
        ("/admin/login/?next=/admin/", 302),
        ("/accounts/login/?next=%2Fadmin%2F", 302),
    ]


@pytest.mark.parametrize("model", MODELS)
def test_who_is_not_of_the_staff_is_refused(client: Client, bob: User, model: type[Model]) -> None:
    client.force_login(bob)

    assert client.get(path_to(model, "changelist"), follow=True).status_code == 403


@pytest.mark.parametrize("model", MODELS)
def test_staff_without_a_permission_see_nothing_of_it(story: None, model: type[Model]) -> None:
    others = [f"view_{other._meta.model_name}" for other in MODELS if other is not model]
    client = staff("staff@example.com", *others)
    row = model._default_manager.first()

    assert client.get(path_to(model, "changelist")).status_code == 403
    assert path_to(model, "changelist") not in page(client, "/admin/")
    if row:
        assert client.get(path_to(model, "change", row.pk)).status_code == 403
        assert client.get(path_to(model, "history", row.pk)).status_code == 403


@pytest.mark.parametrize("model", LOOKED_AT)
def test_a_list_and_a_history_show_ids_and_no_words(story: None, moderator: Client, model: type[Model]) -> None:
    row = model._default_manager.latest("pk")
    moderator.get(path_to(model, "change", row.pk))

    listed = page(moderator, path_to(model, "changelist"))
    history = page(moderator, path_to(model, "history", row.pk))

    assert str(row.pk) in listed
    assert WORD not in listed
    assert "Opened." in history
    assert WORD not in history


@pytest.mark.parametrize("model", LOOKED_AT)
def test_words_are_shown_where_one_row_is_opened_and_who_opened_it_is_written_down(
    story: None, moderator: Client, model: type[Model]
) -> None:
    row = model._default_manager.latest("pk")

    with capture_logs() as lines:
        opened = page(moderator, path_to(model, "change", row.pk))

    assert WORD in opened
    entry = LogEntry.objects.get()
    assert entry.user == User.objects.get(email="moderator@example.com")
    assert (entry.action_flag, entry.object_id, entry.object_repr) == (OPENED, str(row.pk), str(row.pk))
    assert entry.get_edited_object() == row
    [line] = [line for line in lines if line["event"] == "admin"]
    assert (line["action"], line["model"], line["row"]) == (OPENED, model._meta.label, str(row.pk))
    assert WORD not in str(lines)


@pytest.mark.parametrize("model", MODELS)
def test_no_list_fetches_words(story: None, moderator: Client, model: type[Model]) -> None:
    table = model._meta.db_table
    with CaptureQueriesContext(connection) as captured:
        moderator.get(path_to(model, "changelist"))

    asked = " ".join(query["sql"] for query in captured.captured_queries)
    assert f'"{table}"' in asked
    assert [name for name in words_of(model) if f'"{table}"."{name}"' in asked] == []


@pytest.mark.parametrize("model", LOOKED_AT)
def test_a_search_finds_ids_and_no_words(story: None, alice: User, moderator: Client, model: type[Model]) -> None:
    row = model._default_manager.latest("pk")

    def found(asked: object) -> set[str]:
        listed = page(moderator, path_to(model, "changelist"), q=str(asked))
        return {
            str(pk)
            for pk in model._default_manager.values_list("pk", flat=True)
            if f'"{path_to(model, "change", pk)}' in listed
        }

    assert found(row.pk) == {str(row.pk)}
    assert found(alice.pk) == {str(pk) for pk in model._default_manager.values_list("pk", flat=True)}
    assert found(WORD) == set()


@pytest.mark.parametrize("model", LOOKED_AT)
def test_nobody_adds_changes_or_deletes_here(story: None, superuser: Client, model: type[Model]) -> None:
    row = model._default_manager.latest("pk")
    before = list(model._default_manager.values_list())

    assert superuser.get(path_to(model, "add")).status_code == 403
    assert superuser.post(path_to(model, "add")).status_code == 403
    assert superuser.post(path_to(model, "change", row.pk), {"status": "active"}).status_code == 403
    assert superuser.post(path_to(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    action = {"action": "delete_selected", "_selected_action": str(row.pk), "post": "yes"}
    superuser.post(path_to(model, "changelist"), action)
    assert list(model._default_manager.values_list()) == before


def test_no_right_to_change_the_ledger_exists() -> None:
    rights = Permission.objects.filter(content_type__model="memoryevent").values_list("codename", flat=True)

    assert list(rights) == ["view_memoryevent"]


@pytest.mark.parametrize("model", MODELS)
def test_a_list_costs_the_same_queries_however_long_it_is(
    story: None, alice: User, bob: User, moderator: Client, model: type[Model]
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert moderator.get(path_to(model, "changelist")).status_code == 200
        return len(captured)

    queries()
    few = queries()
    for person in (alice, bob):
        tell(person, f"I like the {WORD} soup.")
        moderator.get(path_to(User, "change", person.pk))

    assert queries() == few <= FOR_WHO_LOOKS + (FOR_THE_TRAIL if model is LogEntry else 1)


def test_a_transcript_shows_what_was_read_and_written_beside_the_words(story: None, moderator: Client) -> None:
    conversation = Conversation.objects.latest("pk")
    [written] = MemoryEvent.objects.filter(message_id__in=conversation.messages.values("pk"))

    opened = page(moderator, path_to(Conversation, "change", conversation.pk))

    assert f'written">Remembered <a href="{path_to(Memory, "change", written.memory_id)}"' in opened
    assert re.search(r'class="read">Read <a href="/admin/memories/memory/', opened)


def test_an_event_shows_before_and_after_in_their_inks(story: None, moderator: Client) -> None:
    event = MemoryEvent.objects.get(action="revised")

    opened = page(moderator, path_to(MemoryEvent, "change", event.pk))

    assert f'<td class="before"><s>I work in the {WORD} orchard</s></td>' in opened
    assert f'<td class="written">I work in another {WORD} orchard</td>' in opened


@pytest.mark.parametrize(("made", "count"), [("day", 2), ("nonsense", 2)])
def test_rows_are_found_by_when_they_were_made(story: None, moderator: Client, made: str, count: int) -> None:
    listed = moderator.get(path_to(Conversation, "changelist"), {"made": made})

    assert len(listed.context["cl"].result_list) == count


def test_the_sidebar_leads_to_what_one_may_see(story: None) -> None:
    client = staff("staff@example.com", "view_memory")

    index: Any = client.get("/admin/")

    shown = [
        item["title"]
        for group in index.context["sidebar_navigation"]
        for item in group["items"]
        if item["has_permission"]
    ]
    assert shown == ["Memories"]
