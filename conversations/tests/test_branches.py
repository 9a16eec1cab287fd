import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from conversations import turns
from conversations.branches import Tree, UnknownMessage
from conversations.manuscript import manuscript_of
from conversations.models import Conversation, Message, MessageStatus
from conversations.tests.test_turns import answer, say
from conversations.turns import TurnRefused, UnknownConversation

pytestmark = pytest.mark.django_db


def texts(conversation: Conversation) -> list[str]:
    branch = Tree.of(conversation).branch(conversation.leaf_id)
    rows = {row.pk: row.text for row in conversation.messages.select_related("owner")}
    return [rows[place.id] for place in branch]


def test_an_edited_message_goes_on_beside_what_followed_it(alice: User) -> None:
    first = say(alice, "One")
    answer(first, "Answer to one")
    second = say(alice, "Two", conversation_id=first.conversation_id)
    answer(second, "Answer to two")
    edited = say(alice, "Two, better", conversation_id=first.conversation_id, edits=second.id)
    assert [message.text for message in edited.history] == ["One", "Answer to one", "Two, better"]
    answer(edited, "Answer to better")
    conversation = Conversation.objects.get()
    assert texts(conversation) == ["One", "Answer to one", "Two, better", "Answer to better"]
    shown = manuscript_of(conversation).turns
    assert [(turn.versions.number, turn.versions.count) for turn in shown] == [(1, 1), (2, 2)]
    assert shown[1].versions.before == second.id


def test_a_first_message_can_be_edited_too(alice: User) -> None:
    first = say(alice, "One")
    answer(first)
    edited = say(alice, "One, better", conversation_id=first.conversation_id, edits=first.id)
    assert [message.text for message in edited.history] == ["One, better"]


def test_another_answer_stands_beside_the_first(alice: User) -> None:
    turn = say(alice, "Hello")
    answer(turn, "First.")
    again = turns.begin_again(alice, turn.id, turn.conversation_id)
    assert again.id == turn.id
    assert [message.text for message in again.history] == ["Hello"]
    answer(again, "Second.")
    conversation = Conversation.objects.get()
    assert texts(conversation) == ["Hello", "Second."]
    [shown] = manuscript_of(conversation).turns
    assert shown.answer_versions
    assert (shown.answer_versions.number, shown.answer_versions.count) == (2, 2)


def test_an_answer_that_broke_off_gives_way_to_the_next_one(alice: User) -> None:
    turn = say(alice, "Hello")
    answer(turn, "Half", MessageStatus.INTERRUPTED)
    answer(turns.begin_again(alice, turn.id, turn.conversation_id), "Whole.")
    assert [message.text for message in Message.objects.filter(parent=turn.id).select_related("owner")] == ["Whole."]


def test_a_branch_that_is_shown_again_ends_with_its_newest_words(alice: User) -> None:
    first = say(alice, "One")
    answer(first, "Answer to one")
    second = say(alice, "Two", conversation_id=first.conversation_id)
    answer(second, "Answer to two")
    answer(say(alice, "One, better", conversation_id=first.conversation_id, edits=first.id), "Better")
    conversation = Conversation.objects.get()
    tree = Tree.of(conversation)
    end = tree.end_of(first.id)
    assert [place.id for place in tree.branch(end)][2] == second.id


def test_nobody_edits_or_has_answered_what_is_another_person_s(alice: User, bob: User) -> None:
    turn = say(alice, "Hello")
    answer(turn)
    with pytest.raises(UnknownConversation):
        turns.begin_again(bob, turn.id, turn.conversation_id)
    own = say(bob, "Mine")
    answer(own)
    with pytest.raises(UnknownMessage):
        say(bob, "Theirs", conversation_id=own.conversation_id, edits=turn.id)
    with pytest.raises(UnknownMessage):
        turns.begin_again(alice, uuid.uuid4(), turn.conversation_id)


def test_two_answers_are_not_written_at_once(alice: User) -> None:
    turn = say(alice, "Hello")
    with pytest.raises(TurnRefused):
        turns.begin_again(alice, turn.id, turn.conversation_id)
    Conversation.objects.update(answering_since=timezone.now() - timedelta(minutes=1))
    assert turns.begin_again(alice, turn.id, turn.conversation_id).id == turn.id
