"""What a person does beside and under a turn: steering memories, flipping versions, looking at what the model saw."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from conversations import notes, receipts, turns
from conversations.branches import Tree
from conversations.models import Conversation, Message, MessageStatus, Receipt
from conversations.prompting import prompt_of
from conversations.turns import Said, Turn
from memories import profiles
from memories.engine import writing
from memories.engine.recall import recall
from memories.engine.types import Candidate, Outcome, Provenance, Recall, Written
from memories.models import Memory, MemoryEvent, Origin, PrivacyMode, Status
from memories.views import undo_preview_address

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
Converse = Callable[..., Turn]


@pytest.fixture
def converse(alice: User) -> Converse:
    """A whole turn; the memories that fit the words were given to the model."""

    def converse(words: str, answer: str = "I see.", *, person: User = alice, **said: Any) -> Turn:
        return answered(turns.begin(person, Said(words, said.pop("mode", PrivacyMode.NORMAL), **said)), answer)

    return converse


def answered(turn: Turn, answer: str = "I see.") -> Turn:
    draft = receipts.Draft(turn.mode.value, "builtin", "rules")
    prompt_of(turn, draft)
    turns.finish(turn, answer, MessageStatus.COMPLETE, draft)
    return turn


def learn(turn: Turn, content: str, **given: Any) -> Memory:
    """As the job does that learns from the turn."""
    provenance = Provenance(message_id=turn.id, conversation_id=turn.conversation_id)
    candidate = Candidate(content, provenance=provenance, **given)
    return _written(writing.remember(turn.access, candidate))


def know(person: User, content: str) -> Memory:
    access = profiles.by_hand(person, profiles.default_for(person))
    return _written(writing.remember(access, Candidate(content)))


def _written(written: Written) -> Memory:
    assert written.memory_id
    return Memory.objects.get(pk=written.memory_id)


def beside(turn: Turn, memory: Memory, act: str) -> str:
    return reverse(f"margin-{act}", args=[turn.id, memory.pk])


def page_of(reader: Client, turn: Turn) -> str:
    shown = reader.get(reverse("conversation", args=[turn.conversation_id]))
    return shown.content.decode().split('id="manuscript"')[1].split("<template")[0]


def answer_of(turn: Turn) -> Message:
    return Message.objects.filter(parent=turn.id, role="assistant").latest("pk")


def test_flipping_shows_another_answer_and_what_followed_on_it(reader: Client, alice: User, converse: Converse) -> None:
    first = converse("Tell me a joke", "The first joke.")
    converse("Another one", conversation_id=first.conversation_id)
    first_answer = answer_of(first)
    answered(turns.begin_again(alice, first.id, first.conversation_id), "The second joke.")
    assert "The second joke." in page_of(reader, first)
    assert "2 of 2" in page_of(reader, first)

    response = reader.post(reverse("show-version", args=[first.conversation_id, first_answer.pk]))

    assert response["Location"].endswith(f"#turn-{first.id}")
    shown = page_of(reader, first)
    assert "The first joke." in shown
    assert "Another one" in shown
    assert "The second joke." not in shown


def test_an_edited_message_has_versions_and_its_branch_goes_on(reader: Client, converse: Converse) -> None:
    first = converse("Tell me a joke")
    edited = converse("Tell me two jokes", conversation_id=first.conversation_id, edits=first.id)
    assert "Tell me a joke" not in page_of(reader, first)

    shown = reader.post(reverse("show-version", args=[first.conversation_id, first.id]), headers=HTMX)

    assert "Tell me a joke" in shown.content.decode()
    assert f'id="turn-{edited.id}"' not in shown.content.decode()
    conversation = Conversation.objects.get()
    assert conversation.leaf_id == Tree.of(conversation).end_of(first.id)


def test_nothing_is_flipped_while_an_answer_is_written(reader: Client, alice: User, converse: Converse) -> None:
    first = converse("Tell me a joke")
    turns.begin(alice, Said("And", PrivacyMode.NORMAL, first.conversation_id))
    door = reverse("show-version", args=[first.conversation_id, first.id])

    assert reader.post(door, headers=HTMX).status_code == 409
    assert reader.post(door, follow=True).status_code == 200


def test_another_answer_that_came_to_nothing_leaves_those_before_it(
    reader: Client, alice: User, converse: Converse
) -> None:
    first = converse("Tell me a joke", "The first joke.")
    again = turns.begin_again(alice, first.id, first.conversation_id)
    turns.finish(again, "", MessageStatus.INTERRUPTED, None)

    assert "The first joke." in page_of(reader, first)


def test_what_is_not_relevant_counts_half_once_and_can_be_undone(
    reader: Client, alice: User, converse: Converse
) -> None:
    memory = know(alice, "My boat is called Aurora")
    turn = converse("How is my boat called?", "Aurora [1].")
    for _ in range(2):
        assert reader.post(beside(turn, memory, "lower"), headers=HTMX).status_code == 204

    lowered = Memory.objects.get()
    assert lowered.salience == pytest.approx(memory.salience / 2, rel=0.01)
    event = MemoryEvent.objects.latest("number")
    assert (event.message_id, event.reason) == (turn.id, "Not relevant in an answer.")
    assert "Counts less now" in page_of(reader, turn)

    reader.post(reverse("change-undo", args=[event.change_id]))
    assert Memory.objects.get().salience == pytest.approx(memory.salience)
    reader.post(beside(turn, memory, "lower"), headers=HTMX)
    assert Memory.objects.get().salience < memory.salience


def test_a_memory_is_corrected_and_forgotten_beside_the_answer_that_used_it(
    reader: Client, alice: User, converse: Converse
) -> None:
    memory = know(alice, "My boat is called Aurora")
    turn = converse("How is my boat called?", "Aurora [1].")

    assert reader.post(beside(turn, memory, "correct"), {"content": " "}, headers=HTMX).status_code == 422
    assert reader.post(beside(turn, memory, "correct"), {"content": "My boat is called Iris"}).status_code == 302
    shown = page_of(reader, turn)
    assert "My boat is called Aurora" in shown
    assert "Corrected since." in shown

    reader.post(beside(turn, memory, "forget"), headers=HTMX)
    assert Memory.objects.get().status == Status.FORGOTTEN
    assert "Forgotten since." in page_of(reader, turn)


@pytest.mark.parametrize(("act", "status"), [("keep", Status.ACTIVE), ("discard", Status.FORGOTTEN)])
def test_what_waits_is_answered_on_its_card(reader: Client, converse: Converse, act: str, status: Status) -> None:
    turn = converse("I might be allergic to nuts")
    memory = learn(turn, "I might be allergic to nuts", confidence=0.6)
    assert "Keep this?" in page_of(reader, turn)

    reader.post(beside(turn, memory, act), headers=HTMX)

    assert Memory.objects.get().status == status
    assert "Keep this?" not in page_of(reader, turn)
    assert reader.post(beside(turn, memory, act), headers=HTMX).status_code == 409


def test_what_waits_is_kept_in_other_words(reader: Client, converse: Converse) -> None:
    turn = converse("I might be allergic to nuts")
    memory = learn(turn, "I might be allergic to nuts", confidence=0.6)

    reader.post(beside(turn, memory, "keep"), {"content": "I am allergic to walnuts"}, headers=HTMX)

    memory = Memory.objects.get()
    assert (memory.content, memory.status) == ("I am allergic to walnuts", Status.ACTIVE)


def test_exactly_those_are_forgotten_that_were_offered_and_ticked(
    reader: Client, alice: User, converse: Converse
) -> None:
    boat, dog, car = (know(alice, words) for words in ("I own a boat", "I own a dog", "I own a car"))
    turn = converse("Forget what I own")
    turns.offer(turn, [boat.pk, dog.pk])
    assert "Which of these shall be forgotten?" in page_of(reader, turn)
    door = reverse("margin-forget-ticked", args=[turn.id])

    assert reader.post(door, {"memory_ids": [str(car.pk)]}).status_code == 404
    assert reader.post(door, {"memory_ids": ["nonsense"]}).status_code == 404
    reader.post(door, {"memory_ids": [str(boat.pk)]}, headers=HTMX)

    assert set(Memory.objects.active()) == {dog, car}
    converse("Thanks", conversation_id=turn.conversation_id)
    assert "Which of these shall be forgotten?" not in page_of(reader, turn)


def test_what_a_message_brought_is_taken_back_with_it(reader: Client, alice: User, converse: Converse) -> None:
    other = know(alice, "I own a boat")
    turn = converse("I own a dog and a car")
    learn(turn, "I own a dog")
    learn(turn, "I own a car")
    assert 'data-brought="2"' in page_of(reader, turn)

    for _ in range(2):
        assert reader.post(reverse("take-back", args=[turn.id]), headers=HTMX).status_code == 204

    assert list(Memory.objects.active()) == [other]


def test_what_later_changes_built_on_is_shown_before_it_is_taken_back(reader: Client, converse: Converse) -> None:
    turn = converse("I own a dog")
    memory = learn(turn, "I own a dog")
    reader.post(beside(turn, memory, "correct"), {"content": "I own a cat"})

    response = reader.post(reverse("take-back", args=[turn.id]), headers=HTMX)

    assert response.status_code == 409
    change, here = memory.events.earliest("number").change_id, reverse("message", args=[turn.id])
    assert response["Location"] == undo_preview_address(change, way_back=here)
    assert "Undo …" in page_of(reader, turn)


def test_from_the_page_on_which_it_is_shown_one_comes_back_to_the_turn(reader: Client, converse: Converse) -> None:
    turn = converse("I own a dog")
    memory = learn(turn, "I own a dog")
    reader.post(beside(turn, memory, "correct"), {"content": "I own a cat"})
    change, here = memory.events.earliest("number").change_id, reverse("message", args=[turn.id])
    link = undo_preview_address(change, way_back=here)
    assert f'href="{link}"' in page_of(reader, turn)

    shown = reader.get(link)
    preview = shown.content.decode()
    undone = reader.post(
        reverse("change-undo", args=[change]),
        {"seen": shown.context["preview"].seen, "next": shown.context["way_back"]},
    )

    assert preview.count(f'href="{here}"') == 2
    assert f'name="next" value="{here}"' in preview
    assert undone["Location"] == here
    assert Memory.objects.get().status == Status.FORGOTTEN


def test_what_was_built_on_a_message_is_not_said_to_have_come_from_it(reader: Client, converse: Converse) -> None:
    turn = converse("I own a dog")
    memory = learn(turn, "I own a dog")
    address = reverse("turn-delete", args=[turn.conversation_id, turn.id])
    assert "1 memory came from this message" in reader.get(address).content.decode()

    reader.post(beside(turn, memory, "correct"), {"content": "I own a cat"})

    assert "What came from this message, and what was built on it" in reader.get(address).content.decode()


def test_a_preview_leads_to_no_other_site(reader: Client, converse: Converse) -> None:
    turn = converse("I own a dog")
    change = learn(turn, "I own a dog").events.get().change_id

    shown = reader.get(undo_preview_address(change, way_back="https://evil.example/"))

    assert "evil.example" not in shown.content.decode()


def test_after_thirty_days_the_margin_offers_no_undo(
    reader: Client, converse: Converse, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = converse("I own a dog")
    learn(turn, "I own a dog")
    assert ">Undo<" in page_of(reader, turn)

    monkeypatch.setattr(notes, "UNDO_DAYS", 0)

    assert ">Undo<" not in page_of(reader, turn)


def test_what_the_model_saw_is_put_together_again(reader: Client, alice: User, converse: Converse) -> None:
    memory = know(alice, "My boat is called Aurora")
    first = converse("What is a parser?", "It reads text.")
    turn = converse("How is my boat called?", "Aurora [1].", conversation_id=first.conversation_id)
    access = profiles.by_hand(alice, profiles.default_for(alice))
    writing.revise(access, memory.pk, "My boat is called Iris")
    door = reverse("seen", args=[turn.conversation_id, answer_of(turn).pk])

    shown = reader.get(door).content.decode()
    for words in ("How is my boat called?", "It reads text.", "My boat is called Aurora", "search_memories"):
        assert words in shown
    assert "My boat is called Iris" not in shown
    assert "have changed since" not in shown
    assert reverse("seen", args=[turn.conversation_id, answer_of(turn).pk]) in page_of(reader, turn)

    Message.objects.filter(parent=first.id).update(parent=None)
    Message.objects.filter(pk=first.id).delete()
    Receipt.objects.update(prompt=Receipt.objects.get(message=answer_of(turn)).prompt | {"files": "other"})
    shown = reader.get(door).content.decode()
    assert "Deleted since" in shown
    assert "have changed since" in shown


def test_an_answer_without_a_receipt_has_nothing_to_show(reader: Client, alice: User) -> None:
    turn = turns.begin(alice, Said("Hello", PrivacyMode.NORMAL))
    answer = turns.finish(turn, "Half a", MessageStatus.INTERRUPTED, None)
    assert answer

    assert reader.get(reverse("seen", args=[turn.conversation_id, answer.pk])).status_code == 404


@pytest.mark.parametrize(
    ("mode", "kept"), [(PrivacyMode.NORMAL, "0 read<"), (PrivacyMode.PAUSED, "0 read, 0 written<")]
)
def test_the_line_under_an_answer_says_who_wrote_it_and_what_was_kept(
    reader: Client, converse: Converse, mode: PrivacyMode, kept: str
) -> None:
    turn = converse("Hello", mode=mode)

    assert "<span>The built-in responder</span>" in page_of(reader, turn)
    assert kept in page_of(reader, turn)


def test_the_line_names_those_that_failed_too() -> None:
    seen_by = [{"provider": "openai", "model": "gpt", "code": "timeout"}] * 2
    seen_by += [{"provider": "anthropic", "model": "claude", "code": ""}]
    draft = receipts.Draft("incognito", "anthropic", "claude", seen_by=seen_by, input_tokens=1_200, output_tokens=34)

    line = draft.frame("Hello")["line"]

    assert list(filter(None, line))[:3] == [
        "OpenAI failed: timeout; Anthropic · claude answered",
        "0 read, 0 written",
        "1,234 tokens",
    ]


def test_the_line_says_whose_server_it_was(settings: Settings) -> None:
    settings.OPENAI_BASE_URL = "http://127.0.0.1:11434/v1"
    assert (
        receipts.Draft("normal", "openai", "llama").frame("Hello")["line"][0] == "127.0.0.1 (OpenAI's format) · llama"
    )


def test_the_line_says_what_was_not_searched_and_not_given_in_full() -> None:
    draft = receipts.Draft("normal", "openai", "gpt", Recall(degraded=("vectors",)))
    draft.prompt.update(summarised=12, left_out=3)

    line = draft.frame("Hello")["line"]

    assert {
        "searched by keywords alone",
        "12 earlier messages summarised",
        "3 earlier messages left out",
    } <= set(line)
    assert not [part for part in receipts.Draft("normal", "openai", "gpt").frame("Hello")["line"] if "earlier" in part]


def test_what_the_model_saw_names_each_once_with_how_often_it_was_asked(reader: Client, converse: Converse) -> None:
    turn = converse("Hello")
    asked = {"provider": "openai", "model": "gpt", "code": ""}
    Receipt.objects.update(seen_by=[{**asked, "code": "rate_limited"}, asked, asked], provider="openai", model="gpt")

    shown = reader.get(reverse("seen", args=[turn.conversation_id, answer_of(turn).pk])).content.decode()

    assert "OpenAI · gpt (failed: rate limited)<br>OpenAI · gpt, 2 times</dd>" in shown


def test_the_command_remember_writes_by_hand_at_once(reader: Client, alice: User) -> None:
    said = reader.post(reverse("remember"), {"text": "I own a boat", "privacy_mode": "normal"})

    assert "Remembered." in said.content.decode()
    assert [(memory.content, memory.origin) for memory in Memory.objects.all()] == [("I own a boat", Origin.MANUAL)]
    again = reader.post(reverse("remember"), {"text": "I own a boat", "privacy_mode": "normal"})
    assert "remembered already" in again.content.decode()
    assert reader.post(reverse("remember"), {"text": " ", "privacy_mode": "normal"}).status_code == 422


@pytest.mark.parametrize("mode", [PrivacyMode.PAUSED, PrivacyMode.INCOGNITO])
def test_the_command_remember_writes_nothing_in_another_mode(reader: Client, mode: PrivacyMode) -> None:
    said = reader.post(reverse("remember"), {"text": "I own a boat", "privacy_mode": mode.value})

    assert "not written" in said.content.decode()
    assert not Memory.objects.exists()


def test_the_command_forget_shows_what_may_be_meant_and_forgets_what_is_ticked(reader: Client, alice: User) -> None:
    boat, _ = know(alice, "My boat is called Aurora"), know(alice, "I work as a nurse")

    card = reader.post(reverse("forget-which"), {"text": "my boat", "privacy_mode": "normal"}).content.decode()

    assert str(boat.pk) in card
    assert Memory.objects.active().count() == 2
    assert "Nothing was ticked" in reader.post(reverse("forget")).content.decode()
    assert "1 forgotten." in reader.post(reverse("forget"), {"memory_ids": [str(boat.pk)]}).content.decode()
    assert [memory.content for memory in Memory.objects.active()] == ["I work as a nurse"]
    nothing = reader.post(reverse("forget-which"), {"text": "my submarine", "privacy_mode": "normal"})
    assert "Nothing is remembered of that." in nothing.content.decode()


def test_what_is_forgotten_already_is_not_said_to_be_forgotten_now(reader: Client, alice: User) -> None:
    boat, job = know(alice, "My boat is called Aurora"), know(alice, "I work as a nurse")
    both = {"memory_ids": [str(boat.pk), str(job.pk)]}
    shown = reader.post(reverse("forget"), both).content.decode()
    assert "2 forgotten." in shown
    assert "Undo: My boat is called Aurora" in shown

    again = reader.post(reverse("forget"), both).content.decode()

    assert "That is forgotten already." in again
    assert "Undo" not in again


def test_in_paused_one_forgets_by_hand_and_is_told_so(reader: Client, alice: User) -> None:
    boat = know(alice, "My boat is called Aurora")

    card = reader.post(reverse("forget-which"), {"text": "my boat", "privacy_mode": "pause_memories"}).content.decode()
    assert "You are in Paused" in card
    assert 'name="privacy_mode" value="pause_memories"' in card

    ticked = {"memory_ids": [str(boat.pk)], "privacy_mode": "pause_memories"}
    assert "1 forgotten. Paused goes on;" in reader.post(reverse("forget"), ticked).content.decode()
    assert not Memory.objects.active().exists()


def test_incognito_nothing_is_looked_up_to_be_forgotten(reader: Client, alice: User) -> None:
    know(alice, "My boat is called Aurora")

    said = reader.post(reverse("forget-which"), {"text": "my boat", "privacy_mode": "incognito"}).content.decode()

    assert "Incognito: no memory is read" in said
    assert "Aurora" not in said


def test_a_new_conversation_begins_in_the_profile_that_was_asked_for(reader: Client, alice: User, bob: User) -> None:
    profiles.default_for(alice)
    work = profiles.create(alice, "Work")

    shown = reader.get(reverse("chat"), {"profile": str(work.pk)}).content.decode()

    assert f'value="{work.pk}" data-mode="normal" selected' in shown
    assert reader.get(reverse("chat"), {"profile": str(profiles.default_for(bob).pk)}).status_code == 404


def test_a_stranger_steers_nothing(reader: Client, alice: User, bob: User, converse: Converse) -> None:
    mine, yours = know(alice, "I own a boat"), know(bob, "I own a boat")
    my_turn, your_turn = converse("Mine"), converse("Yours", person=bob)
    for turn, memory in ((your_turn, yours), (your_turn, mine), (my_turn, yours)):
        for act in ("correct", "forget", "lower", "keep", "discard"):
            assert reader.post(beside(turn, memory, act), {"content": "Else"}).status_code == 404, act
    conversation, answer = your_turn.conversation_id, answer_of(your_turn).pk
    posts = [
        reverse("take-back", args=[your_turn.id]),
        reverse("margin-forget-ticked", args=[your_turn.id]),
        reverse("show-version", args=[conversation, your_turn.id]),
        reverse("show-version", args=[my_turn.conversation_id, your_turn.id]),
        reverse("show-version", args=[my_turn.conversation_id, uuid.uuid4()]),
    ]
    assert {reader.post(door).status_code for door in posts} == {404}
    assert reader.get(reverse("seen", args=[conversation, answer])).status_code == 404
    assert reader.post(reverse("forget"), {"memory_ids": [str(yours.pk)]}).status_code == 404
    asked = {"text": "boat", "privacy_mode": "normal"}
    for foreign in ({"conversation": str(conversation)}, {"profile": str(yours.profile_id)}):
        for door in ("remember", "forget-which"):
            assert reader.post(reverse(door), asked | foreign).status_code == 404
    assert Memory.objects.active().count() == 2
    assert not MemoryEvent.objects.filter(owner=bob).exclude(outcome=Outcome.CREATED).exists()


def test_recall_gives_a_lowered_memory_a_lower_score(alice: User, converse: Converse) -> None:
    memory = know(alice, "My boat is called Aurora")
    turn = converse("How is my boat called?")
    [before] = recall(turn.access, "boat").hits
    writing.lower(profiles.by_hand(alice, memory.profile), memory.pk, message_id=turn.id)

    [after] = recall(turn.access, "boat").hits

    assert after.score < before.score
