from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import User
from conversations import learning, turns
from conversations.models import Message, MessageStatus, Receipt
from conversations.tasks import learn_from, learn_from_abandoned
from conversations.tests.conftest import UseModel
from conversations.turns import Said
from memories import profiles
from memories.engine import rules, writing
from memories.engine.types import Candidate
from memories.models import Action, FoundBy, LearningMode, Memory, MemoryEvent, MemorySource, PrivacyMode, Status
from memorychat.llm.fakes import FakeChat
from memorychat.llm.types import ProviderError

pytestmark = pytest.mark.django_db

RunJobs = Callable[[], int]


def say(user: User, text: str, mode: PrivacyMode = PrivacyMode.NORMAL, answer: str = "Noted.") -> turns.Turn:
    turn = turns.begin(user, Said(text, mode))
    turns.finish(turn, answer, MessageStatus.COMPLETE, None)
    return turn


def contents(status: Status = Status.ACTIVE) -> list[str]:
    return [memory.content for memory in Memory.objects.filter(status=status).order_by("pk")]


def test_what_was_said_is_learnt_after_the_answer_with_its_words(alice: User, run_jobs: RunJobs) -> None:
    turn = say(alice, "Hello! I live in Porto, by the sea.")
    assert contents() == []
    run_jobs()
    assert contents() == ["I live in Porto, by the sea"]
    source = MemorySource.objects.get()
    assert (source.message_id, source.quote) == (turn.id, "I live in Porto, by the sea.")
    event = MemoryEvent.objects.get()
    assert (event.found_by, event.found_version, event.message_id) == (FoundBy.RULES, rules.VERSION, turn.id)
    assert Message.objects.get(pk=turn.id).learnt_at


@pytest.mark.parametrize("mode", [PrivacyMode.PAUSED, PrivacyMode.INCOGNITO])
def test_what_was_said_in_another_mode_is_never_learnt_not_even_later(
    alice: User, run_jobs: RunJobs, mode: PrivacyMode
) -> None:
    turn = say(alice, "I live in Porto", mode)
    say(alice, "I like tea")
    Message.objects.update(created_at=timezone.now() - timedelta(days=1))
    learn_from_abandoned()
    learn_from(message_id=turn.id)
    run_jobs()
    assert contents() == ["I like tea"]


def test_learning_twice_learns_once(alice: User, run_jobs: RunJobs) -> None:
    turn = say(alice, "I live in Porto")
    run_jobs()
    learn_from(message_id=turn.id)
    # As a worker leaves it that dies between the writing and the mark.
    Message.objects.update(learnt_at=None)
    learn_from(message_id=turn.id)
    assert [(memory.content, memory.times_said) for memory in Memory.objects.all()] == [("I live in Porto", 1)]
    assert MemoryEvent.objects.count() == 1


def test_the_answer_is_never_a_source(alice: User, run_jobs: RunJobs) -> None:
    say(alice, "What do you know?", answer="I live in Porto. My name is Ana.")
    run_jobs()
    assert contents() == []


def test_a_turn_whose_process_died_is_learnt_from_all_the_same(alice: User, run_jobs: RunJobs) -> None:
    turns.begin(alice, Said("I live in Porto", PrivacyMode.NORMAL))
    learn_from_abandoned()
    assert (run_jobs(), contents()) == (0, [])
    Message.objects.update(created_at=timezone.now() - timedelta(hours=1))
    learn_from_abandoned()
    run_jobs()
    assert contents() == ["I live in Porto"]


def test_what_a_job_gave_up_is_tried_again_each_day_for_a_week(
    alice: User, use_model: UseModel, run_jobs: RunJobs
) -> None:
    model = use_model(FakeChat(error=ProviderError("x", code="refused", permanent=True)))
    say(alice, "Moro no Porto")
    with pytest.raises(ProviderError):
        run_jobs()
    run_jobs()
    learn_from_abandoned()
    assert run_jobs() == 0
    for days, asked in ((1, 2), (9, 2)):
        Message.objects.update(
            learning_since=timezone.now() - timedelta(days=days, minutes=1),
            created_at=timezone.now() - timedelta(days=days, minutes=1),
        )
        learn_from_abandoned()
        with suppress(ProviderError):
            run_jobs()
        assert len([prompt for prompt in model.prompts if "memories" in str(prompt.json_schema)]) == asked


def test_a_job_holds_no_words(alice: User) -> None:
    say(alice, "I live in Porto")
    with connection.cursor() as cursor:
        cursor.execute("SELECT args::text FROM procrastinate_jobs")
        [(arguments,)] = cursor.fetchall()
    assert "Porto" not in arguments


