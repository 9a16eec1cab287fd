import json
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.utils import timezone

from accounts.models import User
from conversations import keeping, turns, versions
from conversations.branches import UnknownMessage
from conversations.learning import learn
from conversations.models import Conversation, Message, MessageStatus, Receipt
from conversations.tests.conftest import UseModel
from conversations.tests.test_branches import texts
from conversations.tests.test_turns import answer, say
from conversations.turns import Said, Turn, TurnRefused, UnknownConversation
from memories import profiles
from memories.engine.types import StaleChange
from memories.models import Memory, PrivacyMode, Status
from memorychat.lib.crypto import key_ring
from memorychat.lib.text import TextError
from memorychat.llm.fakes import FakeChat
from memorychat.llm.types import Pieces, Prompt

pytestmark = pytest.mark.django_db

VERBS = [keeping.pin, keeping.unpin, keeping.archive, keeping.unarchive, keeping.delete]


@pytest.fixture
def turn(alice: User) -> Turn:
    said = say(alice, "I live in Porto.")
    answer(said)
    return said


def the_conversation() -> Conversation:
    return Conversation.objects.select_related("owner", "profile__owner").get()


def active() -> list[str]:
    return [memory.content for memory in Memory.objects.filter(status=Status.ACTIVE).order_by("pk")]


def chain(user: User, *said: str) -> list[Turn]:
    """Turns that follow each other, each answered with "To " and its words."""
    found: list[Turn] = []
    for words in said:
        found.append(say(user, words, conversation_id=found[0].conversation_id if found else None))
        answer(found[-1], f"To {words}")
    return found


def test_what_its_owner_calls_it_is_one_line_and_stays(alice: User, turn: Turn) -> None:
    keeping.rename(alice, turn.conversation_id, "  My \n move ")  # type: ignore[arg-type]  # it is stored
    assert (the_conversation().title, the_conversation().is_renamed) == ("My move", True)


@pytest.mark.parametrize("title", ["", "   ", "x" * 101, "a\x00b", "\ud800"])
def test_what_is_no_title_is_refused(alice: User, turn: Turn, title: str) -> None:
    with pytest.raises(TextError):
        keeping.rename(alice, turn.conversation_id, title)  # type: ignore[arg-type]  # it is stored
    assert the_conversation().title == "I live in Porto."


def test_pinning_and_archiving_exclude_each_other(alice: User, turn: Turn) -> None:
    assert turn.conversation_id
    keeping.pin(alice, turn.conversation_id)
    keeping.archive(alice, turn.conversation_id)
    assert (the_conversation().pinned_at, the_conversation().archived_at is None) == (None, False)
    keeping.pin(alice, turn.conversation_id)
    assert (the_conversation().pinned_at is None, the_conversation().archived_at) == (False, None)
    keeping.unpin(alice, turn.conversation_id)
    assert the_conversation().pinned_at is None


def test_what_is_written_in_comes_back_from_the_archive(alice: User, turn: Turn) -> None:
    assert turn.conversation_id
    keeping.archive(alice, turn.conversation_id)
    say(alice, "And I like it.", conversation_id=turn.conversation_id)
    assert the_conversation().archived_at is None


@pytest.mark.parametrize("verb", VERBS)
def test_nobody_keeps_house_for_another(bob: User, turn: Turn, verb: Callable[..., None]) -> None:
    with pytest.raises(UnknownConversation):
        verb(bob, turn.conversation_id)
    with pytest.raises(UnknownConversation):
        keeping.rename(bob, turn.conversation_id, "Mine")  # type: ignore[arg-type]  # it is stored
    with pytest.raises(UnknownMessage):
        keeping.delete_turn(bob, turn.conversation_id, turn.id)  # type: ignore[arg-type]  # it is stored
    assert (the_conversation().title, Message.objects.count()) == ("I live in Porto.", 2)


def test_deleting_takes_the_words_and_leaves_the_memories(alice: User, turn: Turn) -> None:
    learn(turn.id)
    assert turn.conversation_id
    keeping.delete(alice, turn.conversation_id)
    assert not Conversation.objects.exists()
    assert not Message.objects.exists()
    assert not Receipt.objects.exists()
    assert active() == ["I live in Porto"]


def test_deleting_can_take_back_what_was_remembered(alice: User, turn: Turn) -> None:
    learn(turn.id)
    preview = keeping.brought_by(the_conversation()).preview()
    assert preview
    assert [each.words_now for each in preview.differences] == ["I live in Porto"]
    assert turn.conversation_id
    keeping.delete(alice, turn.conversation_id, seen=preview.seen)
    assert (active(), Message.objects.count()) == ([], 0)


