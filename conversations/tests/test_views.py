import uuid
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from conversations import manuscript, receipts, turns
from conversations.models import Conversation, MessageStatus
from conversations.prompting import give
from conversations.turns import Said, Turn
from memories import profiles
from memories.engine import writing
from memories.engine.recall import recall
from memories.engine.types import Candidate, Provenance
from memories.models import Memory, PrivacyMode

pytestmark = pytest.mark.django_db


@pytest.fixture
def converse(alice: User) -> Callable[..., Turn]:
    """A turn, as far as it came; the memories that fit the words were given to the model."""

    def converse(
        words: str,
        answer: str = "I see.",
        *,
        person: User = alice,
        mode: PrivacyMode = PrivacyMode.NORMAL,
        status: MessageStatus = MessageStatus.COMPLETE,
        conversation_id: uuid.UUID | None = None,
    ) -> Turn:
        turn = turns.begin(person, Said(words, mode, conversation_id))
        known = recall(turn.access, words)
        draft = receipts.Draft(mode.value, "builtin", "rules", known)
        give(turn.access.profile, draft, known.hits)
        turns.finish(turn, answer, status, draft)
        return turn

    return converse


def remember(turn: Turn, content: str, quote: str = "") -> Memory:
    provenance = Provenance(message_id=turn.id)
    written = writing.remember(turn.access, Candidate(content, quote=quote, provenance=provenance))
    assert written.memory_id
    return Memory.objects.get(pk=written.memory_id)


def test_the_pen_takes_no_more_than_a_message_may_have(reader: Client) -> None:
    assert f'maxlength="{turns.MESSAGE_LIMIT}"' in reader.get(reverse("chat")).content.decode()


def address_of(turn: Turn) -> str:
    return reverse("conversation", args=[turn.conversation_id])


def text_of(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined]  # of the test client


def test_whoever_is_not_signed_in_is_led_to_the_sign_in(client: Client) -> None:
    assert client.get(reverse("chat"))["Location"].startswith(reverse("account_login"))


def test_a_conversation_that_has_not_begun_is_stored_nowhere(reader: Client) -> None:
    shown = text_of(reader.get(reverse("chat")))

    assert "Say something worth remembering" in shown
    assert not Conversation.objects.exists()


def test_without_a_language_model_the_page_says_so_and_how_to_connect_one(reader: Client) -> None:
    shown = text_of(reader.get(reverse("chat")))

    assert "No language model is connected" in shown
    assert "OPENAI_API_KEY" in shown


@pytest.mark.parametrize("mode", PrivacyMode)
def test_a_new_conversation_begins_in_the_mode_of_the_profile(reader: Client, alice: User, mode: PrivacyMode) -> None:
    profile = profiles.default_for(alice)
    profiles.describe(profile, profile.name, "", default_mode=mode)

    shown = text_of(reader.get(reverse("chat")))

    assert f'data-mode="{mode}"' in shown.split("<head>")[0]
    assert f'value="{mode}" checked' in shown


def test_a_conversation_shows_its_turns_and_stands_in_the_list(reader: Client, converse: Callable) -> None:
    turn = converse("What is a parser?", "It *reads* text.")

    shown = text_of(reader.get(address_of(turn)))

    assert "What is a parser?" in shown
    assert "It <em>reads</em> text." in shown
    assert f'href="{address_of(turn)}" aria-current="page"' in shown


def test_what_was_said_is_shown_as_text_and_never_as_markup(reader: Client, converse: Callable) -> None:
    turn = converse("<img src=x onerror=alert(1)>", "<script>alert(1)</script> ![x](https://evil.example/?q=1)")

    shown = text_of(reader.get(address_of(turn))).split('id="manuscript"')[1]

    assert "&lt;img src=x" in shown
    assert "<script>alert" not in shown
    assert "<img" not in shown


def test_the_margin_holds_what_a_message_changed_with_its_undo(reader: Client, converse: Callable) -> None:
    turn = converse("I own a boat")
    memory = remember(turn, "I own a boat")

    shown = text_of(reader.get(address_of(turn)))

    assert "Remembered" in shown
    assert memory.get_absolute_url() in shown
    assert reverse("change-undo", args=[memory.events.get().change_id]) in shown


def test_the_words_that_were_learnt_from_are_marked_until_the_change_is_undone(
    reader: Client, converse: Callable
) -> None:
    turn = converse("Well, <b> I own a boat, and what is a parser?")
    change = remember(turn, "I own a boat", quote="<b> I own a boat").events.get().change_id
    margin = reverse("turn-notes", args=[turn.conversation_id, turn.id])

    for place in (address_of(turn), margin):
        assert "Well, <mark>&lt;b&gt; I own a boat</mark>, and what is a parser?" in text_of(reader.get(place))

    reader.post(reverse("change-undo", args=[change]))
    assert "<mark>" not in text_of(reader.get(margin))