def test_a_request_to_forget_is_carried_out_when_it_is_clear(alice: User, run_jobs: RunJobs) -> None:
    for words in ("I live in Porto.", "I'm vegetarian.", "Please forget where I live."):
        say(alice, words)
        run_jobs()
    assert (contents(), contents(Status.FORGOTTEN)) == (["I'm vegetarian"], ["I live in Porto"])


def test_a_request_to_forget_that_fits_nothing_forgets_nothing(alice: User, run_jobs: RunJobs) -> None:
    for words in ("I live in Porto.", "Please forget what I said about the tax office."):
        say(alice, words)
        run_jobs()
    assert contents() == ["I live in Porto"]


FOUND = """Sure! ```json
{"memories": [{"content": "I live in Porto", "kind": "fact", "sector": "semantic", "importance": 8, "confidence": 0.9,
 "slot": "home town", "quote": "Moro no Porto"}], "forget": []}
```"""


def test_a_model_finds_what_the_rules_cannot(alice: User, use_model: UseModel) -> None:
    model = use_model(FakeChat(answer=FOUND))
    turn = say(alice, "Moro no Porto, sabes?")
    learning.learn(turn.id)
    [memory] = Memory.objects.all()
    assert (memory.content, bool(memory.slot), memory.importance) == ("I live in Porto", True, 8)
    assert MemorySource.objects.get().quote == "Moro no Porto"
    assert MemoryEvent.objects.get().found_by == FoundBy.MODEL
    assert [message.text for message in model.prompts[0].history] == ["Moro no Porto, sabes?"]


@pytest.mark.parametrize(
    "model",
    [
        FakeChat(answer="I could not find anything."),
        FakeChat(answer='{"memories": "none"}'),
        FakeChat(answer='{"memories": [{"content": "a\\u0000b"}]}'),
        FakeChat(answer='{"memories": [{"content": "x", "importance": 99}]}'),
        FakeChat(answer='{"memories": [{"content": "x", "kind": "rumour"}]}'),
        FakeChat(error=ProviderError("down", code="unreachable")),
        FakeChat(finishes=False),
    ],
)
def test_a_model_that_fails_is_asked_again_later_and_never_replaced_by_guesses(
    alice: User, use_model: UseModel, model: FakeChat
) -> None:
    use_model(model)
    turn = say(alice, "I live in Porto")
    with pytest.raises(ProviderError) as caught:
        learning.learn(turn.id)
    assert not caught.value.permanent
    assert contents() == []
    assert Message.objects.get(pk=turn.id).learnt_at is None


def test_nothing_is_learnt_into_a_deleted_profile(alice: User, run_jobs: RunJobs) -> None:
    profile = profiles.create(alice, "Work")
    turn = turns.begin(alice, Said("I live in Porto", PrivacyMode.NORMAL, profile_id=profile.pk))
    turns.finish(turn, "Noted.", MessageStatus.COMPLETE, None)
    profiles.delete(profile)
    run_jobs()
    assert contents() == []


def test_a_recalled_memory_is_not_learnt_again_as_a_fact(alice: User, run_jobs: RunJobs) -> None:
    access = profiles.by_hand(alice, profiles.default_for(alice))
    memory_id = writing.remember(access, Candidate("I live in Porto")).memory_id
    say(alice, "Where do I live?", answer="You told me that you live in Porto.[1]")
    run_jobs()
    assert Memory.objects.get().pk == memory_id
    assert Memory.objects.get().times_said == 1


def test_in_a_profile_that_never_learns_only_a_wish_to_forget_is_heard(alice: User, run_jobs: RunJobs) -> None:
    profile = profiles.default_for(alice)
    writing.remember(profiles.by_hand(alice, profile), Candidate("I live in Porto"))
    profiles.describe(profile, profile.name, "", learning=LearningMode.NEVER)
    say(alice, "I like tea")
    say(alice, "Forget that I live in Porto")
    run_jobs()
    assert contents() == []
    assert contents(Status.FORGOTTEN) == ["I live in Porto"]


def test_what_an_answer_cites_comes_back_to_life(alice: User, run_jobs: RunJobs) -> None:
    access = profiles.by_hand(alice, profiles.default_for(alice))
    memory_id = writing.remember(access, Candidate("I live in Porto")).memory_id
    Memory.objects.update(salience_at=timezone.now() - timedelta(days=90))
    turn = say(alice, "Where do I live?")
    answer = Message.objects.get(parent=turn.id)
    row = {"memory_id": str(memory_id), "number": 1, "score": 1.0, "parts": {}, "cited": True}
    Receipt.objects.create(message=answer, recalled=[row])
    run_jobs()
    assert MemoryEvent.objects.filter(action=Action.USED, memory=memory_id).count() == 1
