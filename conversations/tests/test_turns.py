import uuid
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from conversations import turns
from conversations.models import Conversation, Message, MessageStatus, Receipt, Role
from conversations.receipts import Draft
from conversations.turns import AlreadySent, Said, TurnRefused, UnknownConversation
from memories import profiles
from memories.engine.types import Recall
from memories.models import MemoryProfile, PrivacyMode
from memorychat.lib.text import TextError
from memorychat.llm.types import ChatMessage

pytestmark = pytest.mark.django_db

RECEIPT = Draft("normal", "fake", "fake", Recall())


def say(
    user: User, text: str = "I live in Porto", mode: PrivacyMode = PrivacyMode.NORMAL, **more: object
) -> turns.Turn:
    return turns.begin(user, Said(text, mode, **more))  # type: ignore[arg-type]  # fields of Said


def answer(turn: turns.Turn, text: str = "Noted.", status: MessageStatus = MessageStatus.COMPLETE) -> Message | None:
    return turns.finish(turn, text, status, RECEIPT)


def test_the_first_message_opens_a_conversation_in_the_default_profile(alice: User) -> None:
    turn = say(alice, "I live in Porto\nand like it")
    conversation = Conversation.objects.get()
    assert turn.is_new_conversation
    assert (conversation.pk, conversation.title) == (turn.conversation_id, "I live in Porto")
    assert conversation.profile == profiles.default_for(alice)
    assert [message.text for message in Message.objects.all()] == ["I live in Porto\nand like it"]


def test_the_next_turn_knows_the_earlier_ones_in_order(alice: User) -> None:
    first = say(alice, "One")
    answer(first, "Two")
    turn = say(alice, "Three", conversation_id=first.conversation_id)
    assert list(turn.history) == [
        ChatMessage("user", "One"),
        ChatMessage("assistant", "Two"),
        ChatMessage("user", "Three"),
    ]
    assert not turn.is_new_conversation


def test_a_cut_answer_is_no_part_of_what_the_model_sees(alice: User) -> None:
    first = say(alice, "One")
    answer(first, "Half an ans", MessageStatus.INTERRUPTED)
    turn = say(alice, "Three", conversation_id=first.conversation_id)
    assert [message.text for message in turn.history] == ["One", "Three"]


def test_old_turns_beyond_the_budget_are_left_out_and_the_question_never(alice: User, settings: Settings) -> None:
    settings.LLM_HISTORY_TOKENS = 3_000
    first = say(alice, "old " * 3_000)
    answer(first, "Noted.")
    turn = say(alice, "new " * 5_000, conversation_id=first.conversation_id)
    # Nor does what is given begin with an answer to what is left out.
    assert [message.text for message in turn.history] == ["new " * 4_999 + "new"]


@pytest.mark.parametrize("mode", PrivacyMode)
def test_only_incognito_leaves_no_row(alice: User, mode: PrivacyMode) -> None:
    turn = say(alice, mode=mode)
    kept = answer(turn)
    rows = [Conversation.objects.count(), Message.objects.count(), Receipt.objects.count()]
    assert rows == ([0, 0, 0] if mode is PrivacyMode.INCOGNITO else [1, 2, 1])
    assert (kept is None) == (mode is PrivacyMode.INCOGNITO)


def test_incognito_sees_the_stored_turns_and_its_own_stretch(alice: User) -> None:
    first = say(alice, "One")
    answer(first, "Two")
    stretch = [ChatMessage("user", "Three"), ChatMessage("assistant", "Four")]
    turn = say(alice, "Five", PrivacyMode.INCOGNITO, conversation_id=first.conversation_id, history=stretch)
    assert [message.text for message in turn.history] == ["One", "Two", "Three", "Four", "Five"]
    assert Message.objects.count() == 2


def test_the_database_refuses_an_incognito_message(alice: User) -> None:
    turn = say(alice)
    with pytest.raises(Exception, match="message_is_not_incognito"):
        Message.objects.filter(pk=turn.id).update(mode=PrivacyMode.INCOGNITO)


@pytest.mark.parametrize("mode", PrivacyMode)
def test_a_stranger_s_conversation_is_as_unknown_as_a_missing_one(alice: User, bob: User, mode: PrivacyMode) -> None:
    turn = say(alice)
    answer(turn)
    for conversation_id in (turn.conversation_id, uuid.uuid4()):
        with pytest.raises(UnknownConversation):
            say(bob, mode=mode, conversation_id=conversation_id)
    with pytest.raises(MemoryProfile.DoesNotExist):
        say(bob, mode=mode, profile_id=profiles.default_for(alice).pk)


@pytest.mark.parametrize("text", ["", " \n", "x" * 32_001, "a\x00b", "a\ud800b"])
def test_a_message_that_cannot_be_taken_leaves_nothing(alice: User, text: str) -> None:
    with pytest.raises(TextError):
        say(alice, text)
    assert not Conversation.objects.exists()


@pytest.mark.parametrize("text", ["🦊" * 10, "شجرة", "a\u202eb", "x" * 32_000])
def test_any_script_comes_back_as_it_was_said(alice: User, text: str) -> None:
    assert Message.objects.get(pk=say(alice, text).id).text == text


def test_two_tabs_do_not_answer_one_conversation_at_once(alice: User) -> None:
    first = say(alice)
    with pytest.raises(TurnRefused) as refused:
        say(alice, "And I like tea", conversation_id=first.conversation_id)
    assert refused.value.code == "being_answered"
    assert Message.objects.count() == 1
    answer(first)
    say(alice, "And I like tea", conversation_id=first.conversation_id)


def test_a_process_that_died_while_answering_blocks_nobody_for_long(alice: User) -> None:
    first = say(alice)
    Conversation.objects.update(answering_since=timezone.now() - timedelta(minutes=1))
    turns.renew_claims([first])
    with pytest.raises(TurnRefused):
        say(alice, "And I like tea", conversation_id=first.conversation_id)
    Conversation.objects.update(answering_since=timezone.now() - timedelta(minutes=1))
    assert say(alice, "And I like tea", conversation_id=first.conversation_id).id != first.id


def test_a_message_sent_twice_is_stored_once(alice: User) -> None:
    first = say(alice, client_message_id="m1")
    with pytest.raises(AlreadySent) as sent:
        say(alice, client_message_id="m1", conversation_id=first.conversation_id)
    assert sent.value.turn_id == first.id
    answer(first)
    with pytest.raises(AlreadySent):
        say(alice, client_message_id="m1", conversation_id=first.conversation_id)
    assert Message.objects.filter(role=Role.USER).count() == 1


def test_a_message_whose_answer_was_cut_may_be_answered_again(alice: User) -> None:
    first = say(alice, client_message_id="m1")
    answer(first, "Half an ans", MessageStatus.INTERRUPTED)
    again = say(alice, client_message_id="m1", conversation_id=first.conversation_id)
    assert again.id == first.id
    answer(again, "A whole answer.")
    assert [message.text for message in Message.objects.filter(parent=first.id)] == ["A whole answer."]


def test_a_deleted_profile_s_conversation_says_so(alice: User) -> None:
    profile = profiles.create(alice, "Work")
    first = say(alice, profile_id=profile.pk)
    answer(first)
    profiles.delete(profile)
    with pytest.raises(TurnRefused, match="deleted"):
        say(alice, conversation_id=first.conversation_id)


def test_the_cost_of_a_long_conversation_is_the_same(
    alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    turn = say(alice)
    for number in range(10):
        answer(turn)
        with django_assert_max_num_queries(12):
            turn = say(alice, f"Message {number}", conversation_id=turn.conversation_id)