def test_only_what_was_shown_is_taken_back(alice: User, turn: Turn) -> None:
    learn(turn.id)
    preview = keeping.brought_by(the_conversation()).preview()
    assert preview
    assert turn.conversation_id
    later = say(alice, "I have a dog called Rex.", conversation_id=turn.conversation_id)
    answer(later)
    learn(later.id)
    for seen in (preview.seen, "nothing"):
        with pytest.raises(StaleChange):
            keeping.delete(alice, turn.conversation_id, seen=seen)
    assert (len(active()), Message.objects.count()) == (2, 4)


def test_nothing_is_taken_back_twice(alice: User, turn: Turn) -> None:
    learn(turn.id)
    brought = keeping.brought_by(the_conversation())
    preview = brought.preview()
    assert preview
    brought.take_back(preview.seen)
    assert keeping.brought_by(the_conversation()).preview() is None
    with pytest.raises(StaleChange):
        keeping.delete(alice, turn.conversation_id, seen=preview.seen)  # type: ignore[arg-type]  # it is stored


def test_nothing_is_deleted_under_an_answer(alice: User) -> None:
    [first] = chain(alice, "One")
    say(alice, "Two", conversation_id=first.conversation_id)
    assert first.conversation_id
    with pytest.raises(TurnRefused):
        keeping.delete(alice, first.conversation_id)
    with pytest.raises(TurnRefused):
        keeping.delete_turn(alice, first.conversation_id, first.id)
    Conversation.objects.update(answering_since=timezone.now() - timedelta(minutes=1))
    keeping.delete_turn(alice, first.conversation_id, first.id)
    assert texts(the_conversation()) == ["Two"]


def test_a_deleted_profile_keeps_no_conversation_from_being_deleted(alice: User, turn: Turn) -> None:
    learn(turn.id)
    other = profiles.create(alice, "Other")
    profiles.make_default(other)
    profiles.delete(the_conversation().profile)
    assert keeping.brought_by(the_conversation()).preview() is None
    keeping.delete(alice, turn.conversation_id)  # type: ignore[arg-type]  # it is stored
    assert not Conversation.objects.exists()


def test_what_followed_a_deleted_turn_goes_on_from_what_came_before(alice: User) -> None:
    _, second, _ = chain(alice, "One", "Two", "Three")
    assert second.conversation_id
    keeping.delete_turn(alice, second.conversation_id, second.id)
    assert texts(the_conversation()) == ["One", "To One", "Three", "To Three"]


def test_the_first_turn_goes_with_the_title_that_it_gave(alice: User) -> None:
    first, _ = chain(alice, "One", "Two")
    assert first.conversation_id
    keeping.delete_turn(alice, first.conversation_id, first.id)
    assert (texts(the_conversation()), the_conversation().title) == (["Two", "To Two"], "Two")


def test_the_title_that_its_owner_gave_stays_with_all_turns_gone(alice: User, turn: Turn) -> None:
    assert turn.conversation_id
    keeping.rename(alice, turn.conversation_id, "My move")
    keeping.delete_turn(alice, turn.conversation_id, turn.id)
    conversation = the_conversation()
    assert (texts(conversation), conversation.leaf_id, conversation.title) == ([], None, "My move")
    answer(say(alice, "Again", conversation_id=turn.conversation_id))
    assert texts(the_conversation()) == ["Again", "Noted."]


def test_the_last_turn_leaves_the_one_before_it(alice: User) -> None:
    _, second = chain(alice, "One", "Two")
    assert second.conversation_id
    keeping.delete_turn(alice, second.conversation_id, second.id)
    assert texts(the_conversation()) == ["One", "To One"]
    answer(say(alice, "Three", conversation_id=second.conversation_id), "To Three")
    assert texts(the_conversation()) == ["One", "To One", "Three", "To Three"]


def test_a_turn_goes_with_all_its_answers_and_all_that_followed_them_stays(alice: User) -> None:
    first, second, _ = chain(alice, "One", "Two", "Three")
    answer(turns.begin_again(alice, second.id, second.conversation_id), "Another to Two")
    answer(say(alice, "Four", conversation_id=first.conversation_id), "To Four")
    assert second.conversation_id
    keeping.delete_turn(alice, second.conversation_id, second.id)
    conversation = the_conversation()
    assert texts(conversation) == ["One", "To One", "Four", "To Four"]
    three = conversation.messages.order_by("pk")[2]
    versions.show(alice, conversation.pk, three.pk)
    assert texts(the_conversation()) == ["One", "To One", "Three", "To Three"]


def test_a_deleted_version_shows_the_other_one(alice: User) -> None:
    first, second = chain(alice, "One", "Two")
    edited = say(alice, "Two, better", conversation_id=first.conversation_id, edits=second.id)
    answer(edited, "To better")
    assert first.conversation_id
    keeping.delete_turn(alice, first.conversation_id, edited.id)
    assert texts(the_conversation()) == ["One", "To One", "Two", "To Two"]


