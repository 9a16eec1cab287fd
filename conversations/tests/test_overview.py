"""What a program is told of a conversation as a whole."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.tests.programs import Program
from conversations import turns
from conversations.models import Conversation, MessageStatus
from conversations.prompting import give
from conversations.receipts import Draft
from conversations.turns import Said
from memories import profiles
from memories.engine import writing
from memories.engine.recall import recall
from memories.engine.types import Candidate, Written
from memories.models import Kind, MemoryBatch, PrivacyMode, Sector

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def say(alice: User, run_jobs: Callable[[], int]) -> Callable[..., uuid.UUID]:
    """A whole turn, with its answer, its receipt and what is learnt from it."""

    def say(words: str, mode: PrivacyMode = PrivacyMode.NORMAL, to: uuid.UUID | None = None) -> uuid.UUID:
        turn = turns.begin(alice, Said(words, mode, conversation_id=to))
        draft = Draft(mode, "", "", recall(turn.access, turn.question))
        give(turn.access.profile, draft, draft.recall.hits)
        turns.finish(turn, "Yes.[1]", MessageStatus.COMPLETE, draft)
        run_jobs()
        assert turn.conversation_id
        return turn.conversation_id

    return say


def summary_of(program: Program, conversation_id: uuid.UUID) -> dict[str, Any]:
    response = program.call("GET", f"/conversations/{conversation_id}/summary")
    assert response.status_code == 200, response.content
    told: dict[str, Any] = response.json()  # type: ignore[attr-defined]  # of the test client
    return told


def write_episode(alice: User, conversation_id: uuid.UUID, content: str = "We spoke of Porto.") -> Written:
    access = profiles.by_hand(alice, profiles.default_for(alice))
    batch = writing.Batch(MemoryBatch.Purpose.EPISODE, conversation_id)
    [written] = writing.remember_all(access, [Candidate(content, Kind.EPISODE, Sector.EPISODIC)], batch=batch)
    return written


def test_a_conversation_is_told_in_numbers(program: Program, say: Callable[..., uuid.UUID]) -> None:
    conversation_id = say("I live in Porto.")
    say("Where do I live?", PrivacyMode.PAUSED, to=conversation_id)
    say("Where do I live, once more?", to=conversation_id)
    conversation = Conversation.objects.get()

    assert summary_of(program, conversation_id) == {
        "summary": "",
        "messages": 6,
        "own_messages": 3,
        "memories_written": 1,
        "memories_used": 1,
        "started_at": conversation.created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "last_at": conversation.last_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "modes": ["normal", "pause_memories"],
    }


def test_what_was_written_in_another_conversation_does_not_count(
    program: Program, say: Callable[..., uuid.UUID]
) -> None:
    say("I live in Porto.")
    other = say("Good morning.")

    assert summary_of(program, other)["memories_written"] == 0


def test_the_summary_is_the_episode_of_this_conversation(
    alice: User, program: Program, say: Callable[..., uuid.UUID]
) -> None:
    conversation_id, other = say("I live in Porto."), say("Good morning.")
    write_episode(alice, conversation_id)

    assert summary_of(program, conversation_id)["summary"] == "We spoke of Porto."
    assert summary_of(program, other)["summary"] == ""


def test_a_forgotten_episode_is_no_summary(alice: User, program: Program, say: Callable[..., uuid.UUID]) -> None:
    conversation_id = say("I live in Porto.")
    written = write_episode(alice, conversation_id)
    assert written.memory_id
    writing.forget(profiles.by_hand(alice, profiles.default_for(alice)), written.memory_id)

    assert summary_of(program, conversation_id)["summary"] == ""


def test_an_empty_conversation_has_a_summary_of_zeros(alice: User, program: Program) -> None:
    conversation = Conversation.objects.create(owner=alice, profile=profiles.default_for(alice))
    told = summary_of(program, conversation.pk)

    assert (told["messages"], told["memories_written"], told["memories_used"], told["modes"]) == (0, 0, 0, [])


def test_a_longer_conversation_costs_no_more_queries(
    alice: User,
    program: Program,
    say: Callable[..., uuid.UUID],
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    conversation_id = say("I live in Porto.")
    write_episode(alice, conversation_id)
    for _ in range(3):
        say("Where do I live?", to=conversation_id)

    with django_assert_max_num_queries(9):
        summary_of(program, conversation_id)