def test_the_margin_holds_what_an_answer_knew_by_its_number(reader: Client, converse: Callable) -> None:
    first = converse("My boat is called Aurora")
    memory = remember(first, "My boat is called Aurora")
    second = converse("How is my boat called?", "Aurora [1].")

    shown = text_of(reader.get(address_of(second)))

    assert '<sup class="cite">1</sup>' in shown
    assert f'id="knew-{second.id}-1"' in shown
    assert memory.get_absolute_url() in shown
    assert 'class="relevance"' in shown


def test_a_margin_is_fetched_by_itself(reader: Client, converse: Callable) -> None:
    turn = converse("I own a boat")
    remember(turn, "I own a boat")

    margin = text_of(reader.get(reverse("turn-notes", args=[turn.conversation_id, turn.id])))

    assert "I own a boat" in margin
    assert "<html" not in margin


def test_an_undone_change_says_so_in_the_margin(reader: Client, converse: Callable) -> None:
    turn = converse("I own a boat")
    change = remember(turn, "I own a boat").events.get().change_id
    reader.post(reverse("change-undo", args=[change]))

    margin = text_of(reader.get(reverse("turn-notes", args=[turn.conversation_id, turn.id])))

    assert "Undone" in margin
    assert reverse("change-undo", args=[change]) not in margin


def test_a_change_of_the_mode_draws_a_divider(reader: Client, converse: Callable) -> None:
    first = converse("Hello")
    converse("Psst", mode=PrivacyMode.PAUSED, conversation_id=first.conversation_id)

    shown = text_of(reader.get(address_of(first))).split("<template")[0]

    assert shown.count("Paused from here") == 1
    assert "Paused: nothing was written" in shown
    assert shown.index("Hello") < shown.index("Paused from here") < shown.index("Psst")


@pytest.mark.parametrize(
    ("status", "trouble"), [(MessageStatus.STOPPED, "Stopped here"), (MessageStatus.INTERRUPTED, "interrupted")]
)
def test_an_answer_that_is_not_whole_says_so(
    reader: Client, converse: Callable, status: MessageStatus, trouble: str
) -> None:
    turn = converse("Tell me all", "First", status=status)

    shown = text_of(reader.get(address_of(turn))).split("<template")[0]

    assert "First" in shown
    assert trouble in shown


def test_a_turn_that_is_being_answered_waits_for_its_answer(reader: Client, alice: User) -> None:
    turn = turns.begin(alice, Said("Tell me all", PrivacyMode.NORMAL))

    shown = text_of(reader.get(address_of(turn))).split("<template")[0]

    assert 'aria-busy="true"' in shown
    assert "This was not answered" not in shown


def test_a_long_conversation_comes_by_the_page(
    reader: Client, converse: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manuscript, "PAGE_SIZE", 2)
    first = converse("Message one")
    for words in ("Message two", "Message three"):
        converse(words, conversation_id=first.conversation_id)

    latest = reader.get(address_of(first))
    earlier = reader.get(address_of(first), {"before": str(latest.context["manuscript"].earlier)})

    assert "Message one" not in text_of(latest).split('id="manuscript"')[1]
    assert "Message one" in text_of(earlier).split('id="manuscript"')[1]
    assert "Earlier turns" not in text_of(earlier)


def test_the_number_of_queries_does_not_grow_with_the_conversation(
    reader: Client, converse: Callable, django_assert_max_num_queries: Callable
) -> None:
    first = converse("I own a boat")
    remember(first, "I own a boat")
    for number in range(6):
        turn = converse(f"How is boat {number}?", "Fine [1].", conversation_id=first.conversation_id)
        remember(turn, f"My boat {number} is blue")

    with django_assert_max_num_queries(24):
        reader.get(address_of(first))


def test_a_memory_leads_to_where_it_was_said(reader: Client, converse: Callable) -> None:
    turn = converse("I own a boat")

    assert reader.get(reverse("message", args=[turn.id]))["Location"] == f"{address_of(turn)}#turn-{turn.id}"


def test_a_memory_leads_to_the_page_that_holds_where_it_was_said(
    reader: Client, converse: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manuscript, "PAGE_SIZE", 2)
    first = converse("I own a boat")
    for number in range(4):
        converse(f"Message {number}", conversation_id=first.conversation_id)

    shown = reader.get(reverse("message", args=[first.id]), follow=True)

    assert f'id="turn-{first.id}"' in text_of(shown)


def test_a_stranger_finds_no_conversation_behind_any_door(reader: Client, converse: Callable, bob: User) -> None:
    alices, bobs = converse("Mine"), converse("Not yours", person=bob)

    def statuses(turn: Turn) -> list[int]:
        doors = [
            address_of(turn),
            reverse("turn-notes", args=[turn.conversation_id, turn.id]),
            reverse("message", args=[turn.id]),
        ]
        return [reader.get(door).status_code for door in doors]

    assert statuses(alices) == [200, 200, 302]
    assert statuses(bobs) == [404, 404, 404]
    assert reader.get(reverse("conversation", args=[uuid.uuid4()])).status_code == 404
    assert reader.get(reverse("turn-notes", args=[alices.conversation_id, bobs.id])).status_code == 404
    assert "Not yours" not in text_of(reader.get(reverse("chat")))