def test_a_deleted_first_version_shows_the_other_first_one(alice: User) -> None:
    [first] = chain(alice, "One")
    edited = say(alice, "One, better", conversation_id=first.conversation_id, edits=first.id)
    answer(edited, "To better")
    assert first.conversation_id
    keeping.delete_turn(alice, first.conversation_id, edited.id)
    assert texts(the_conversation()) == ["One", "To One"]


def test_a_turn_of_a_branch_that_is_not_shown_changes_nothing_that_is(alice: User) -> None:
    first, second, third = chain(alice, "One", "Two", "Three")
    answer(say(alice, "Two, better", conversation_id=first.conversation_id, edits=second.id), "To better")
    assert first.conversation_id
    keeping.delete_turn(alice, first.conversation_id, second.id)
    assert texts(the_conversation()) == ["One", "To One", "Two, better", "To better"]
    versions.show(alice, first.conversation_id, third.id)
    assert texts(the_conversation()) == ["One", "To One", "Three", "To Three"]


def test_a_message_without_an_answer_is_a_turn_too(alice: User) -> None:
    [first] = chain(alice, "One")
    said = say(alice, "Two", conversation_id=first.conversation_id)
    turns.finish(said, "", MessageStatus.INTERRUPTED, None)
    answer(say(alice, "Three", conversation_id=first.conversation_id), "To Three")
    assert first.conversation_id
    keeping.delete_turn(alice, first.conversation_id, said.id)
    assert texts(the_conversation()) == ["One", "To One", "Three", "To Three"]


def test_an_answer_is_no_turn(alice: User, turn: Turn) -> None:
    given = turns.find_answer(alice, turn.id)
    assert given
    assert turn.conversation_id
    with pytest.raises(UnknownMessage):
        keeping.delete_turn(alice, turn.conversation_id, given.pk)


def test_of_a_deleted_turn_alone_the_memories_are_taken_back(alice: User) -> None:
    first = say(alice, "I live in Porto.")
    answer(first)
    second = say(alice, "I have a dog called Rex.", conversation_id=first.conversation_id)
    answer(second)
    learn(first.id)
    learn(second.id)
    question = keeping.find_question(alice, the_conversation().pk, second.id)
    preview = keeping.brought_by_turn(question).preview()
    assert preview
    keeping.delete_turn(alice, the_conversation().pk, second.id, seen=preview.seen)
    assert (active(), texts(the_conversation())) == (["I live in Porto"], ["I live in Porto.", "Noted."])


def test_a_summary_that_tells_of_a_deleted_turn_goes_with_it(alice: User) -> None:
    first, second, third = chain(alice, "One", "Two", "Three")
    assert first.conversation_id
    told = turns.find_answer(alice, second.id)
    assert told
    conversation = the_conversation()
    conversation.summary, conversation.summary_through = "One and Two.", told.pk
    conversation.save()
    keeping.delete_turn(alice, first.conversation_id, third.id)
    assert the_conversation().summary == "One and Two."
    keeping.delete_turn(alice, first.conversation_id, first.id)
    assert (the_conversation().summary, the_conversation().summary_through) == (None, None)


@pytest.mark.django_db(transaction=True)
def test_what_is_deleted_while_a_model_reads_it_is_not_learnt(alice: User, use_model: UseModel) -> None:
    [turn] = chain(alice, "I live in Porto.")

    class Slow(FakeChat):
        async def stream(self, prompt: Prompt, *, correlation_id: str) -> Pieces:
            assert turn.conversation_id
            with suppress(UnknownConversation):
                await sync_to_async(keeping.delete)(alice, turn.conversation_id)
            async for piece in super().stream(prompt, correlation_id=correlation_id):
                yield piece

    memory = {"content": "I live in Porto", "kind": "fact", "confidence": 0.9, "importance": 5}
    use_model(Slow(found=json.dumps({"memories": [memory], "forget": []})))
    learn(turn.id)
    assert not Conversation.objects.exists()
    assert active() == []


@pytest.mark.django_db(transaction=True)
def test_words_that_come_while_a_turn_is_deleted_are_not_lost(alice: User) -> None:
    first, second = chain(alice, "One", "Two")
    assert first.conversation_id
    started = threading.Barrier(2)

    def run(work: Callable[[], Any]) -> None:
        with key_ring():
            started.wait()
            with suppress(TurnRefused):
                work()
        connection.close()

    def speak() -> None:
        answer(turns.begin(alice, Said("Three", PrivacyMode.NORMAL, first.conversation_id)), "To Three")

    def delete() -> None:
        keeping.delete_turn(alice, the_conversation().pk, second.id)

    threads = [threading.Thread(target=run, args=(work,)) for work in (speak, delete)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shown = texts(the_conversation())
    assert shown[-2:] == ["Three", "To Three"]
    assert shown[:2] == ["One", "To One"]
